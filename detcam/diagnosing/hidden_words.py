"""What a diagnosis says after hiding: sentences that rest on an intervention, each beside what its controls did.

By its map alone nothing is said of what pulls an edge out: a window that the map names moves the edge no further in
than one by the edge's middle (docs/measurements/pull.md). Hidden, it decides.
"""

import numpy as np

from detcam.diagnosing.result import Diagnosis
from detcam.diagnosis.edge_questions import EDGE
from detcam.diagnosis.intervention import Intervention
from detcam.diagnosis.shortcut_findings import NAMED
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
    """What a suspicious region took from the score, where it takes more than its controls by the audit's limits.

    Nothing of halves: of one box they say little, since almost every box rests more on one of its halves; an audit of
    many boxes says it.
    """
    if asked.name in (LEFT_RIGHT, TOP_BOTTOM):
        return None
    lost, control = (max(each, 0.0) for each in (asked.suspect.loss, asked.suspect.loss - asked.extra_loss))
    if not (asked.controls and lost - control > NAMED[asked.name]):
        return None
    what = {CORNERS: f"Hiding the photograph's {asked.suspect.region.name}",
            CONTEXT: "Hiding the hottest spot around it",
            SPREAD: "Hiding all around the objects"}[asked.name]
    other = "hiding the object itself" if asked.name == SPREAD else "as much hidden elsewhere"
    return f"{what} takes {_share(lost)} of its score ({other}: {_share(control)})."


def _share(value: float) -> str:
    return f"{value:.0%}".replace("%", " %")


def _pixels(value: float) -> str:
    return f"{value:.0f} px" if abs(value) >= 9.95 else f"{value + 0.0:.1f} px"
