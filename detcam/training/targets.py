"""What the student should answer: a soft person score and a box for every default box.

Annotated persons and the teacher's persons become one list of scored boxes. A person that both know scores highest; one
that only the annotation knows scores less, since annotations are of mixed quality; one that only the teacher knows
scores what the teacher says.
"""

from dataclasses import dataclass

import torch
from torch import Tensor
from torchvision.models.detection._utils import BoxCoder
from torchvision.ops import box_iou

from detcam.training.teacher import TeacherView

SAME_PERSON_IOU = 0.5  # an annotated and a teacher's box from here on are one person
MATCH_IOU = 0.5  # SSD's threshold between default boxes and persons
ANNOTATED_SCORE = 0.6  # an annotated person that the teacher does not see; the teacher's score adds the rest


@dataclass(frozen=True)
class SoftTargets:
    """For A default boxes: `scores` `[A]` in 0..1 and `deltas` `[A, 4]`, SSD's encoding (zero where the score is).

    Of a batch: `[B, A]` and `[B, A, 4]`.
    """

    scores: Tensor
    deltas: Tensor


def merge_persons(annotated: Tensor, seen: Tensor, seen_scores: Tensor) -> tuple[Tensor, Tensor]:
    """Boxes `[N, 4]` and soft scores `[N]` of the annotated persons and those that only the teacher saw."""
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
    """SSD's matching: every default box takes its best person from IoU 0.5 on, every person at least its best box.

    `persons` `[N, 4]`, `default_boxes` `[A, 4]`: xyxy in canvas pixels.
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
    """Targets of a batch, `[B, A]` and `[B, A, 4]`, on the CPU. Without a teacher every annotated person scores 1."""
    targets = []
    for index, boxes in enumerate(annotated):
        if views is None:
            persons, scores = boxes, boxes.new_ones(len(boxes))
        else:
            persons, scores = merge_persons(boxes, views[index].boxes, views[index].scores)
        targets.append(assign(persons, scores, default_boxes, coder))
    stacked = (torch.stack([getattr(target, name) for target in targets]) for name in ("scores", "deltas"))
    return SoftTargets(*stacked)
