"""What a diagnosis says in sentences: each from numbers, by one rule a function. Those that name a cause rest on
an intervention (hidden_words); the others describe."""

import numpy as np

from detcam.diagnosis.diagnosis_data import DiagnosisData, MissedObject
from detcam.diagnosis.error_types import (
    BACKGROUND,
    BOTH,
    CLASSIFICATION,
    CORRECT,
    DUPLICATE,
    IGNORED,
    LOCALIZATION,
    MISSED,
    TYPES,
)
from detcam.diagnosis.sentences.interventions import hidden_edge_sentences, hidden_sentences
from detcam.diagnosis.sentences.object_names import finder, object_words
from detcam.diagnosis.sentences.shortcuts import heat_sentences
from detcam.imaging.boxes import EDGES
from detcam.measures.reference import SOUND
from detcam.verdicts.verdict import Verdict

STANDS_OUT = 90.0  # per cent of sound boxes with less evidence on the edge
LEAKED = 0.25  # of a box's heat on another object, from which it is said: in crowds one correct box in five has more
WRONG_WAY = {"left": ("left", "right"), "top": ("high", "low"), "right": ("right", "left"), "bottom": ("low", "high")}
"""Where an edge lies that is outside the true one, and where one that is inside."""
UNPLACED = (CLASSIFICATION.name, BOTH.name, DUPLICATE.name, BACKGROUND.name)  # whose raw rows are of interest


def sentences_of(diagnosis: DiagnosisData, box: int) -> list[str]:
    """What is said of a box in question: what it is, its worst edge, and whose pixels its heat lies on.

    Args:
        diagnosis: of the photograph.
        box: its place among ``diagnosis.boxes``.
    """
    kind = diagnosis.type_of(box)
    if kind == IGNORED.name:
        return [IGNORED.sentence]
    found = type_sentences(diagnosis, box)
    found += cause_sentences(diagnosis, box)
    found += leak_sentences(diagnosis, box)
    if kind in UNPLACED:
        found.append(sibling_sentence(diagnosis, box))
    return found


def cause_sentences(diagnosis: DiagnosisData, box: int) -> list[str]:
    """What is said of a box's worst edge and of its heat's pattern, each before what hiding says of it."""
    found = edge_sentences(diagnosis, box) + hidden_edge_sentences(diagnosis, box)
    return found + heat_sentences(diagnosis, box) + hidden_sentences(diagnosis, box)


def type_sentences(diagnosis: DiagnosisData, box: int) -> list[str]:
    """What is wrong with a box, and which box found the object that it is about; nothing of a correct one."""
    kind, true = diagnosis.type_of(box), diagnosis.truth_of(box)
    if kind == CORRECT.name:
        return []
    found = [TYPES[kind].sentence]
    if kind in (CLASSIFICATION.name, BOTH.name):
        found.append(f"The true object is {article(diagnosis.truth.class_names[true])}.")
    if kind in (DUPLICATE.name, LOCALIZATION.name):
        number = finder(diagnosis, true)
        name = diagnosis.truth.class_names[true]
        found.append(f"No box found that {name}." if number is None else f"Box {number} found that {name}.")
    return found


def edge_sentences(diagnosis: DiagnosisData, box: int) -> list[str]:
    """The worst edge of a box with a true box, and what it rests on; nothing of another box."""
    worst = diagnosis.worst_edge(box)
    if worst is None:
        return []
    column = EDGES.index(worst)
    share, pixels = float(diagnosis.shares[box, column]), float(diagnosis.outward[box, column])
    if abs(share) <= SOUND:
        return [f"All edges within {SOUND:.0%} of the true box.".replace("%", " %")]
    found = [edge_sentence(worst, pixels, share)]
    rank = evidence_sentence(diagnosis, box, column)
    found += [rank] if rank else []
    return found


def edge_sentence(edge: str, pixels: float, share: float) -> str:
    """How far an edge is off, and which way.

    Args:
        edge: which.
        pixels: how far it lies outside the true one, source pixels; negative inside.
        share: the same over the true width or height.
    """
    way = WRONG_WAY[edge][0 if pixels > 0 else 1]
    far = "far " if way in ("left", "right") else ""
    return f"{edge.capitalize()} edge {length(pixels)} ({abs(share):.0%}) too {far}{way}.".replace("%", " %")


def article(name: str) -> str:
    """A class name with its article."""
    return f"{'an' if name[:1].lower() in tuple('aeiou') else 'a'} {name}"


