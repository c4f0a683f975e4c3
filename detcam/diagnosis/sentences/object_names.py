"""What the true objects of a diagnosis are called, in words and on figures: by the box that found them, or ``M1``."""

from collections import Counter

from detcam.diagnosis.diagnosis_data import DiagnosisData
from detcam.diagnosis.error_types import CORRECT, MISSED

CROWD, DIFFICULT = "crowd", "difficult"


def finder(diagnosis: DiagnosisData, true: int) -> int | None:
    """The number of the box that found a true object; None if none did."""
    assignment = diagnosis.assignment
    for place, (kind, own) in enumerate(zip(assignment.types, assignment.truth.tolist(), strict=True)):
        if own == true and kind == CORRECT.name:
            return place + 1
    return None


def object_labels(diagnosis: DiagnosisData) -> list[str]:
    """A short name of each true object, no two the same, ``M`` of them.

    The number of the box that found it; ``M1``, ``M2``, … for the missed ones in their order in ``diagnosis.missed``;
    ``crowd``, ``difficult`` or its class, with a number where there are several of a kind, for what was not asked for.
    """
    truth, missed = diagnosis.truth, {each.truth: order for order, each in enumerate(diagnosis.missed, 1)}
    found = []
    for true, name in enumerate(truth.class_names):
        number = finder(diagnosis, true)
        if number is not None:
            found.append(str(number))
        elif true in missed:
            found.append(f"{MISSED.letter}{missed[true]}")
        else:
            found.append(CROWD if truth.crowd[true] else DIFFICULT if truth.difficult[true] else name)
    return _apart(found)


def _apart(names: list[str]) -> list[str]:
    """The names, numbered where they occur more than once."""
    total, seen, found = Counter(names), Counter[str](), []
    for name in names:
        seen[name] += 1
        found.append(name if total[name] == 1 else f"{name} {seen[name]}")
    return found


def object_words(diagnosis: DiagnosisData, true: int) -> str:
    """Which true object is meant, for a parenthesis: ``"found by box 3"`` or ``"M2, missed"``."""
    number = finder(diagnosis, true)
    if number is not None:
        return f"found by box {number}"
    label = object_labels(diagnosis)[true]
    return f"{label}, missed" if any(each.truth == true for each in diagnosis.missed) else label
