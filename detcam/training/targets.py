"""The training targets: a soft person score and a box for every default box.

Annotated persons and the teacher's persons are merged into one list of scored boxes. A person of both scores highest. A
person of the annotation alone scores less, since annotations are of mixed quality. A person of the teacher alone has
the teacher's score.
"""

from dataclasses import dataclass

import torch
from torch import Tensor
from torchvision.models.detection._utils import BoxCoder
from torchvision.ops import box_iou

from detcam.training.teacher import TeacherView

SAME_PERSON_IOU = 0.5  # IoU from which an annotated box and a teacher's box are the same person
MATCH_IOU = 0.5  # SSD's threshold between default boxes and persons
ANNOTATED_SCORE = 0.6  # of an annotated person that the teacher does not see; the teacher's score adds to it


@dataclass(frozen=True)
class SoftTargets:
    """The targets of A default boxes.

    Attributes:
        scores: ``[A]`` in 0..1; of a batch ``[B, A]``.
        deltas: ``[A, 4]`` boxes in SSD's encoding, zero where the score is; of a batch ``[B, A, 4]``.
    """

    scores: Tensor
    deltas: Tensor


def merge_persons(annotated: Tensor, seen: Tensor, seen_scores: Tensor) -> tuple[Tensor, Tensor]:
    """Merge the annotated persons and those that the teacher alone sees.

    Args:
        annotated: ``[M, 4]`` xyxy.
        seen: ``[K, 4]`` xyxy, the teacher's persons in the same frame.
        seen_scores: ``[K]`` their scores.

    Returns:
        Boxes ``[N, 4]`` and soft scores ``[N]``.
    """
    if not len(seen):
        return annotated, annotated.new_full((len(annotated),), ANNOTATED_SCORE)
    if not len(annotated):
        return seen, seen_scores
    overlaps = box_iou(annotated, seen)
    agreed = torch.where(overlaps >= SAME_PERSON_IOU, seen_scores, 0.0).amax(dim=1)
    new = overlaps.amax(dim=0) < SAME_PERSON_IOU
    scores = ANNOTATED_SCORE + (1 - ANNOTATED_SCORE) * agreed
    return torch.cat([annotated, seen[new]]), torch.cat([scores, seen_scores[new]])


def assign(persons: Tensor, scores: Tensor, default_boxes: Tensor, coder: BoxCoder) -> SoftTargets:
    """SSD's matching: every default box gets its best person with an IoU of at least 0.5, every person its best box.

    Args:
        persons: ``[N, 4]`` xyxy, canvas pixels.
        scores: ``[N]`` their soft scores.
        default_boxes: ``[A, 4]`` xyxy, canvas pixels.
        coder: encodes boxes as the SSD does.
    """
    target_scores = default_boxes.new_zeros(len(default_boxes))
    deltas = torch.zeros_like(default_boxes)
    if not len(persons):
        return SoftTargets(target_scores, deltas)
    overlaps = box_iou(persons, default_boxes)
    best_overlap, person = overlaps.max(dim=0)
    best_box = overlaps.argmax(dim=1)
    person[best_box] = torch.arange(len(persons), device=persons.device)
    best_overlap[best_box] = 1.0
    matched = best_overlap >= MATCH_IOU
    target_scores[matched] = scores[person[matched]]
    deltas[matched] = coder.encode_single(persons[person[matched]], default_boxes[matched])
    return SoftTargets(target_scores, deltas)


def batch_targets(
    annotated: list[Tensor], views: list[TeacherView] | None, default_boxes: Tensor, coder: BoxCoder
) -> SoftTargets:
    """The targets of a batch, on the CPU. Without a teacher every annotated person scores 1.

    Args:
        annotated: the annotated boxes of each picture, ``[N, 4]`` xyxy, canvas pixels.
        views: what the teacher sees in each picture, or None.
        default_boxes: ``[A, 4]`` xyxy, canvas pixels.
        coder: encodes boxes as the SSD does.
    """
    targets = []
    for index, boxes in enumerate(annotated):
        if views is None:
            persons, scores = boxes, boxes.new_ones(len(boxes))
        else:
            persons, scores = merge_persons(boxes, views[index].boxes, views[index].scores)
        targets.append(assign(persons, scores, default_boxes, coder))
    stacked = (torch.stack([getattr(target, name) for target in targets]) for name in ("scores", "deltas"))
    return SoftTargets(*stacked)
