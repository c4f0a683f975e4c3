"""What a diagnosis says after hiding: sentences that rest on an intervention, each beside what its controls did.

By its map alone nothing is said of what pulls an edge out: a window that the map names moves the edge no further in
than one by the edge's middle (docs/measurements/pull.md). Hidden, it decides.
"""

import numpy as np

from detcam.diagnosing.result import Diagnosis
from detcam.diagnosis.edge_questions import EDGE
from detcam.diagnosis.intervention import Intervention
from detcam.diagnosis.shortcut_findings import TOLD_BY_BOX
from detcam.diagnosis.shortcut_questions import LEFT_RIGHT, TOP_BOTTOM
from detcam.diagnosis.shortcuts import CONTEXT, CORNERS, SPREAD
from detcam.imaging.boxes import EDGES, edge_lengths

MOVED = 0.01  # of the true width or height: an edge that moves less has stayed
PULLED = {"left": "to the left", "top": "up", "right": "to the right", "bottom": "down"}


def hidden_sentences(diagnosis: Diagnosis, box: int) -> list[str]:
    """What hiding regions did to a box; nothing where that was not tried, or nothing much came of it."""
    if diagnosis.interventions is None:
        return []
    found = [edge_words(diagnosis, box, each) if each.name == EDGE else shortcut_words(each)
             for each in diagnosis.interventions[box]]
    return [each for each in found if each]


def edge_words(diagnosis: Diagnosis, box: int, asked: Intervention) -> str | None:
    """What became of the worst edge when what pulls it out was hidden; said only beside controls."""
    worst = diagnosis.worst_edge(box)
    if worst is None or not asked.controls:
        return None
    column = EDGES.index(worst)
    length = float(edge_lengths(diagnosis.truth.boxes[diagnosis.truth_of(box)])[column])
    moved = -float(asked.suspect.edges[column])
    controls = [-float(each.edges[column]) for each in asked.controls]
    beside = f"as much hidden elsewhere: {_pixels(float(np.mean(controls)))}"
    if not (moved > MOVED * length and moved > max(controls)):
        return f"Hiding what its map says pulls it out does not bring it in ({_pixels(moved)}; {beside})."
    pulls = diagnosis.pulls[box]
    lead = "" if pulls is None else (
        f"{_share(pulls[column].beyond)} of what pulls it {PULLED[worst]} lies beyond the true edge. ")
    return f"{lead}Hidden where that pull is strongest, the edge comes in by {_pixels(moved)} ({beside})."


def shortcut_words(asked: Intervention) -> str | None:
    """What a suspicious region took from the score, where that is more than it takes from one sound box in a hundred.

    All around the objects has no control of its size: there it is the share itself.
    """
    lost = max(asked.suspect.loss, 0.0)
    control = max(asked.suspect.loss - asked.extra_loss, 0.0) if asked.controls else float("nan")
    limit = TOLD_BY_BOX[asked.name]
    if asked.name in (LEFT_RIGHT, TOP_BOTTOM):
        if not abs(lost - control) > limit:
            return None
        sides = asked.name.split(" or ")
        side, other = sides if lost > control else sides[::-1]
        own, rest = max(lost, control), min(lost, control)
        return f"Hiding its {side} half takes {_share(own)} of its score, hiding the {other} half {_share(rest)}."
    if not (lost if asked.name == SPREAD else lost - control) > limit:
        return None
    what = {CORNERS: f"Hiding the photograph's {asked.suspect.region.name}",
            CONTEXT: "Hiding the hottest spot around it",
            SPREAD: "Hiding all around the objects"}[asked.name]
    beside = "" if asked.name == SPREAD else f" (as much hidden elsewhere: {_share(control)})"
    return f"{what} takes {_share(lost)} of its score{beside}."


def _share(value: float) -> str:
    return f"{value:.0%}".replace("%", " %")


def _pixels(value: float) -> str:
    return f"{value:.0f} px" if abs(value) >= 9.95 else f"{value + 0.0:.1f} px"
