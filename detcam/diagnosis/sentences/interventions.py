"""What occlusion shows, in sentences, each with what the control occlusions did.

Nothing is said of what moves an edge outward from its map alone: occluding a window that the map highlights moves the
edge no further inward than occluding one at the edge's middle (docs/measurements/pull.md). Occlusion decides.
"""

import numpy as np

from detcam.diagnosis.attention.shortcuts import CONTEXT, CORNERS, SPREAD
from detcam.diagnosis.diagnosis_data import DiagnosisData
from detcam.diagnosis.interventions.edge_probe import EDGE
from detcam.diagnosis.interventions.exceeds import (
    HALVES,
    exceeds_limit,
    half_with_larger_loss,
    inward_shift,
    losses,
    moves_inward,
)
from detcam.diagnosis.interventions.intervention import Intervention
from detcam.diagnosis.sentences.shortcuts import share
from detcam.imaging.boxes import EDGES

OUTWARD_WORDS = {"left": "to the left", "top": "up", "right": "to the right", "bottom": "down"}


def edge_occlusion_sentences(diagnosis: DiagnosisData, i: int) -> list[str]:
    """What occlusion did to a box's worst edge; empty where that was not tested.

    Args:
        diagnosis: of the photograph.
        i: the box's index among ``diagnosis.boxes``.
    """
    return [sentence for probe in _answers(diagnosis, i)
            if probe.name == EDGE and (sentence := edge_occlusion_sentence(diagnosis, i, probe))]


def occlusion_sentences(diagnosis: DiagnosisData, i: int) -> list[str]:
    """What occlusion took from a box's score; empty where that was not tested, or no loss passed its limit.

    Args:
        diagnosis: of the photograph.
        i: the box's index among ``diagnosis.boxes``.
    """
    return [sentence for probe in _answers(diagnosis, i)
            if probe.name != EDGE and (sentence := occlusion_sentence(diagnosis, i, probe))]


def _answers(diagnosis: DiagnosisData, i: int) -> tuple[Intervention, ...]:
    return () if diagnosis.interventions is None else diagnosis.interventions[i]


def edge_occlusion_sentence(diagnosis: DiagnosisData, i: int, probe: Intervention) -> str | None:
    """What became of the worst edge when the region that moves it outward was occluded; None without controls."""
    worst = diagnosis.worst_edge(i)
    if worst is None or not probe.controls:
        return None
    moved = pixels(inward_shift(probe.suspect, worst))
    control = pixels(float(np.mean([inward_shift(change, worst) for change in probe.controls])))
    if not moves_inward(diagnosis, i, probe):
        return ("Occluding the region that its map highlights does not clearly move the edge inward "
                f"({moved}; control occlusions: {control}).")
    pulls = diagnosis.pulls[i]
    lead = "" if pulls is None else (f"{share(pulls[EDGES.index(worst)].beyond)} of the evidence that moves this edge "
                                     f"{OUTWARD_WORDS[worst]} lies beyond the true edge. ")
    return (f"{lead}Occluding the region where that evidence is strongest moves the edge inward by {moved} "
            f"(control occlusions: {control}).")


def occlusion_sentence(diagnosis: DiagnosisData, i: int, probe: Intervention) -> str | None:
    """The loss of score when a suspicious region was occluded; None unless it passes its limit of BOX_LIMITS.

    Everything around the objects has no control of its size: there it is the loss itself.
    """
    if not exceeds_limit(diagnosis, i, probe):
        return None
    if probe.name in HALVES:
        side, (smaller, larger) = half_with_larger_loss(probe), sorted(losses(probe))
        other = next(half for half in probe.name.split(" or ") if half != side)
        verb = "adds" if smaller <= -0.005 else "takes away"
        return (f"Occluding its {side} half takes away {share(larger)} of its score, occluding its {other} half {verb} "
                f"{share(abs(smaller))}.")
    loss, control = (max(value, 0.0) for value in losses(probe))
    what = {CORNERS: f"the photograph's {probe.suspect.region.name}",
            CONTEXT: "the region around it with the most heat",
            SPREAD: "everything around the objects"}[probe.name]
    controls = "" if probe.name == SPREAD else f" (control occlusions: {share(control)})"
    return f"Occluding {what} takes away {share(loss)} of its score{controls}."


def pixels(value: float) -> str:
    """A length in whole pixels, a short one with one decimal."""
    return f"{value:.0f} px" if abs(value) >= 9.95 else f"{round(value, 1) + 0.0:.1f} px"  # no -0.0
