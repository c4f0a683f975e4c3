"""A library's selection as data, step by step, so that a row that was dropped can be asked at which step, and by what.

A family says which steps its library takes, in which order (``Detector.selection``).
"""

from dataclasses import dataclass

from detcam.detectors.selection.candidates import Pairs
from detcam.detectors.selection.steps import CLASS, KINDS, SCORE, DropReason, Step


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
        """What keeps a pair from being detected: the step that drops it, and, that being lifted, those that would.

        They are in the order of ``KINDS``, but that the threshold comes before a class that does not pass it either.
        Empty for a pair that is detected. With a score under ``hopeless`` the threshold alone is named, if it comes
        first: to suppress all that such a score would let pass takes minutes on a dense head. After a suppression
        nothing is named any more: what were if the winner were not there is another question.
        """
        found: list[DropReason] = []
        pairs = self.pairs
        for step in self.steps:
            index, kept = pairs.find(row, label), step.keep(pairs)
            assert index is not None  # every step before let it pass
            if index not in kept:
                found.append(step.drop_reason(pairs, index, kept))
                if len(found) == 1 and found[0].kind == SCORE and found[0].value < hopeless:
                    break
                relaxed = step.relaxed(found[-1], (row, label))
                if relaxed is None:
                    break
                kept = relaxed.keep(pairs)
            pairs = pairs[kept]
        found.sort(key=lambda reason: KINDS.index(reason.kind))
        if [reason.kind for reason in found[:2]] == [CLASS, SCORE] and found[0].limit <= found[1].limit:
            found[:2] = found[1::-1]
        return tuple(found)
