"""The names of a diagnosis's true objects, in sentences and on figures: the box that found it, or ``Miss 1``."""

from collections import Counter

from detcam.diagnosis.diagnosis_data import DiagnosisData, MissedObject
from detcam.diagnosis.error_types import CORRECT, MISSED

CROWD, DIFFICULT = "crowd", "difficult"


def finder(diagnosis: DiagnosisData, true: int) -> int | None:
    """The number of the detection that found the true object with index ``true``; None if none did."""
    assignment = diagnosis.assignment
    for i, (kind, k) in enumerate(zip(assignment.types, assignment.truth.tolist(), strict=True)):
        if k == true and kind == CORRECT.name:
            return i + 1
    return None


def missed_label(number: int) -> str:
    """The name of a missed object, by its number from 1 among ``diagnosis.missed``: ``"Miss 1"``."""
    return f"{MISSED.short_name} {number}"


def missed_words(missed: MissedObject) -> str:
    """A missed object in a caption: ``"missed"``, and whether TIDE counts another error for it."""
    return "missed, counted as another error" if missed.counted_elsewhere else "missed"


def object_labels(diagnosis: DiagnosisData) -> list[str]:
    """A short name of each of the ``M`` true objects, no two the same.

    The number of the detection that found it; ``Miss 1``, ``Miss 2``, … for the missed ones in the order of
    ``diagnosis.missed``; ``crowd``, ``difficult`` or the class, numbered where there are several, for all others.
    """
    truth, missed = diagnosis.truth, {missed.truth: number for number, missed in enumerate(diagnosis.missed, 1)}
    labels = []
    for true, name in enumerate(truth.class_names):
        number = finder(diagnosis, true)
        if number is not None:
            labels.append(str(number))
        elif true in missed:
            labels.append(missed_label(missed[true]))
        else:
            labels.append(CROWD if truth.crowd[true] else DIFFICULT if truth.difficult[true] else name)
    return _numbered(labels)


def _numbered(names: list[str]) -> list[str]:
    """The names, with a number each where they occur more than once."""
    total, seen, labels = Counter(names), Counter[str](), []
    for name in names:
        seen[name] += 1
        labels.append(name if total[name] == 1 else f"{name} {seen[name]}")
    return labels


def object_words(diagnosis: DiagnosisData, true: int) -> str:
    """Which true object it is, for a parenthesis: ``"found by box 3"`` or ``"missed, Miss 2"``."""
    number = finder(diagnosis, true)
    if number is not None:
        return f"found by box {number}"
    label = object_labels(diagnosis)[true]
    return f"missed, {label}" if any(missed.truth == true for missed in diagnosis.missed) else label
