"""Which interventions on a box exceed their limit: the one rule for a diagnosis's sentences and pages."""

import numpy as np

from detcam.diagnosis.attention.shortcuts import ONE_SIDE, SPREAD
from detcam.diagnosis.diagnosis_data import DiagnosisData
from detcam.diagnosis.interventions.edge_probe import EDGE
from detcam.diagnosis.interventions.intervention import Change, Intervention
from detcam.diagnosis.interventions.limits import BOX_LIMITS
from detcam.diagnosis.interventions.shortcut_probes import LEFT_RIGHT, TOP_BOTTOM
from detcam.imaging.boxes import EDGES, edge_lengths

MOVED = 0.01  # of the true width or height: an edge that moves less has not moved
HALVES = (LEFT_RIGHT, TOP_BOTTOM)


def exceeds_limit(diagnosis: DiagnosisData, i: int, probe: Intervention) -> bool:
    """Whether a region takes more of the score than its limit, or moves the edge further inward than every control.

    Args:
        diagnosis: of the photograph.
        i: the box's index among ``diagnosis.boxes``.
        probe: one of ``diagnosis.interventions[i]``.
    """
    if probe.name == EDGE:
        return moves_inward(diagnosis, i, probe)
    return excess_loss(probe) > BOX_LIMITS[probe.name]  # NaN, without controls, is not


def excess_loss(probe: Intervention) -> float:
    """The share of the score that is compared with the limit of :data:`BOX_LIMITS`; NaN without controls.

    The region's loss minus that of its controls, neither below 0. For two halves the difference of the losses, down to
    -1 for a half that raises the score, as when the limits were set. Everything around the objects has no control of
    its size: there it is the loss itself.
    """
    loss, control = losses(probe)
    if probe.name in HALVES:
        return abs(float(np.clip(loss, -1, 1) - np.clip(control, -1, 1)))
    return max(loss, 0.0) - (0.0 if probe.name == SPREAD else max(control, 0.0))


def losses(probe: Intervention) -> tuple[float, float]:
    """The share of the score lost with the region, and the mean share lost with a control (NaN without any)."""
    control = probe.suspect.loss - probe.extra_loss if probe.controls else float("nan")
    return probe.suspect.loss, control


def half_with_larger_loss(probe: Intervention) -> str:
    """For a probe of two halves, the one whose occlusion takes more of the score."""
    first, second = probe.name.split(" or ")
    loss, control = losses(probe)
    return second if control > loss else first


def inward_shift(change: Change, edge: str) -> float:
    """How far an edge moves inward under an occlusion, source pixels; negative outward."""
    return -float(change.edges[EDGES.index(edge)])


def moves_inward(diagnosis: DiagnosisData, i: int, probe: Intervention) -> bool:
    """Whether the worst edge moves inward by more than 1 % of the true box, and by more than with any control."""
    worst = diagnosis.worst_edge(i)
    if worst is None or not probe.controls:
        return False
    length = float(edge_lengths(diagnosis.truth.boxes[diagnosis.truth_of(i)])[EDGES.index(worst)])
    most = max(MOVED * length, *(inward_shift(change, worst) for change in probe.controls))
    return inward_shift(probe.suspect, worst) > most


def confirmed(diagnosis: DiagnosisData, i: int, pattern: str) -> bool | None:
    """Whether occlusion confirms a shortcut pattern of a box; None where it was not tested, or without controls.

    Args:
        diagnosis: of the photograph.
        i: the box's index among ``diagnosis.boxes``.
        pattern: one of :data:`detcam.diagnosis.attention.shortcuts.PATTERNS`.
    """
    side = diagnosis.shortcuts[i].side
    name = next((half for half in HALVES if side in half.split(" or ")), "") if pattern == ONE_SIDE else pattern
    answers = () if diagnosis.interventions is None else diagnosis.interventions[i]
    probe = next((answer for answer in answers if answer.name == name), None)
    if probe is None or not (probe.controls or pattern == SPREAD):
        return None
    return exceeds_limit(diagnosis, i, probe) and (pattern != ONE_SIDE or half_with_larger_loss(probe) == side)
