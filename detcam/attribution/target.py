"""Targets: the number of a detection that is explained, such as its class score or an edge of its box."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

import torch
from torch import Tensor

from detcam.detectors.base import SIMILARITY, Detector
from detcam.detectors.canvas import Canvas
from detcam.detectors.prediction import Prediction
from detcam.errors import InputError, near
from detcam.imaging.boxes import EDGES

Key = tuple[int, int]  # row, label


@dataclass(frozen=True)
class Target:
    """A differentiable number of one detection.

    Attributes:
        name: its name in options and in the provenance.
        read: ``(prediction, row, label)`` to the number in every image, ``[B]``.
        local: whether it depends on the row's own cell of its own level alone, so that boxes can share passes.
        sign_meanings: the meaning of negative and of positive values of a map, where both signs matter; otherwise None.
        settle: for a target that depends on a choice, such as the runner-up of a margin: ``(prediction of the clean
            photograph, keys, rivals)`` to the target with that choice fixed; :func:`settled` calls it.
        names: what is explained about a ``(row, label)``, where ``name`` alone does not say it.
        rematched: whether it finds the box among all rows of a changed copy, so that it also works where row numbers
            mean other boxes there.
    """

    name: str
    read: Callable[[Prediction, int, int], Tensor]
    local: bool = False
    sign_meanings: tuple[str, str] | None = None
    settle: Callable[[Prediction, Sequence[Key], Mapping[int, str]], "Target"] | None = None
    names: Mapping[Key, str] = field(default_factory=dict)
    rematched: bool = False

    def name_of(self, row: int, label: int) -> str:
        """What is explained about a detection, such as ``"margin over dog"``."""
        return self.names.get((row, label), self.name)


def _edge(edge: str, sign_meanings: tuple[str, str]) -> Target:
    return Target(edge, lambda prediction, row, label: prediction.edge(row, edge), local=True,
                  sign_meanings=sign_meanings)


def _side(name: str, first: str, last: str, sign_meanings: tuple[str, str]) -> Target:
    return Target(name, lambda prediction, row, label: prediction.edge(row, last) - prediction.edge(row, first),
                  local=True, sign_meanings=sign_meanings)


def _unsettled(prediction: Prediction, row: int, label: int) -> Tensor:
    raise InputError("this target's runner-up or box is chosen on the clean photograph first: call settled(), and "
                     "read the target that it returns")


def _settle_margin(prediction: Prediction, keys: Sequence[Key], rivals: Mapping[int, str]) -> Target:
    """The class logit minus the runner-up's: the other class with the largest logit in image 0, fixed from then on."""
    runners_up = {}
    for row, label in keys:
        logits = prediction.class_logits(row)[0].detach()
        runners_up[row, label] = max((rival for rival in rivals if rival != label), key=lambda rival: logits[rival])

    def read(prediction: Prediction, row: int, label: int) -> Tensor:
        logits = prediction.class_logits(row)
        return logits[:, label] - logits[:, runners_up[row, label]]

    names = {key: f"margin over {rivals[rival]}" for key, rival in runners_up.items()}
    return Target("margin", read, local=True, names=names)


def _settle_similarity(prediction: Prediction, keys: Sequence[Key], rivals: Mapping[int, str]) -> Target:
    """The largest ``IoU(box, row's box) * score`` of any row; the box is that of the key in image 0, unclipped.

    The box is read in the same way as the rows, so that rounding does not change the IoU with itself.
    """
    boxes = {key: prediction.box_of(key[0]) for key in keys}

    def read(prediction: Prediction, row: int, label: int) -> Tensor:
        box = boxes[row, label]
        overlap = iou_with(box, prediction.boxes.unbind(-1))
        best = (overlap * prediction.scores_of(label)).argmax(1).tolist()
        return torch.stack([_similarity(prediction, image, row, label, box) for image, row in enumerate(best)])

    return Target(SIMILARITY, read, rematched=True)


def _similarity(prediction: Prediction, image: int, row: int, label: int, box: Tensor) -> Tensor:
    """The IoU with a box ``[4]`` times the score of a row in one image, differentiable."""
    edges = [prediction.edge(row, edge)[image] for edge in EDGES]
    return iou_with(box, edges) * prediction.probability(row, label)[image]


