"""Heatmaps of every detection of a photograph together."""

from collections.abc import Sequence
from importlib import import_module

from detcam.attribution.gradients.tape import Tape
from detcam.attribution.heatmap import Heatmap
from detcam.attribution.method import ANSWERS, LAYER, NOISY, Method
from detcam.attribution.methods.table import CHANNEL, MASKED, METHODS, PATH, PIXEL, SCORED
from detcam.attribution.target import FOUND, TARGETS, Target, settled
from detcam.attribution.task import Task, keys_of
from detcam.detectors.base import PER_INPUT, SIMILARITY, Detector
from detcam.detectors.canvas import Canvas
from detcam.detectors.detections import Detections
from detcam.detectors.frozen_proposals import frozen_proposals
from detcam.errors import MethodError

RUNNERS = {
    LAYER: "detcam.attribution.runners.layer:layer_maps",
    PATH: "detcam.attribution.runners.layer:path_maps",
    PIXEL: "detcam.attribution.runners.pixel:pixel_maps",
    NOISY: "detcam.attribution.runners.noisy:noisy_maps",
    SCORED: "detcam.attribution.runners.scored:scored_maps",
    MASKED: "detcam.attribution.runners.pixel:masked_maps",
    CHANNEL: "detcam.attribution.runners.channel:channel_maps",
}
"""What calls the methods of each kind: a :class:`Task` to a heatmap a detection."""


def attribute(detector: Detector, canvas: Canvas, detections: Detections, method: Method, layer: str | Sequence[str],
              target: Target, seed: int = 0, tape: Tape | None = None) -> list[Heatmap]:
    """A heatmap for each detection of the canvas's only photograph, all of them from one forward pass a sample.

    Args:
        detector: what is explained.
        canvas: one photograph.
        detections: the boxes to explain.
        method: how.
        layer: ``"depth"``, ``"auto"``, a name, or several names to fuse; pixel methods do not use it.
        target: what is explained about each box; :func:`explained` says what becomes of it.
        seed: where a method's noise starts from.
        tape: an open one of this canvas that recorded the layers, for layer and channel methods to use; None makes one.

    Raises:
        LayerError: an unknown layer, or one that gives no map.
        InputError: the detector has no runner-up for a margin.
        MethodError: the method needs gradients and the detector has none, it returns a map of another shape than its
            input's, or cannot explain the target.
    """
    check_method(detector, method)
    if not len(detections):
        return []
    target = explained(detector, method, target)
    target = settled(target, detector, canvas, keys_of(detections), None if tape is None else tape.prediction)
    module, _, function = RUNNERS[method.kind].partition(":")
    task = Task(detector, canvas, detections, method, layer, target, seed, tape)
    with frozen_proposals(detector, canvas, None if tape is None else tape.prediction, rows=method.kind != MASKED):
        maps: list[Heatmap] = getattr(import_module(module), function)(task)
    return maps


def explained(detector: Detector, method: Method, target: Target) -> Target:
    """What a method can explain: where rows are others on every changed copy, that the box is found, by any row.

    Raises:
        MethodError: of such rows something else was asked.
    """
    if detector.rows != PER_INPUT or not method.changes_input or target.rematched:
        return target
    if target.name not in FOUND:
        raise MethodError(f"method {method.name!r} changes the photograph, and {detector.name} chooses its rows anew "
                          f"there: it can explain that a box is found, not {target.name!r}; choose the target "
                          f"{FOUND[0]}, or a method that takes the photograph as it is, such as 'hirescam'")
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
