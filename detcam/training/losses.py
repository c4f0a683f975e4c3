"""The three parts of the training loss."""

import torch
import torch.nn.functional as F
from torch import Tensor

FOCUS = 2.0  # the exponent beta of quality focal loss
DISTIL_FOCUS = 10.0  # how much more a cell counts for a class that the teacher is certain of


def person_logit(cls_logits: Tensor) -> Tensor:
    """The logit whose sigmoid is the softmax score of the person: ``[..., 2]`` (background, person) to ``[...]``."""
    return cls_logits[..., 1] - cls_logits[..., 0]


def quality_focal_loss(logits: Tensor, scores: Tensor) -> Tensor:
    """Quality focal loss (Li 2020, eq. 3) with soft targets and without hard-negative mining, summed to a scalar.

    Args:
        logits: ``[...]``.
        scores: ``[...]`` soft targets in 0..1.
    """
    error = (scores - logits.sigmoid()).abs() ** FOCUS
    return (error * F.binary_cross_entropy_with_logits(logits, scores, reduction="none")).sum()


def box_loss(deltas: Tensor, target_deltas: Tensor, scores: Tensor) -> Tensor:
    """Smooth L1 loss of boxes in SSD's encoding, weighted by the soft score, summed to a scalar.

    Args:
        deltas: ``[..., 4]`` predicted.
        target_deltas: ``[..., 4]``.
        scores: ``[...]`` soft targets; boxes with 0 do not count.
    """
    positive = scores > 0
    loss = F.smooth_l1_loss(deltas[positive], target_deltas[positive], reduction="none").sum(dim=-1)
    return (loss * scores[positive]).sum()


def distillation_loss(maps: list[Tensor], teacher_maps: list[Tensor]) -> Tensor:
    """Mean squared difference of class logits (Ba 2014, eq. 1), averaged over levels to a scalar.

    Classes that the teacher is certain of weigh more.

    Args:
        maps: the student's, ``[B, classes, h, w]`` for each level.
        teacher_maps: the teacher's; maps of another size are resized to the student's grid.
    """
    total = maps[0].new_zeros(())
    for student, teacher in zip(maps, teacher_maps, strict=True):
        if teacher.shape[-2:] != student.shape[-2:]:
            teacher = F.interpolate(teacher, student.shape[-2:], mode="bilinear", antialias=True)
        weight = 1 + DISTIL_FOCUS * teacher.sigmoid()
        total = total + (weight * (student.float() - teacher) ** 2).mean()
    return total / len(maps)


def detection_loss(cls_logits: Tensor, deltas: Tensor, scores: Tensor, target_deltas: Tensor) -> tuple[Tensor, Tensor]:
    """The score loss and the box loss of a batch, scalars, both divided by the sum of the soft scores.

    Args:
        cls_logits: ``[B, A, 2]`` of background and person, for A default boxes.
        deltas: ``[B, A, 4]`` predicted, in SSD's encoding.
        scores: ``[B, A]`` soft targets in 0..1.
        target_deltas: ``[B, A, 4]``.
    """
    mass = scores.sum().clamp(min=1.0)
    score_loss = quality_focal_loss(person_logit(cls_logits.float()), scores)
    return score_loss / mass, box_loss(deltas.float(), target_deltas, scores) / mass


def weighted_sum(parts: dict[str, Tensor], weights: dict[str, float]) -> Tensor:
    """The loss that is minimised, a scalar: the sum of its parts, each times the weight of its name."""
    return torch.stack([weights[name] * part for name, part in parts.items()]).sum()
