"""What is explained about a row: its class, its lead over the runner-up, an edge of its box, or whatever finds it."""

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
        name: the word that users and provenance know it by.
        read: ``(prediction, row, label)`` to the number in every image, ``[B]``.
        local: it reads nothing but its own cell of its own level's maps, so that passes may be shared.
        poles: what a negative and what a positive value of a map says, where both signs are of interest.
        settle: for a target with something to choose: ``(prediction of the clean photograph, keys, rivals)`` to the
            target with that choice made for those ``(row, label)``; :func:`settled` calls it.
        names: what is explained about a ``(row, label)``, where the name does not say all of it.
        rematched: it finds the box among all rows, so that it means the same where rows are others on a changed copy.
    """

    name: str
    read: Callable[[Prediction, int, int], Tensor]
    local: bool = False
    poles: tuple[str, str] | None = None
    settle: Callable[[Prediction, Sequence[Key], Mapping[int, str]], "Target"] | None = None
    names: Mapping[Key, str] = field(default_factory=dict)
    rematched: bool = False

    def name_of(self, row: int, label: int) -> str:
        """What is explained about a detection, in words."""
        return self.names.get((row, label), self.name)


def _edge(edge: str, poles: tuple[str, str]) -> Target:
    return Target(edge, lambda prediction, row, label: prediction.edge(row, edge), local=True, poles=poles)


def _side(name: str, first: str, last: str, poles: tuple[str, str]) -> Target:
    return Target(name, lambda prediction, row, label: prediction.edge(row, last) - prediction.edge(row, first),
                  local=True, poles=poles)


def _unsettled(prediction: Prediction, row: int, label: int) -> Tensor:
    raise InputError("this target's runner-up or box is chosen on the clean photograph first; read what settled() "
                     "returns instead")


def _settle_margin(prediction: Prediction, keys: Sequence[Key], rivals: Mapping[int, str]) -> Target:
    """The class logit minus that of the runner-up: the rival with the largest logit in image 0, fixed from then on."""
    runners_up = {}
    for row, label in keys:
        logits = prediction.class_logits(row)[0].detach()
        runners_up[row, label] = max((rival for rival in rivals if rival != label), key=lambda each: logits[each])

    def read(prediction: Prediction, row: int, label: int) -> Tensor:
        logits = prediction.class_logits(row)
        return logits[:, label] - logits[:, runners_up[row, label]]

    names = {key: f"margin over {rivals[rival]}" for key, rival in runners_up.items()}
    return Target("margin", read, local=True, names=names)


def _settle_similarity(prediction: Prediction, keys: Sequence[Key], rivals: Mapping[int, str]) -> Target:
    """The largest ``IoU(box, row's box) * score`` of any row; the box is the key's own in image 0, unclipped.

    It is read as it will be read again, so that rounding does not move its edges off themselves.
    """
    boxes = {key: prediction.box_of(key[0]) for key in keys}

    def read(prediction: Prediction, row: int, label: int) -> Tensor:
        box = boxes[row, label]
        overlap = overlaps(prediction.boxes.unbind(-1), box)
        best = (overlap * prediction.scores_of(label)).argmax(1).tolist()
        return torch.stack([_agreement(prediction, image, own, label, box) for image, own in enumerate(best)])

    return Target(SIMILARITY, read, rematched=True)


def _agreement(prediction: Prediction, image: int, row: int, label: int, box: Tensor) -> Tensor:
    """IoU with a box ``[4]`` times score of a row in one image, on the graph."""
    edges = [prediction.edge(row, edge)[image] for edge in EDGES]
    return overlaps(edges, box) * prediction.probability(row, label)[image]


def overlaps(edges: Sequence[Tensor], box: Tensor) -> Tensor:
    """IoU of boxes, given as left, top, right and bottom edges of any one shape, with a box ``[4]`` xyxy.

    Where an edge lies on the box's own, the derivative is the mean of those on both sides: at the box itself, 0.
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
    "left": _edge("left", ("pulls it out", "pulls it in")),
    "top": _edge("top", ("pulls it out", "pulls it in")),
    "right": _edge("right", ("pulls it in", "pulls it out")),
    "bottom": _edge("bottom", ("pulls it in", "pulls it out")),
    "width": _side("width", "left", "right", ("narrower", "wider")),
    "height": _side("height", "top", "bottom", ("lower", "taller")),
    SIMILARITY: Target(SIMILARITY, _unsettled, settle=_settle_similarity, rematched=True),
}
FOUND = ("logit", "probability", SIMILARITY)  # targets that say that a box is found, which a similarity can stand for


def get_target(target: str | Target, detector: Detector | None = None) -> Target:
    """A target by its name, or the target itself.

    Args:
        target: the name, or the target.
        detector: what it is for, where that is known already.

    Raises:
        InputError: there is no target of that name, or the detector has no runner-up to compare with.
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
    """What speaks for a detection and not for another one: ``target`` of the one minus ``target`` of the other.

    Args:
        target: what is explained about each; what it has to choose is chosen when the difference is settled.
        minus: the ``(row, label)`` of the other one; of itself the plain target is explained.
        words: what to call the other one.
    """
    def settle(prediction: Prediction, keys: Sequence[Key], rivals: Mapping[int, str]) -> Target:
        plain = target if target.settle is None else target.settle(prediction, [*keys, minus], rivals)

        def read(prediction: Prediction, row: int, label: int) -> Tensor:
            value = plain.read(prediction, row, label)
            return value if (row, label) == minus else value - plain.read(prediction, *minus)

        names = {key: f"{plain.name_of(*key)}, not {words}" for key in keys if key != minus}
        return replace(unsettled, read=read, settle=None, names={**names, minus: plain.name_of(*minus)})

    unsettled = Target(f"{target.name} difference", _unsettled, poles=(f"for {words}", "for this box"), settle=settle,
                       rematched=target.rematched)
    return unsettled


def settled(target: Target, detector: Detector, canvas: Canvas, keys: Sequence[Key],
            prediction: Prediction | None = None) -> Target:
    """A target that has chosen what it has to choose, on the photograph as it is: noisy copies change nothing of it.

    Args:
        target: what is explained.
        detector: its detector.
        canvas: the clean photograph.
        keys: the ``(row, label)`` of every detection that will be read.
        prediction: of the clean photograph, where there is one; None makes one for a target that has to choose.

    Raises:
        InputError: the detector has no runner-up to compare with.
    """
    target = get_target(target, detector)
    if target.settle is None:
        return target
    if prediction is None:
        with detector.borrowed(), torch.no_grad():
            prediction = detector.forward(canvas.pixels)
    return target.settle(prediction, keys, detector.rivals)
