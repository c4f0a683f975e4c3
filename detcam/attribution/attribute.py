"""attribute(): the one way from detections to their heatmaps, for one photograph or many."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib import import_module
from typing import Any, overload

from detcam.attribution.gradients.tape import Tape
from detcam.attribution.heatmap import Heatmap
from detcam.attribution.method import ANSWERS, CHANNEL, LAYER, MASKED, NOISY, PATH, PIXEL, SCORED, Method
from detcam.attribution.methods.table import METHODS
from detcam.attribution.runners.layer import fused, layer_maps_by_name
from detcam.attribution.target import DETECTION_TARGETS, TARGETS, Target, settled
from detcam.attribution.task import Task, keys_of
from detcam.detectors.base import FROZEN, PER_INPUT, SIMILARITY, Detector
from detcam.detectors.canvas import Canvas
from detcam.detectors.detections import Detections
from detcam.detectors.frozen_proposals import frozen_proposals
from detcam.errors import InputError, MethodError

RUNNERS = {
    PATH: "detcam.attribution.runners.layer:path_maps",
    PIXEL: "detcam.attribution.runners.pixel:pixel_maps",
    NOISY: "detcam.attribution.runners.noisy:noisy_maps",
    SCORED: "detcam.attribution.runners.scored:scored_maps",
    MASKED: "detcam.attribution.runners.masked:masked_maps",
    CHANNEL: "detcam.attribution.runners.channel:channel_maps",
}
"""What calls the methods of each kind: a :class:`Task` to a heatmap a detection. Layer methods, which alone explain
many photographs in one pass, are called by :func:`layer_maps_by_name`."""


@dataclass(frozen=True)
class Attribution(Sequence[Heatmap]):
    """One method's heatmaps of the detections of one photograph: a sequence of them, in the detections' order.

    Attributes:
        heatmaps: one a detection.
        target: what was explained.
        targets: what was explained about each detection, where ``target`` does not say all of it (the runner-up of a
            margin); otherwise empty.
        sign_meanings: what negative and positive values say, where both are of interest; None where only positive ones
            are.
        by_layer: of a layer method, each detection's maps at the layers that its heatmap fuses, by name; otherwise
            empty.
    """

    heatmaps: tuple[Heatmap, ...]
    target: str
    targets: tuple[str, ...] = ()
    sign_meanings: tuple[str, str] | None = None
    by_layer: tuple[dict[str, Heatmap], ...] = ()

    def __len__(self) -> int:
        return len(self.heatmaps)

    def __iter__(self) -> Iterator[Heatmap]:
        return iter(self.heatmaps)

    def __getitem__(self, i: Any) -> Any:
        """One heatmap for an index, a tuple of heatmaps for a slice."""
        return self.heatmaps[i]

    def of(self, indices: Sequence[int]) -> "Attribution":
        """The part that is about some of the detections, by their indices."""
        return Attribution(
            tuple(self.heatmaps[i] for i in indices), self.target,
            tuple(self.targets[i] for i in indices) if self.targets else (), self.sign_meanings,
            tuple(self.by_layer[i] for i in indices) if self.by_layer else ())


@overload
def attribute(detector: Detector, canvas: Canvas, detections: Detections, method: Method, layer: str | Sequence[str],
              target: Target, seed: int = 0, tape: Tape | None = None) -> Attribution: ...


@overload
def attribute(detector: Detector, canvas: Canvas, detections: Sequence[Detections], method: Method,
              layer: str | Sequence[str], target: Target, seed: int = 0, tape: Tape | None = None
              ) -> list[Attribution]: ...


def attribute(detector: Detector, canvas: Canvas, detections: Detections | Sequence[Detections], method: Method,
              layer: str | Sequence[str], target: Target, seed: int = 0, tape: Tape | None = None
              ) -> Attribution | list[Attribution]:
    """A heatmap for each detection of one photograph or of many, all of them from one forward pass a sample.

    A layer method takes many photographs in one pass: their boxes of one level share a backward pass, whatever lies
    between their level and the layer. Every other method, and a target with something to choose, takes one photograph
    after the other.

    Args:
        detector: what is explained.
        canvas: the photographs, ``[B, 3, h, w]``.
        detections: the boxes of the only photograph, or those of each of the ``B``, in source pixels.
        method: how.
        layer: ``"depth"``, ``"auto"``, a name, or several names to fuse; pixel methods do not use it.
        target: what is explained about each box; :func:`explained` says what becomes of it. What it has to choose is
            chosen here, on the photograph as it is.
        seed: where a method's noise starts from.
        tape: an open one of this canvas that recorded the layers, for layer and channel methods to use; None makes one.

    Returns:
        The photograph's :class:`Attribution`, or a list with one a photograph.

    Raises:
        LayerError: an unknown layer, or one that gives no map.
        InputError: the detector has no runner-up for a margin, or its rows mean nothing outside their own batch.
        MethodError: the method needs gradients and the detector has none, it returns a map of another shape than its
            input's, or cannot explain the target.
    """
    check_method(detector, method)
    target = explained(detector, method, target)
    if isinstance(detections, Detections):
        return _together(detector, canvas, [detections], method, layer, target, seed, tape)[0]
    photographs = list(detections)
    if len(photographs) == 1 or _share_a_pass(photographs, method, target):
        return _together(detector, canvas, photographs, method, layer, target, seed, tape)
    if detector.rows == FROZEN:
        raise InputError(f"method {method.name!r} takes one photograph after the other, and the rows of "
                         f"{detector.name} are proposals of the whole batch: detect on each photograph alone")
    return [_together(detector, canvas.of_image(i), [found], method, layer, target, seed, None)[0]
            for i, found in enumerate(photographs)]


def share_a_pass(detector: Detector, methods: Sequence[Method], target: Target) -> bool:
    """Whether one forward pass serves several photographs, whatever is found on them.

    Not where a method makes many copies of each anyway, where what is explained is chosen photograph by photograph, or
    where rows mean what they mean beside one photograph's own proposals.
    """
    return (all(method.kind == LAYER for method in methods) and target.settle is None and detector.rows != FROZEN)


def _share_a_pass(photographs: Sequence[Detections], method: Method, target: Target) -> bool:
    """Whether these detections can be explained from one pass of all photographs."""
    return method.kind == LAYER and (target.settle is None or sum(len(found) > 0 for found in photographs) <= 1)


def _together(detector: Detector, canvas: Canvas, photographs: Sequence[Detections], method: Method,
              layer: str | Sequence[str], target: Target, seed: int, tape: Tape | None) -> list[Attribution]:
    """Every photograph's attribution, from passes of all of them; many only of what :func:`_share_a_pass` allows."""
    if not any(len(found) for found in photographs):
        return [_attribution([], method, target, ()) for _ in photographs]
    i = next(i for i, found in enumerate(photographs) if len(found))  # of several, only this one has what to choose
    prediction = None if tape is None else tape.prediction
    if prediction is not None and len(photographs) > 1:
        prediction = prediction.of_image(i)
    target = settled(target, detector, canvas.of_image(i), keys_of(photographs[i]), prediction)
    if method.kind == LAYER:
        maps = layer_maps_by_name(detector, canvas, photographs, method, layer, target, tape)
        return [_attribution([fused(each) for each in by_layer], method, target, keys_of(found), by_layer)
                for by_layer, found in zip(maps, photographs, strict=True)]
    module, _, function = RUNNERS[method.kind].partition(":")
    task = Task(detector, canvas, photographs[0], method, layer, target, seed, tape)
    with frozen_proposals(detector, canvas, prediction, rows=method.kind != MASKED):
        heatmaps: list[Heatmap] = getattr(import_module(module), function)(task)
    return [_attribution(heatmaps, method, target, task.keys)]


