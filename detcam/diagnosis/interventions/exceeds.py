"""Which answers of an intervention stand out: the one rule that the sentences and the pages of a diagnosis go by."""

import numpy as np

from detcam.diagnosis.attention.shortcuts import ONE_SIDE, SPREAD
from detcam.diagnosis.diagnosis_data import DiagnosisData
from detcam.diagnosis.interventions.edge_probe import EDGE
from detcam.diagnosis.interventions.intervention import Change, Intervention
from detcam.diagnosis.interventions.limits import TOLD_BY_BOX
from detcam.diagnosis.interventions.shortcut_probes import LEFT_RIGHT, TOP_BOTTOM
from detcam.imaging.boxes import EDGES, edge_lengths

MOVED = 0.01  # of the true width or height: an edge that moves less has stayed
HALVES = (LEFT_RIGHT, TOP_BOTTOM)


def stands_out(diagnosis: DiagnosisData, box: int, asked: Intervention) -> bool:
    """Whether a region takes more of the score than its limit, or lets the edge in more than any of its controls."""
    if asked.name == EDGE:
        return comes_in(diagnosis, box, asked)
    return beyond(asked) > TOLD_BY_BOX[asked.name]  # NaN, without controls, is not


def beyond(asked: Intervention) -> float:
    """The share of the score that is compared with the limit of :data:`TOLD_BY_BOX`; NaN without controls.

    What the region takes beyond its controls, neither below 0; of two halves the difference, where one that raises the
    score counts for up to -1, as when the limits were set; all around the objects has no control of its size: there it
    is the share itself.
    """
    lost, control = taken(asked)
    if asked.name in HALVES:
        return abs(float(np.clip(lost, -1, 1) - np.clip(control, -1, 1)))
    return max(lost, 0.0) - (0.0 if asked.name == SPREAD else max(control, 0.0))


def taken(asked: Intervention) -> tuple[float, float]:
    """The share of the score that the region takes, and the mean one of its controls (NaN without any)."""
    control = asked.suspect.loss - asked.extra_loss if asked.controls else float("nan")
    return asked.suspect.loss, control


def hotter_half(asked: Intervention) -> str:
    """Of a question about two halves, the one that takes more of the score."""
    first, second = asked.name.split(" or ")
    lost, control = taken(asked)
    return second if control > lost else first


def inward(change: Change, edge: str) -> float:
    """How far an edge comes in when a region is hidden, source pixels; negative where it moves out."""
    return -float(change.edges[EDGES.index(edge)])


def comes_in(diagnosis: DiagnosisData, box: int, asked: Intervention) -> bool:
    """Whether the worst edge comes in by more than 1 % of the true box, and more than with any control."""
    worst = diagnosis.worst_edge(box)
    if worst is None or not asked.controls:
        return False
    length = float(edge_lengths(diagnosis.truth.boxes[diagnosis.truth_of(box)])[EDGES.index(worst)])
    return inward(asked.suspect, worst) > max(MOVED * length, *(inward(each, worst) for each in asked.controls))


def confirmed(diagnosis: DiagnosisData, box: int, pattern: str) -> bool | None:
    """Whether hiding confirms a pattern of a box's heat; None where that was not asked, or had no control.

    Args:
        diagnosis: of the photograph.
        box: its place among ``diagnosis.boxes``.
        pattern: one of :data:`detcam.diagnosis.attention.shortcuts.PATTERNS`.
    """
    side = diagnosis.shortcuts[box].side
    name = next((each for each in HALVES if side in each.split(" or ")), "") if pattern == ONE_SIDE else pattern
    answers = () if diagnosis.interventions is None else diagnosis.interventions[box]
    asked = next((each for each in answers if each.name == name), None)
    if asked is None or not (asked.controls or pattern == SPREAD):
        return None
    return stands_out(diagnosis, box, asked) and (pattern != ONE_SIDE or hotter_half(asked) == side)