def iou_with(box: Tensor, edges: Sequence[Tensor]) -> Tensor:
    """The IoU of a box with others, differentiable.

    Where an edge equals the box's own, the derivative is the mean of those on both sides: 0 for the box itself.

    Args:
        box: ``[4]`` xyxy.
        edges: left, top, right and bottom edges of the other boxes, ``[...]`` each, in the same frame.

    Returns:
        ``[...]``.
    """
    left, top, right, bottom = edges
    width = torch.minimum(right, box[2]) - torch.maximum(left, box[0])
    height = torch.minimum(bottom, box[3]) - torch.maximum(top, box[1])
    common = width.clamp(min=0) * height.clamp(min=0)
    areas = (right - left) * (bottom - top) + (box[2] - box[0]) * (box[3] - box[1])
    return common / (areas - common).clamp(min=torch.finfo(common.dtype).tiny)


TARGETS = {
    "logit": Target("logit", lambda prediction, row, label: prediction.logit(row, label), local=True),
    "probability": Target("probability", lambda prediction, row, label: prediction.probability(row, label), local=True),
    "margin": Target("margin", _unsettled, local=True, settle=_settle_margin),
    "objectness": Target("objectness", lambda prediction, row, label: prediction.objectness(row)),
    "left": _edge("left", ("outward", "inward")),
    "top": _edge("top", ("outward", "inward")),
    "right": _edge("right", ("inward", "outward")),
    "bottom": _edge("bottom", ("inward", "outward")),
    "width": _side("width", "left", "right", ("narrower", "wider")),
    "height": _side("height", "top", "bottom", ("shorter", "taller")),
    SIMILARITY: Target(SIMILARITY, _unsettled, settle=_settle_similarity, rematched=True),
}
DETECTION_TARGETS = ("logit", "probability", SIMILARITY)
"""Targets of the detection as a whole, for which a similarity can stand."""


def get_target(target: str | Target, detector: Detector | None = None) -> Target:
    """A target by its name, or the target itself.

    Args:
        target: the name, or the target.
        detector: the detector to check it against; None checks nothing.

    Raises:
        InputError: there is no target of that name, the detector has none, or it has no runner-up to compare with.
    """
    if not isinstance(target, Target):
        if target not in TARGETS:
            raise InputError(f"unknown target {target!r}: {near(target, TARGETS)}")
        target = TARGETS[target]
    if detector is not None and target.name in TARGETS and target.name not in detector.targets:
        raise InputError(f"target {target.name!r}: {detector.name} has none; it has {', '.join(detector.targets)}")
    if target.settle is _settle_margin and detector is not None and len(detector.rivals) < 2:
        raise InputError(f"target 'margin': {detector.name} scores a single class and no background, so there is no "
                         "runner-up; use 'logit'")
    return target


def difference(target: Target, minus: Key, words: str) -> Target:
    """The target of each detection minus the target of one other detection.

    Args:
        target: what is explained about each. A choice that it depends on is made when the difference is settled.
        minus: the ``(row, label)`` of the other detection, which itself keeps the plain target.
        words: its name, such as ``"box 1"``.
    """
    def settle(prediction: Prediction, keys: Sequence[Key], rivals: Mapping[int, str]) -> Target:
        plain = target if target.settle is None else target.settle(prediction, [*keys, minus], rivals)

        def read(prediction: Prediction, row: int, label: int) -> Tensor:
            value = plain.read(prediction, row, label)
            return value if (row, label) == minus else value - plain.read(prediction, *minus)

        names = {key: f"{plain.name_of(*key)}, not {words}" for key in keys if key != minus}
        return replace(unsettled, read=read, settle=None, names={**names, minus: plain.name_of(*minus)})

    unsettled = Target(f"{target.name} difference", _unsettled, sign_meanings=(f"for {words}", "for this box"),
                       settle=settle, rematched=target.rematched)
    return unsettled


def settled(target: Target, detector: Detector, canvas: Canvas, keys: Sequence[Key],
            prediction: Prediction | None = None) -> Target:
    """A target with its choice (of the runner-up, or of the box) fixed on the clean photograph.

    Changed copies of the photograph are then read with the same choice. A target without a choice is returned as it is.

    Args:
        target: what is explained.
        detector: its detector.
        canvas: the clean photograph.
        keys: the ``(row, label)`` of every detection that will be read.
        prediction: of the clean photograph; None runs the detector if the target depends on a choice.

    Raises:
        InputError: the detector does not have the target, or has no runner-up to compare with.
    """
    target = get_target(target, detector)
    if target.settle is None:
        return target
    if prediction is None:
        with detector.borrowed(), torch.no_grad():
            prediction = detector.forward(canvas.pixels)
    return target.settle(prediction, keys, detector.rivals)