def _attribution(heatmaps: Sequence[Heatmap], method: Method, target: Target, keys: Sequence[tuple[int, int]],
                 by_layer: Sequence[dict[str, Heatmap]] = ()) -> Attribution:
    name = SIMILARITY if method.kind == MASKED else target.name  # whatever target other methods have
    return Attribution(tuple(heatmaps), name, tuple(target.name_of(*key) for key in keys) if target.names else (),
                       target.sign_meanings if any(heatmap.signed for heatmap in heatmaps) else None, tuple(by_layer))


def explained(detector: Detector, method: Method, target: Target) -> Target:
    """What a method can explain: where rows are others on every changed copy, that the box is found, by any row.

    Raises:
        MethodError: of such rows something else was asked.
    """
    if detector.rows != PER_INPUT or not method.changes_input or target.rematched:
        return target
    if target.name not in DETECTION_TARGETS:
        raise MethodError(f"method {method.name!r} changes the photograph, and {detector.name} chooses its rows anew "
                          f"there: it can explain that a box is found, not {target.name!r}; choose the target "
                          f"{DETECTION_TARGETS[0]}, or a method that takes the photograph as it is, such as 'hirescam'")
    return TARGETS[SIMILARITY]


def check_method(detector: Detector, method: Method) -> None:
    """See that a detector has what a method asks for.

    Raises:
        MethodError: it is a plain callable, and the method needs gradients or layers.
    """
    if not detector.differentiable and method.kind not in ANSWERS:
        able = [name for name, entry in METHODS.items() if entry.kind in ANSWERS]
        raise MethodError(f"method {method.name!r} needs gradients; {detector.name} is a plain callable and has none: "
                          f"use {' or '.join(able)}")
