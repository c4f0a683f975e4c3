"""Why a library's selection drops a pair of a row and a label: the kinds of reasons, and one of them in numbers."""

from dataclasses import dataclass

CLASS, SCORE, SMALL, TOP, SUPPRESSED, MOST, MASK = (
    "class", "score", "small", "top", "suppressed", "max detections", "empty mask")
DROP_KINDS = (CLASS, SCORE, SMALL, TOP, SUPPRESSED, MOST, MASK)
"""The kinds of reasons to drop a pair: another class won its row, its score is too low, its box is too small, it is not
among the best that are taken, a better box suppressed it, there were enough detections without it, its mask is empty.
"""


@dataclass(frozen=True)
class DropReason:
    """The step at which a pair was dropped, in numbers.

    Attributes:
        kind: one of ``DROP_KINDS``.
        value: what the pair has: its score (class, score), its box's shorter side in canvas pixels (small), its rank
            from 1, ties counted against it (top, max detections), its IoU with the winner (suppressed), or no pixel
            (empty mask).
        limit: what it would have had to pass: the winner's score, the threshold, the shortest side in canvas pixels,
            how many are kept, the highest IoU, or one pixel.
        winner: row and label of the class that won its row, or of the box that suppressed it; None for other kinds.
        others: how many further kept boxes would suppress it without the winner.
    """

    kind: str
    value: float
    limit: float
    winner: tuple[int, int] | None = None
    others: int = 0
