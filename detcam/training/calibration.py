"""Shifts a detector's scores so that 0.5 is the best threshold.

Soft targets lead to low scores: a clear person may score 0.4. Adding one number to every person logit does not change
the order of the detections, and so not the AP.
"""

from collections.abc import Sequence

import torch
from torchvision.models.detection.ssd import SSD

from detcam.audits.average_precision import Case, best_f1_score


@torch.no_grad()
def recentre_scores(ssd: SSD, cases: Sequence[Case]) -> None:
    """Shift the scores of a [background, person] SSD, in place, so that F1 on the cases is highest at 0.5.

    Args:
        ssd: changed in place.
        cases: its detections and the true boxes of some photographs.

    Raises:
        ValueError: the best threshold is 0 or 1.
    """
    shift_scores(ssd, best_f1_score(cases, "from 96 px"))


@torch.no_grad()
def shift_scores(ssd: SSD, score: float) -> None:
    """Shift the person logits of a [background, person] SSD, in place, so that ``score`` becomes 0.5.

    Raises:
        ValueError: the score does not lie between 0 and 1.
    """
    if not 0 < score < 1:
        raise ValueError(f"a score to move to 0.5 lies between 0 and 1, got {score}")
    for layer in ssd.head.classification_head.module_list:
        layer.bias.view(-1, 2)[:, 1] -= torch.logit(torch.tensor(score)).item()
