"""A diagnosis in sentences, each from numbers by one rule a function.

Sentences about a cause rest on an intervention (:mod:`detcam.diagnosis.sentences.interventions`); the others describe.
"""

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
from detcam.diagnosis.sentences.interventions import edge_occlusion_sentences, occlusion_sentences
from detcam.diagnosis.sentences.object_names import finder, object_words
from detcam.diagnosis.sentences.shortcuts import shortcut_sentences
from detcam.imaging.boxes import EDGES
from detcam.measures.reference import SOUND
from detcam.verdicts.verdict import Verdict

HIGH_RANK = 90.0  # per cent of accurate boxes with less evidence on the edge, from which it is mentioned
LEAKED = 0.25  # of a box's heat on another object, from which it is mentioned: a fifth of correct boxes in crowds
DIRECTIONS = {"left": ("left", "right"), "top": ("high", "low"), "right": ("right", "left"), "bottom": ("low", "high")}
"""How to say that an edge lies outside the true one, and that it lies inside."""
WITH_SIBLINGS = (CLASSIFICATION.name, BOTH.name, DUPLICATE.name, BACKGROUND.name)  # types whose other raw rows matter


def sentences_of(diagnosis: DiagnosisData, i: int) -> list[str]:
    """The sentences about a detection in question: its type, its worst edge, and where its heat lies.

    Args:
        diagnosis: of the photograph.
        i: its index among ``diagnosis.boxes``.
    """
    kind = diagnosis.type_of(i)
    if kind == IGNORED.name:
        return [IGNORED.sentence]
    sentences = type_sentences(diagnosis, i) + cause_sentences(diagnosis, i) + leakage_sentences(diagnosis, i)
    return [*sentences, sibling_sentence(diagnosis, i)] if kind in WITH_SIBLINGS else sentences


def cause_sentences(diagnosis: DiagnosisData, i: int) -> list[str]:
    """The sentences about a box's worst edge and its shortcut patterns, each followed by what occlusion shows."""
    edge = edge_sentences(diagnosis, i) + edge_occlusion_sentences(diagnosis, i)
    return edge + shortcut_sentences(diagnosis, i) + occlusion_sentences(diagnosis, i)


def type_sentences(diagnosis: DiagnosisData, i: int) -> list[str]:
    """A box's error, and which other box found its object; empty for a correct box."""
    kind, true = diagnosis.type_of(i), diagnosis.truth_of(i)
    if kind == CORRECT.name:
        return []
    sentences = [TYPES[kind].sentence]
    if kind in (CLASSIFICATION.name, BOTH.name):
        sentences.append(f"The true object is {article(diagnosis.truth.class_names[true])}.")
    if kind in (DUPLICATE.name, LOCALIZATION.name):
        number = finder(diagnosis, true)
        name = diagnosis.truth.class_names[true]
        sentences.append(f"No box found that {name}." if number is None else f"Box {number} found that {name}.")
    return sentences


def edge_sentences(diagnosis: DiagnosisData, i: int) -> list[str]:
    """A box's worst edge and the evidence on it; empty without a true box."""
    worst = diagnosis.worst_edge(i)
    if worst is None:
        return []
    column = EDGES.index(worst)
    share, pixels = float(diagnosis.shares[i, column]), float(diagnosis.outward[i, column])
    if abs(share) <= SOUND:
        return [f"All edges are within {SOUND:.0%} of the true box.".replace("%", " %")]
    evidence = evidence_sentence(diagnosis, i, column)
    return [edge_sentence(worst, pixels, share), *([evidence] if evidence else [])]


def edge_sentence(edge: str, pixels: float, share: float) -> str:
    """How far an edge is off, and in which direction.

    Args:
        edge: one of ``"left"``, ``"top"``, ``"right"`` and ``"bottom"``.
        pixels: how far it lies outside the true one, source pixels; negative inside.
        share: the same over the true width or height.
    """
    way = DIRECTIONS[edge][0 if pixels > 0 else 1]
    far = "far " if way in ("left", "right") else ""
    return f"{edge.capitalize()} edge {length(pixels)} ({abs(share):.0%}) too {far}{way}.".replace("%", " %")


def article(name: str) -> str:
    """A class name with its article."""
    return f"{'an' if name[:1].lower() in tuple('aeiou') else 'a'} {name}"


def length(pixels: float) -> str:
    """A length in whole pixels, a short one with one decimal."""
    return f"{abs(pixels):.{0 if abs(pixels) >= 9.95 else 1}f} px"


