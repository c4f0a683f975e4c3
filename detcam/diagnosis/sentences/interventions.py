"""What a diagnosis says after hiding: sentences that rest on an intervention, each beside what its controls did.

By its map alone nothing is said of what pulls an edge out: a window that the map names moves the edge no further in
than one by the edge's middle (docs/measurements/pull.md). Hidden, it decides.
"""

import numpy as np

from detcam.diagnosis.attention.shortcuts import CONTEXT, CORNERS, SPREAD
from detcam.diagnosis.diagnosis_data import DiagnosisData
from detcam.diagnosis.interventions.edge_probe import EDGE
from detcam.diagnosis.interventions.exceeds import HALVES, comes_in, hotter_half, inward, stands_out, taken
from detcam.diagnosis.interventions.intervention import Intervention
from detcam.diagnosis.sentences.shortcuts import share
from detcam.imaging.boxes import EDGES

PULLED = {"left": "to the left", "top": "up", "right": "to the right", "bottom": "down"}


def hidden_edge_sentences(diagnosis: DiagnosisData, box: int) -> list[str]:
    """What hiding did to the worst edge of a box, which was said before; nothing where that was not tried."""
    return _said([edge_words(diagnosis, box, each) for each in _answers(diagnosis, box) if each.name == EDGE])


def hidden_sentences(diagnosis: DiagnosisData, box: int) -> list[str]:
    """What hiding regions did to the score of a box; nothing where that was not tried, or nothing much came of it."""
    return _said([shortcut_words(diagnosis, box, each) for each in _answers(diagnosis, box) if each.name != EDGE])


def _answers(diagnosis: DiagnosisData, box: int) -> tuple[Intervention, ...]:
    return () if diagnosis.interventions is None else diagnosis.interventions[box]


def _said(found: list[str | None]) -> list[str]:
    return [each for each in found if each]


def edge_words(diagnosis: DiagnosisData, box: int, asked: Intervention) -> str | None:
    """What became of the worst edge when what pulls it out was hidden; said only beside controls."""
    worst = diagnosis.worst_edge(box)
    if worst is None or not asked.controls:
        return None
    moved = inward(asked.suspect, worst)
    beside = f"as much hidden elsewhere: {pixels(float(np.mean([inward(each, worst) for each in asked.controls])))}"
    if not comes_in(diagnosis, box, asked):
        return f"Hiding what its map says pulls it out does not bring it in ({pixels(moved)}; {beside})."
    pulls = diagnosis.pulls[box]
    lead = "" if pulls is None else (
        f"{share(pulls[EDGES.index(worst)].beyond)} of what pulls it {PULLED[worst]} lies beyond the true edge. ")
    return f"{lead}Hidden where that pull is strongest, the edge comes in by {pixels(moved)} ({beside})."


def shortcut_words(diagnosis: DiagnosisData, box: int, asked: Intervention) -> str | None:
    """What a suspicious region took from the score, where that is more than its limit (TOLD_BY_BOX).

    All around the objects has no control of its size: there it is the share itself.
    """
    if not stands_out(diagnosis, box, asked):
        return None
    if asked.name in HALVES:
        side, (rest, own) = hotter_half(asked), sorted(taken(asked))
        other = next(each for each in asked.name.split(" or ") if each != side)
        lead = f"Hiding its {side} half takes {share(own)} of its score"
        return lead + (f"; hiding the {other} half adds {share(-rest)}." if rest <= -0.005 else
                       f", hiding the {other} half {share(abs(rest))}.")
    lost, control = (max(each, 0.0) for each in taken(asked))
    what = {CORNERS: f"Hiding the photograph's {asked.suspect.region.name}",
            CONTEXT: "Hiding the hottest spot around it",
            SPREAD: "Hiding all around the objects"}[asked.name]
    beside = "" if asked.name == SPREAD else f" (as much hidden elsewhere: {share(control)})"
    return f"{what} takes {share(lost)} of its score{beside}."


def pixels(value: float) -> str:
    """A length in whole pixels, a short one with one decimal."""
    return f"{value:.0f} px" if abs(value) >= 9.95 else f"{round(value, 1) + 0.0:.1f} px"  # no -0.0
