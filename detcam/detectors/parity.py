"""Whether two lists of detections are the same."""

import numpy as np
from numpy.typing import NDArray

from detcam.detectors.detections import Detections

BOX_TOLERANCE = 0.05  # source pixels; five times what the parity tests allow, for other machines' rounding
SCORE_TOLERANCE = 1e-4
EXCUSED = 0.02  # share of detections that may differ: rounding decides about rows that lie on a threshold


def first_difference(ours: Detections, theirs: Detections) -> str | None:
    """Words for the best detection in which two lists differ, or None where they agree (but for 2 % of them)."""
    same = (
        (ours.labels[:, None] == theirs.labels[None])
        & (np.abs(ours.scores[:, None] - theirs.scores[None]) <= SCORE_TOLERANCE)
        & (np.abs(ours.boxes[:, None] - theirs.boxes[None]).max(-1, initial=0) <= BOX_TOLERANCE)
    )
    lonely_ours, lonely_theirs = np.flatnonzero(~same.any(1)), np.flatnonzero(~same.any(0))
    if len(lonely_ours) + len(lonely_theirs) <= EXCUSED * (len(ours) + len(theirs)):
        return None

    def words(found: Detections, lonely: NDArray[np.int64]) -> str:
        if not len(lonely):
            return f"nothing more (of {len(found)})"
        best = lonely[0]
        box = found.boxes[best].round(1).tolist()
        return f"label {found.labels[best]}, score {found.scores[best]:.4f}, box {box} (of {len(found)})"

    return (f"{len(lonely_ours)} detections that detcam selects are not the model's own, and {len(lonely_theirs)} "
            f"of the model's are missing; the first: detcam finds {words(ours, lonely_ours)}, the model itself "
            f"{words(theirs, lonely_theirs)}")
