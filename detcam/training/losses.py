"""The three parts of the training loss."""

import torch
import torch.nn.functional as F
from torch import Tensor

FOCUS = 2.0  # the exponent beta of quality focal loss
DISTIL_FOCUS = 10.0  # how much more a cell counts for a class that the teacher is certain of


def person_logit(cls_logits: Tensor) -> Tensor:
    """The logit whose sigmoid is softmax's person score: `[..., 2]` to `[...]`."""
    return cls_logits[..., 1] - cls_logits[..., 0]


def quality_focal_loss(logits: Tensor, scores: Tensor) -> Tensor:
    """Quality focal loss (Li 2020, eq. 3), summed: soft targets `scores`, and no hard-negative mining."""
    error = (scores - logits.sigmoid()).abs() ** FOCUS
    return (error * F.binary_cross_entropy_with_logits(logits, scores, reduction="none")).sum()


def box_loss(deltas: Tensor, target_deltas: Tensor, scores: Tensor) -> Tensor:
    """Smooth L1 of SSD's encoded boxes, weighted by the soft score, summed."""
    positive = scores > 0
    loss = F.smooth_l1_loss(deltas[positive], target_deltas[positive], reduction="none").sum(dim=-1)
    return (loss * scores[positive]).sum()


def distillation_loss(maps: list[Tensor], teacher_maps: list[Tensor]) -> Tensor:
    """Mean squared difference of class logits (Ba 2014, eq. 1), certain classes weighted up; the mean over levels.

    `maps` and `teacher_maps`: `[B, classes, h, w]` a level; the teacher's are brought to the student's grid.
    """
    total = maps[0].new_zeros(())
    for student, teacher in zip(maps, teacher_maps, strict=True):
        if teacher.shape[-2:] != student.shape[-2:]:
            teacher = F.interpolate(teacher, student.shape[-2:], mode="bilinear", antialias=True)
        weight = 1 + DISTIL_FOCUS * teacher.sigmoid()
        total = total + (weight * (student.float() - teacher) ** 2).mean()
    return total / len(maps)


def detection_loss(cls_logits: Tensor, deltas: Tensor, scores: Tensor, target_deltas: Tensor) -> tuple[Tensor, Tensor]:
    """(score loss, box loss) of a batch, both over the sum of the soft scores: `[B, A, 2]`, `[B, A, 4]`, `[B, A]`."""
    mass = scores.sum().clamp(min=1.0)
    score_loss = quality_focal_loss(person_logit(cls_logits.float()), scores)
    return score_loss / mass, box_loss(deltas.float(), target_deltas, scores) / mass


def weighted_sum(parts: dict[str, Tensor], weights: dict[str, float]) -> Tensor:
    """The loss that is minimised."""
    return torch.stack([weights[name] * part for name, part in parts.items()]).sum()
