"""What became of the raw row that fits a place best, in numbers and in a sentence."""

from dataclasses import dataclass

from detcam.detectors.selection.drop_reason import CLASS, MASK, MOST, SCORE, SMALL, SUPPRESSED, TOP
from detcam.verdicts.place import Place

DETECTED, NO_ROW = "detected", "no row near"


@dataclass(frozen=True)
class Rival:
    """A row and label that beat another one: the box that suppressed it, or the class that won the same row.

    Attributes:
        row: index of the raw row; the same row where another class won it.
        label: the class index.
        class_name: the class name.
        score: the row's score for that label, from 0 to 1.
        number: its number, from 1, in the figure and the table.
        detected: whether it is a detection itself; it need not be where the other row was dropped earlier anyway.
    """

    row: int
    label: int
    class_name: str
    score: float
    number: int
    detected: bool


@dataclass(frozen=True)
class Reason:
    """One step of the box selection that drops a row.

    Attributes:
        kind: the step, one of the names of :mod:`detcam.detectors.selection.steps`.
        value: the number that is compared with the limit, such as the score, or the IoU with the rival.
        limit: the limit.
        others: number of further rows that would also suppress it.
        rival: the class that won the row, or the box that suppressed it; None for other steps.
    """

    kind: str
    value: float
    limit: float
    others: int = 0
    rival: Rival | None = None


@dataclass(frozen=True)
class Verdict:
    """What became of the raw row that fits a place best.

    Attributes:
        place: the point or box in question, source pixels.
        near: whether the row is near that place (:func:`detcam.verdicts.place.choose`).
        iou: IoU of the row's box with the box in question; None for a point.
        number: the row's number, from 1, in the figure and the table; a detection keeps its own.
        class_name: the class that the row is explained for.
        score: the row's score for that class, from 0 to 1.
        best_class: the class with the row's highest score, without the background.
        best_score: that score.
        detected: whether the row is a detection.
        reasons: why it is not: the step that drops it, then those that would drop it next if that one were relaxed (for
            a score below 0.05 the threshold alone); empty for a detection.
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
        """The verdict in short: ``"no row near"``, ``"detected"``, or the kind of the first reason."""
        if not self.near:
            return NO_ROW
        return DETECTED if self.detected else self.reasons[0].kind

    @property
    def sentence(self) -> str:
        """The verdict in one or more sentences."""
        return " ".join(_sentences(self))


def _sentences(verdict: Verdict) -> list[str]:
    """How near the row is, where that has to be said; what became of it; and which steps would drop it next."""
    sentences = []
    if not verdict.near:
        sentences.append("No raw row covers this point. The nearest one:" if verdict.iou is None else
                         f"No raw row is near this box: the best IoU is {verdict.iou:.2f}.")
    if verdict.detected:
        sentences.append(f"Detected: box {verdict.number}, {verdict.class_name} {decimals(verdict.score)}.")
        if verdict.near and verdict.iou is not None:
            sentences.append(f"Its IoU with the box in question is {verdict.iou:.2f}.")
        return sentences
    first, *others = verdict.reasons
    sentences.append(_first(verdict, first))
    if all(reason.kind != CLASS for reason in verdict.reasons) and verdict.best_class != verdict.class_name:
        sentences.append(f"The row's best class is {verdict.best_class} ({decimals(verdict.best_score)}).")
    if others:
        lead = "With a lower threshold" if first.kind == SCORE else "Otherwise"
        sentences.append(f"{lead}, {'; and '.join(map(_next, others))}.")
    return sentences


def _first(verdict: Verdict, reason: Reason) -> str:
    digits = _digits(reason.value, reason.limit)
    score = decimals(verdict.score, digits if reason.kind in (CLASS, SCORE) else 2)
    row = f"{verdict.class_name} {score}"
    if reason.kind == CLASS:
        assert reason.rival is not None
        return (f"Not detected as {verdict.class_name}: the same row scores higher for {reason.rival.class_name} "
                f"({decimals(reason.rival.score, digits)}) than for {verdict.class_name} ({score}).")
    if reason.kind == SCORE:
        return f"Not detected: its score ({row}) is {_below(reason)}."
    if reason.kind == SUPPRESSED:
        more = (f" {reason.others} other row{'s' * (reason.others > 1)} would also suppress it." if reason.others else
                "")
        return (f"Suppressed: {_named(reason.rival)} overlaps this row ({row}) with an IoU of "
                f"{reason.value:.{digits}f}, above the limit of {reason.limit:g}.{more}")
    return f"Not detected ({row}): {_next(reason)}."


def _next(reason: Reason) -> str:
    if reason.kind == SCORE:
        return f"its score is {_below(reason)}"
    if reason.kind == SMALL:
        return (f"its box is {reason.value:.3f} px wide or high at the model's input size, and boxes below "
                f"{reason.limit:g} px are dropped")
    if reason.kind == TOP:
        return f"it ranks {reason.value:.0f} by score, and only the best {reason.limit:.0f} rows are considered"
    if reason.kind == MOST:
        return f"it would be detection {reason.value:.0f}, and at most {reason.limit:.0f} are kept"
    if reason.kind == MASK:
        return "its mask is empty, and boxes without a mask are dropped"
    if reason.kind == CLASS:
        assert reason.rival is not None
        return f"the same row scores higher for {reason.rival.class_name} ({decimals(reason.rival.score)})"
    assert reason.kind == SUPPRESSED
    digits = _digits(reason.value, reason.limit)
    return f"{_named(reason.rival)} would suppress it (IoU {reason.value:.{digits}f}, limit {reason.limit:g})"


def _named(rival: Rival | None) -> str:
    assert rival is not None
    aside = "" if rival.detected else ", not a detection"
    return f"box {rival.number} ({rival.class_name} {decimals(rival.score)}{aside})"


def _below(reason: Reason) -> str:
    digits = _digits(reason.value, reason.limit)
    if reason.value == reason.limit:
        return f"not above the threshold of {reason.limit:g}"
    return f"{reason.limit - reason.value:.{digits}f} below the threshold of {reason.limit:g}"


def _digits(a: float, b: float) -> int:
    """The number of decimals, at least two, at which two numbers differ."""
    return next((digits for digits in range(2, 7) if round(abs(a - b), digits)), 2)


def decimals(score: float, digits: int = 2) -> str:
    """A score with some decimals; ``<0.01`` for one too low for them."""
    smallest = 10.0**-digits
    return f"<{smallest:.{digits}f}" if score < smallest / 2 else f"{score:.{digits}f}"
