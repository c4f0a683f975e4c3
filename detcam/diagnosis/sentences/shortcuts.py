"""What the pattern of a box's heat suggests, in sentences: a shortcut, and whether hiding it confirms that.

Attribution suggests, intervention decides.
"""

from detcam.diagnosis.attention.shortcuts import CONTEXT, CORNERS, ONE_SIDE, PATTERNS, SPREAD
from detcam.diagnosis.diagnosis_data import DiagnosisData
from detcam.diagnosis.interventions.exceeds import confirmed

WORDS = {
    CORNERS: "{} of its heat lies in the photograph's corners, most in the {} (even heat: {}).",
    SPREAD: "Its heat is spread as if it were even over {} of the photograph (even heat on the object alone: {}).",
    CONTEXT: "{} of its heat lies on no object (even heat: {}).",
    ONE_SIDE: "{} of the heat in its box lies in the {} half (even heat: {}).",
}
"""What a flag says: the score, where, and what heat that knows nothing would give."""
DECIDED = {True: " Hiding confirms it.", False: " Hiding does not confirm it.", None: ""}


def heat_sentences(diagnosis: DiagnosisData, box: int) -> list[str]:
    """A sentence for each shortcut that a box's heat is flagged for, and what hiding says of it where it was asked.

    Args:
        diagnosis: of the photograph.
        box: its place among ``diagnosis.boxes``.
    """
    own = diagnosis.shortcuts[box]
    found = []
    for pattern in PATTERNS:
        if not own.flags[pattern]:
            continue
        score, chance = own.scores[pattern], own.chance[pattern]
        if pattern == ONE_SIDE:  # a difference of two halves over their sum: as the share of the hotter one
            score, chance = (1 + score) / 2, (1 + chance) / 2
        where = {CORNERS: [own.corner], ONE_SIDE: [own.side]}.get(pattern, [])
        words = WORDS[pattern].format(share(score), *where, share(chance))
        found.append(words + DECIDED[confirmed(diagnosis, box, pattern)])
    return found


def share(value: float) -> str:
    """A share in whole per cent."""
    return f"{value:.0%}".replace("%", " %")
