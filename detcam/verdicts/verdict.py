"""What became of the row that speaks for a place, in numbers and in words."""

from dataclasses import dataclass

from detcam.detectors.selection.drop_reason import CLASS, MASK, MOST, SCORE, SMALL, SUPPRESSED, TOP
from detcam.verdicts.place import Place

DETECTED, NO_ROW = "detected", "no row near"


@dataclass(frozen=True)
class Rival:
    """What took a row's place.

    Attributes:
        row, label: which; the row is the same where another class won it.
        class_name, score: its own.
        number: its number in the figure and the table.
        detected: whether it is a detection; not where it stands in the way of a row that has other hurdles too.
    """

    row: int
    label: int
    class_name: str
    score: float
    number: int
    detected: bool


@dataclass(frozen=True)
class Reason:
    """One thing that keeps a row from being detected.

    Attributes:
        kind, value, limit, others: as in :class:`detcam.detectors.selection.steps.DropReason`.
        rival: the class that won the row, or the box that suppressed it.
    """

    kind: str
    value: float
    limit: float
    others: int = 0
    rival: Rival | None = None


@dataclass(frozen=True)
class Verdict:
    """What became of the row that speaks for a place.

    Attributes:
        place: what was asked about.
        near: whether the row is near it; how it is chosen stands at :func:`detcam.verdicts.place.choose`.
        iou: of the row's box with the box that was asked for; None for a point.
        number: the row's number in the figure and the table; of a detection the one that it has there anyway.
        class_name, score: the row's, for the label that it is explained for.
        best_class, best_score: the class that the row itself is surest of, the background aside.
        detected: whether it is a detection.
        reasons: what keeps it from being one: the step that drops it, and, that lifted, those that would (of a score
            under 0.05 the threshold alone); empty for a detection.
    """

    place: Place
    near: bool
    iou: float | None
    number: int
    class_name: str
    score: float
    best_class: str
    best_score: float
    detected: bool
    reasons: tuple[Reason, ...] = ()

    @property
    def kind(self) -> str:
        """The verdict in a word: ``"no row near"``, ``"detected"``, or the first reason's kind."""
        if not self.near:
            return NO_ROW
        return DETECTED if self.detected else self.reasons[0].kind

    @property
    def sentence(self) -> str:
        """The verdict in words."""
        return " ".join(_sentences(self))


def _sentences(verdict: Verdict) -> list[str]:
    """How near the row is, where that is not plain; what became of it; and what else stands in its way."""
    found = []
    if not verdict.near:
        found.append("No row covers this point; the nearest:" if verdict.iou is None else
                     f"No row comes near this box: the best IoU is {verdict.iou:.2f}.")
    if verdict.detected:
        found.append(f"Detected: box {verdict.number}, {verdict.class_name} {decimals(verdict.score)}.")
        if verdict.near and verdict.iou is not None:
            found.append(f"Its IoU with the box asked about is {verdict.iou:.2f}.")
        return found
    first, *others = verdict.reasons
    found.append(_first(verdict, first))
    if all(reason.kind != CLASS for reason in verdict.reasons) and verdict.best_class != verdict.class_name:
        found.append(f"The row's best class is {verdict.best_class} {decimals(verdict.best_score)}.")
    if others:
        lead = "With a lower threshold" if first.kind == SCORE else "Without that"
        found.append(f"{lead}, {'; and '.join(map(_next, others))}.")
    return found


def _first(verdict: Verdict, reason: Reason) -> str:
    digits = _digits(reason.value, reason.limit)
    own = f"{verdict.class_name} {decimals(verdict.score, digits if reason.kind in (CLASS, SCORE) else 2)}"
    if reason.kind == CLASS:
        assert reason.rival is not None
        winner = f"{reason.rival.class_name} {decimals(reason.rival.score, digits)}"
        return f"Not detected as {verdict.class_name}: {winner} beats {own} at this row."
    if reason.kind == SCORE:
        return f"Not detected: {own} is {_below(reason)}."
    if reason.kind == SUPPRESSED:
        more = f" {reason.others} more would suppress it too." if reason.others else ""
        return (f"Suppressed: {_named(reason.rival)} overlaps this row ({own}) with IoU {reason.value:.{digits}f}, "
                f"over the limit of {reason.limit:g}.{more}")
    if reason.kind == SMALL:
        return f"Not detected: {own}: {_next(reason)}."
    return f"Not detected: {own} {_next(reason).removeprefix('it ')}."


def _next(reason: Reason) -> str:
    if reason.kind == SCORE:
        return f"its score is {_below(reason)}"
    if reason.kind == SMALL:
        return f"its box is {reason.value:.3f} px wide or high on the canvas, and less than {reason.limit:g} is dropped"
    if reason.kind == TOP:
        return f"it ranks {reason.value:.0f}, and only the best {reason.limit:.0f} are taken"
    if reason.kind == MOST:
        return f"it would be detection {reason.value:.0f}, and at most {reason.limit:.0f} are kept"
    if reason.kind == MASK:
        return "it has an empty mask, and no box is reported without one"
    if reason.kind == CLASS:
        assert reason.rival is not None
        return f"{reason.rival.class_name} {decimals(reason.rival.score)} beats it at this row"
    assert reason.kind == SUPPRESSED
    digits = _digits(reason.value, reason.limit)
    return f"{_named(reason.rival)} would suppress it (IoU {reason.value:.{digits}f}, limit {reason.limit:g})"


def _named(rival: Rival | None) -> str:
    assert rival is not None
    aside = "" if rival.detected else ", no detection itself"
    return f"box {rival.number} ({rival.class_name} {decimals(rival.score)}{aside})"


def _below(reason: Reason) -> str:
    digits = _digits(reason.value, reason.limit)
    if reason.value == reason.limit:
        return f"not above the threshold of {reason.limit:g}"
    return f"{reason.limit - reason.value:.{digits}f} under the threshold of {reason.limit:g}"


def _digits(a: float, b: float) -> int:
    """Decimals, at least two, with which two numbers and their difference can be told apart."""
    return next((digits for digits in range(2, 7) if round(abs(a - b), digits)), 2)


def decimals(score: float, digits: int = 2) -> str:
    """A score with some decimals; one too low for them is said to be lower."""
    smallest = 10.0**-digits
    return f"<{smallest:.{digits}f}" if score < smallest / 2 else f"{score:.{digits}f}"
