"""A library's selection as data, step by step: what it keeps, and at which step, and by what, it drops what it drops.

A family says which steps its library takes, in which order (``Detector.selection``).
"""

from dataclasses import dataclass

from detcam.detectors.selection.candidates import Pairs
from detcam.detectors.selection.drop_reason import CLASS, DROP_KINDS, SCORE, DropReason
from detcam.detectors.selection.steps import Step


@dataclass(frozen=True)
class Selection:
    """What a library does to choose its detections in one photograph.

    Attributes:
        pairs: what may be detected at all: every row under every class but the background.
        steps: what is done with them, in order.
    """

    pairs: Pairs
    steps: tuple[Step, ...]

    def kept(self) -> Pairs:
        """The pairs that are detected, in the library's order."""
        pairs = self.pairs
        for step in self.steps:
            pairs = pairs[step.keep(pairs)] if len(pairs) else pairs
        return pairs

    def drop_reasons(self, row: int, label: int, hopeless: float = 0.0) -> tuple[DropReason, ...]:
        """Why a pair is not detected: the step that drops it and, once that step is relaxed, those that still would.

        They are in the order of ``DROP_KINDS``; but the threshold comes before a class that does not pass it either.
        After a suppression no reason follows: what would happen without the winner is another question.

        Args:
            row: the index of a row of the photograph.
            label: one of the labels of ``pairs``.
            hopeless: with a score under this, a threshold that comes first is the only reason given: to suppress all
                that such a score would let pass takes minutes on a dense head.

        Returns:
            The reasons; none for a pair that is detected.
        """
        reasons: list[DropReason] = []
        pairs = self.pairs
        for step in self.steps:
            index, kept = pairs.find(row, label), step.keep(pairs)
            assert index is not None  # every step before let it pass
            if index not in kept:
                reasons.append(step.drop_reason(pairs, index, kept))
                if len(reasons) == 1 and reasons[0].kind == SCORE and reasons[0].value < hopeless:
                    break
                relaxed = step.relaxed(reasons[-1], (row, label))
                if relaxed is None:
                    break
                kept = relaxed.keep(pairs)
            pairs = pairs[kept]
        reasons.sort(key=lambda reason: DROP_KINDS.index(reason.kind))
        if [reason.kind for reason in reasons[:2]] == [CLASS, SCORE] and reasons[0].limit <= reasons[1].limit:
            reasons[:2] = reasons[1::-1]
        return tuple(reasons)
