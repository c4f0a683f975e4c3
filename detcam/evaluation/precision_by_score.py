"""From which score on a detector's boxes are more often right than wrong."""

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from detcam.audits.average_precision import Case
from detcam.datasets.matching import UNMATCHED, match
from detcam.stats.bootstrap import mean

SCORES = (0.2, 0.25, 0.3, 0.35, 0.4, 0.45, 0.5, 0.55, 0.6, 0.7, 0.8)


@dataclass(frozen=True)
class AboveScore:
    """What the detections above a score are worth.

    Attributes:
        score: the score.
        detections: how many there are, without those that count neither way.
        precision: share of them that found an object at IoU 0.5; NaN without detections.
        interval: what 95 % of draws of the photographs give, NaN where there is none.
        recall: share of the objects that they found; NaN without objects.
    """

    score: float
    detections: int
    precision: float
    interval: tuple[float, float]
    recall: float

    def as_json(self) -> dict[str, Any]:
        """The line with 4 decimals, and None for what does not exist: JSON knows no NaN."""
        content = asdict(self) | {"interval": [_rounded(end) for end in self.interval]}
        return content | {name: _rounded(content[name]) for name in ("precision", "recall")}


def precision_by_score(cases: Sequence[Case], scores: Sequence[float] = SCORES, draws: int = 1000, seed: int = 0
                       ) -> list[AboveScore]:
    """How often the detections above each score are right.

    Args:
        cases: one a photograph.
        scores: the scores.
        draws: how often the photographs are drawn for the interval.
        seed: where the draws start from.
    """
    found = [match(case.boxes, case.scores, case.true_boxes, case.crowd, difficult=case.difficult) for case in cases]
    photograph = np.repeat(np.arange(len(cases)), [len(each) for each in found])
    matched = np.concatenate([np.zeros(0, np.int64), *found])
    score = np.concatenate([np.zeros(0), *(case.scores for case in cases)])
    objects = sum(int((~case.crowd & ~case.difficult).sum()) for case in cases)
    lines = []
    for limit in scores:
        counted = (score > limit) & (matched >= UNMATCHED)
        right = (matched[counted] >= 0).astype(float)
        share, _ = mean(right, photograph[counted], draws, seed)
        lines.append(AboveScore(limit, len(right), share.value, (share.low, share.high),
                                float(right.sum()) / objects if objects else math.nan))
    return lines


def _rounded(value: float) -> float | None:
    return round(value, 4) if math.isfinite(value) else None