def length(pixels: float) -> str:
    """A length in whole pixels, a short one with one decimal."""
    return f"{abs(pixels):.{0 if abs(pixels) >= 9.95 else 1}f} px"


def evidence_sentence(diagnosis: DiagnosisData, box: int, column: int) -> str | None:
    """How much conflicting evidence an edge rests on, where it stands out among sound boxes."""
    ranks = diagnosis.boxes.percentiles
    if ranks is None or not ranks[box, column] >= STANDS_OUT:  # NaN: the reference does not know the class
        return None
    rank = float(ranks[box, column])
    most = "every sound box" if rank == 100 else f"{np.floor(rank):.0f} % of sound boxes"
    return f"It rests on more conflicting evidence than {most} of similar size."


def leak_sentences(diagnosis: DiagnosisData, box: int) -> list[str]:
    """On which other object much of a box's heat lies: the one with the most, from a quarter on; crowds aside."""
    own, truth = diagnosis.truth_of(box), diagnosis.truth
    shares = np.where(truth.crowd, 0.0, np.nan_to_num(diagnosis.leakage[box]))
    if own >= 0:
        shares[own] = 0
    if not len(shares) or shares.max() < LEAKED:
        return []
    other = int(shares.argmax())
    name = truth.class_names[other]
    which = f"another {name}" if own >= 0 and truth.class_names[own] == name else article(name)
    where = "on" if truth.masks and truth.masks[other] is not None else "in the true box of"
    share = f"{shares[other]:.0%}".replace("%", " %")
    return [f"{share} of its heat lies {where} {which} ({object_words(diagnosis, other)})."]


def sibling_sentence(diagnosis: DiagnosisData, box: int) -> str:
    """How many raw rows say the same as a box, and which of them are boxes too."""
    siblings = diagnosis.siblings[box]
    count, survived = len(siblings.rows), sorted(place + 1 for place in siblings.survived)
    if not count:
        return "No other raw row says the same."
    lead = f"{count} other raw row{'s say' if count > 1 else ' says'} the same"
    if not survived:
        return f"{lead}; {'all were' if count > 1 else 'it was'} dropped."
    numbers = ", ".join(map(str, survived[:-1])) + " and " * (len(survived) > 1) + str(survived[-1])
    beside = f"box{'es' * (len(survived) > 1)} {numbers} survived beside it"
    dropped = siblings.suppressed
    return f"{lead}; {beside}" + (f", {dropped} {'were' if dropped > 1 else 'was'} dropped." if dropped else ".")


def sentences_of_missed(diagnosis: DiagnosisData, k: int) -> list[str]:
    """What is said of a missed object: whether an error of another type stands for it, and what kept its row back.

    Args:
        diagnosis: of the photograph.
        k: its place among ``diagnosis.missed``.
    """
    missed = diagnosis.missed[k]
    found = excuse_sentences(diagnosis, missed) or [MISSED.sentence]
    if missed.verdict is None:
        return [*found, "Why is not known: this detector's own selection of boxes is not known step by step."]
    return [*found, counted_elsewhere(diagnosis, missed.verdict) or missed.verdict.sentence]


def excuse_sentences(diagnosis: DiagnosisData, missed: MissedObject) -> list[str]:
    """Which box stands on a missed object though it did not find it: TIDE counts that error alone."""
    if not missed.counted_elsewhere:
        return []
    assignment = diagnosis.assignment
    box = next(place for place, (kind, true) in enumerate(zip(assignment.types, assignment.truth.tolist(), strict=True))
               if true == missed.truth and kind in (CLASSIFICATION.name, LOCALIZATION.name))
    fault = "of another class" if assignment.types[box] == CLASSIFICATION.name else "badly placed"
    return [f"Box {box + 1} is about this object, but {fault} (IoU {assignment.overlap[box]:.2f}): "
            "TIDE counts that error alone, and nothing as missed."]


def counted_elsewhere(diagnosis: DiagnosisData, verdict: Verdict) -> str | None:
    """The sentence of a row that is a detection and lies on the object, but found another one."""
    if not (verdict.detected and verdict.near and verdict.iou is not None):
        return None
    kind = diagnosis.assignment.types[verdict.number - 1]
    other = f"counts for another {verdict.class_name}" if kind == CORRECT.name else f"its type is {kind}"
    return f"Box {verdict.number} lies on it (IoU {verdict.iou:.2f}) but {other}."