def evidence_sentence(diagnosis: DiagnosisData, i: int, column: int) -> str | None:
    """How the evidence on an edge ranks among accurate boxes; None unless it ranks high.

    Args:
        diagnosis: of the photograph.
        i: the box's index among ``diagnosis.boxes``.
        column: the edge's index among left, top, right, bottom.
    """
    ranks = diagnosis.boxes.percentiles
    if ranks is None or not ranks[i, column] >= HIGH_RANK:  # NaN: the reference does not know the class
        return None
    rank = float(ranks[i, column])
    share = "all" if rank == 100 else f"{np.floor(rank):.0f} % of"
    return f"There is more evidence on this edge than for {share} accurate boxes of similar size."


def leakage_sentences(diagnosis: DiagnosisData, i: int) -> list[str]:
    """The other object with most of a box's heat, if that is a quarter or more; crowds do not count."""
    true, truth = diagnosis.truth_of(i), diagnosis.truth
    shares = np.where(truth.crowd, 0.0, np.nan_to_num(diagnosis.leakage[i]))
    if true >= 0:
        shares[true] = 0
    if not len(shares) or shares.max() < LEAKED:
        return []
    other = int(shares.argmax())
    name = truth.class_names[other]
    which = f"another {name}" if true >= 0 and truth.class_names[true] == name else article(name)
    where = "on" if truth.masks and truth.masks[other] is not None else "in the true box of"
    share = f"{shares[other]:.0%}".replace("%", " %")
    return [f"{share} of its heat lies {where} {which} ({object_words(diagnosis, other)})."]


def sibling_sentence(diagnosis: DiagnosisData, i: int) -> str:
    """How many other raw rows of its class overlap a box, and which of them were kept as boxes."""
    siblings = diagnosis.siblings[i]
    count, kept = len(siblings.rows), sorted(index + 1 for index in siblings.survived)
    if not count:
        return "No other raw row of its class overlaps it."
    lead = f"{count} other raw row{'s' if count > 1 else ''} of its class overlap{'' if count > 1 else 's'} it"
    if not kept:
        return f"{lead}; {'all were' if count > 1 else 'it was'} dropped."
    numbers = ", ".join(map(str, kept[:-1])) + " and " * (len(kept) > 1) + str(kept[-1])
    rows = f"box{'es' if len(kept) > 1 else ''} {numbers} {'were' if len(kept) > 1 else 'was'} kept"
    dropped = siblings.suppressed
    return f"{lead}; {rows}" + (f", {dropped} {'were' if dropped > 1 else 'was'} dropped." if dropped else ".")


def sentences_of_missed(diagnosis: DiagnosisData, k: int) -> list[str]:
    """The sentences about a missed object: which error TIDE counts for it, and why its best raw row was dropped.

    Args:
        diagnosis: of the photograph.
        k: its index among ``diagnosis.missed``.
    """
    missed = diagnosis.missed[k]
    sentences = counted_elsewhere_sentences(diagnosis, missed) or [MISSED.sentence]
    if missed.verdict is None:
        return [*sentences, "The reason is unknown: the steps of this detector's box selection are not known."]
    return [*sentences, other_object_sentence(diagnosis, missed.verdict) or missed.verdict.sentence]


def counted_elsewhere_sentences(diagnosis: DiagnosisData, missed: MissedObject) -> list[str]:
    """The box on a missed object that did not find it, if TIDE counts that box's error instead; else empty."""
    if not missed.counted_elsewhere:
        return []
    assignment = diagnosis.assignment
    i = next(i for i, (kind, true) in enumerate(zip(assignment.types, assignment.truth.tolist(), strict=True))
             if true == missed.truth and kind in (CLASSIFICATION.name, LOCALIZATION.name))
    fault = "has another class" if assignment.types[i] == CLASSIFICATION.name else "its edges are too far off"
    return [f"Box {i + 1} lies on this object, but {fault} (IoU {assignment.overlap[i]:.2f}). TIDE counts that error "
            "and no missed object."]


def other_object_sentence(diagnosis: DiagnosisData, verdict: Verdict) -> str | None:
    """The sentence about a best row that is a detection and lies on the object, but found another one; else None."""
    if not (verdict.detected and verdict.near and verdict.iou is not None):
        return None
    kind = diagnosis.assignment.types[verdict.number - 1]
    other = f"it counts for another {verdict.class_name}" if kind == CORRECT.name else f"its type is {kind}"
    return f"Box {verdict.number} lies on it (IoU {verdict.iou:.2f}), but {other}."
