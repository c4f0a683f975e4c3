"""The shortcut patterns of a box's heat in sentences, each with whether occlusion confirms it.

Attribution suggests, intervention decides.
"""

from detcam.diagnosis.attention.shortcuts import CONTEXT, CORNERS, ONE_SIDE, PATTERNS, SPREAD
from detcam.diagnosis.diagnosis_data import DiagnosisData
from detcam.diagnosis.interventions.exceeds import confirmed

SENTENCES = {
    CORNERS: "{} of its heat lies in the photograph's corners, most of it {} (uniform heat: {}).",
    SPREAD: "Its heat is as spread out as uniform heat over {} of the photograph (uniform heat on the object: {}).",
    CONTEXT: "{} of its heat lies on no object (uniform heat: {}).",
    ONE_SIDE: "{} of the heat in its box lies in the {} half (uniform heat: {}).",
}
"""What a flag means: the score, where, and the score of uniform heat."""
DECIDED = {True: " Occlusion confirms this.", False: " Occlusion does not confirm this.", None: ""}


def shortcut_sentences(diagnosis: DiagnosisData, i: int) -> list[str]:
    """A sentence for each shortcut pattern that a box's heat is flagged for, and whether occlusion confirms it.

    Args:
        diagnosis: of the photograph.
        i: the box's index among ``diagnosis.boxes``.
    """
    shortcuts = diagnosis.shortcuts[i]
    sentences = []
    for pattern in PATTERNS:
        if not shortcuts.flags[pattern]:
            continue
        score, chance = shortcuts.scores[pattern], shortcuts.chance[pattern]
        if pattern == ONE_SIDE:  # a difference of two halves over their sum: as the share of the hotter one
            score, chance = (1 + score) / 2, (1 + chance) / 2
        where = {CORNERS: [shortcuts.corner], ONE_SIDE: [shortcuts.side]}.get(pattern, [])
        words = SENTENCES[pattern].format(share(score), *where, share(chance))
        sentences.append(words + DECIDED[confirmed(diagnosis, i, pattern)])
    return sentences


def share(value: float) -> str:
    """A share, from 0 to 1, in whole per cent."""
    return f"{value:.0%}".replace("%", " %")
