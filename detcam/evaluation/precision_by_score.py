"""The precision and recall of a detector above each score threshold."""

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
    """Precision and recall of the detections above a score threshold.

    Attributes:
        score: the threshold.
        detections: how many are above it, without those on crowds and difficult objects.
        precision: the share of them that match a true box at IoU 0.5; NaN without detections.
        interval: the 95 % interval of the precision from resampling photographs; NaN where there is none.
        recall: the share of the true boxes that they match; NaN without true boxes.
    """

    score: float
    detections: int
    precision: float
    interval: tuple[float, float]
    recall: float

    def as_json(self) -> dict[str, Any]:
        """The numbers by name, with 4 decimals; None in place of NaN, which JSON does not have."""
        content = asdict(self) | {"interval": [_rounded(end) for end in self.interval]}
        return content | {name: _rounded(content[name]) for name in ("precision", "recall")}


def precision_by_score(cases: Sequence[Case], scores: Sequence[float] = SCORES, draws: int = 1000, seed: int = 0
                       ) -> list[AboveScore]:
    """Precision and recall above each of some score thresholds.

    Args:
        cases: the detections and the true boxes of each photograph.
        scores: the thresholds.
        draws: how often photographs are drawn with replacement, for the interval.
        seed: of the draws.
    """
    matches = [match(case.boxes, case.scores, case.true_boxes, case.crowd, difficult=case.difficult) for case in cases]
    photograph = np.repeat(np.arange(len(cases)), [len(one) for one in matches])
    matched = np.concatenate([np.zeros(0, np.int64), *matches])
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
