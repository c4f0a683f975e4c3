"""Diagnoses made by hand: boxes and true boxes of which everything is known."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from detcam.attribution.heatmap import Heatmap
from detcam.datasets.ground_truth import GroundTruth, Mask
from detcam.detectors.selection.drop_reason import SCORE, SUPPRESSED
from detcam.diagnosis.attention.leakage import Cells, leakage
from detcam.diagnosis.attention.pull import Pull
from detcam.diagnosis.attention.shortcuts import PATTERNS, Shortcuts
from detcam.diagnosis.diagnosis_data import MissedObject
from detcam.diagnosis.error_types import CORRECT, DUPLICATE, LOCALIZATION, classify_errors
from detcam.diagnosis.interventions.intervention import Change, Intervention
from detcam.diagnosis.interventions.regions import Region, in_box
from detcam.diagnosis.result import Diagnosis
from detcam.explanations.explanation import Explanation
from detcam.imaging.boxes import outward
from detcam.imaging.grid import Grid
from detcam.imaging.image import Image
from detcam.measures.siblings import Siblings
from detcam.verdicts.place import Place
from detcam.verdicts.verdict import Reason, Rival, Verdict
from detcam.views.diagnosis.pages import diagnosis_figures
from support.synthetic import detections_of, explanation_of, hot_cell, photograph, stretch

Boxes = Sequence[Sequence[float]]
CLASSES = {0: "person", 1: "orange"}
PERSON, HALF = [40.0, 20.0, 80.0, 100.0], [40.0, 20.0, 80.0, 55.0]
ASIDE, LOST, CROWD = [110.0, 30.0, 150.0, 110.0], [2.0, 70.0, 30.0, 110.0], [2.0, 2.0, 34.0, 40.0]
IN_CROWD = [6.0, 6.0, 20.0, 30.0]


NO_SHORTCUT = Shortcuts(dict.fromkeys(PATTERNS, 0.1), dict.fromkeys(PATTERNS, 0.1), dict.fromkeys(PATTERNS, False), "",
                        "")


def truth_of(boxes: Boxes, class_names: Sequence[str] | None = None, crowd: Sequence[int] = (),
             difficult: Sequence[int] = (), masks: tuple[Mask | None, ...] = ()) -> GroundTruth:
    """True boxes, persons if nothing else is said."""
    count = np.arange(len(boxes))
    return GroundTruth(Path("photos/street.jpg"), np.array(boxes, float).reshape(-1, 4),
                       tuple(class_names or ["person"] * len(boxes)), np.isin(count, crowd), masks,
                       difficult=np.isin(count, difficult))


def asked_of(name: str, suspect: tuple[Sequence[float], float], controls: Sequence[tuple[Sequence[float], float]] = (),
             inward: Sequence[float] = (), region: str = "top left corner") -> Intervention:
    """An answer about regions of :func:`synthetic.photograph` stretched over a canvas of 64 by 64.

    Args:
        name: of the question.
        suspect: a box, source pixels, and the share of the score that hiding it takes.
        controls: the same of each control.
        inward: how far the top edge comes in with the suspect and with each control, source pixels; nowhere.
        region: what the suspect is called.
    """
    geometry = stretch(photograph(), (64, 64))
    moved = [*inward, *[0.0] * (1 + len(controls))]

    def change(place: Sequence[float], share: float, top: float) -> Change:
        mask = in_box(geometry, geometry.to_canvas(np.array(place, float)))
        return Change(Region(region, mask), "grey", float(mask.mean()), 0.8, -0.8 * share, 0.0,
                      np.array([0.0, -top, 0.0, 0.0]), 0.5)

    first, *others = (change(*each, top) for each, top in zip((suspect, *controls), moved, strict=False))
    return Intervention(name, first, tuple(others))


def siblings(count: int = 0, survived: tuple[int, ...] = ()) -> Siblings:
    return Siblings(np.arange(count), np.full(count, 0.3), np.full(count, 0.7), survived)


def diagnosis_of(boxes: Boxes, truth: GroundTruth, *, labels: Sequence[int] | None = None, image: Image | None = None,
                 percentiles: NDArray[np.float64] | None = None, shares: Any = None, edges: bool = True,
                 pull: float | None = None, same: Sequence[Siblings] | None = None,
                 verdicts: Sequence[Verdict | None] | None = None,
                 hidden: Sequence[tuple[Intervention, ...]] | None = None,
                 patterns: Sequence[Shortcuts] | None = None, **explained: Any) -> Diagnosis:
    """Detections with falling scores, judged as they are, all in question.

    Args:
        boxes: of the detections, source pixels.
        truth: true boxes.
        labels: person 0, orange 1.
        image: the photograph.
        percentiles: ``[N, 4]`` of the evidence.
        shares: ``[N, M]`` instead of the heatmaps' own leakage.
        edges: whether the edges were measured.
        pull: the share beyond the true edge, of every edge.
        same: a box's siblings; none.
        verdicts: one a missed object; None stands for a selection that is not known.
        hidden: each box's interventions; None where nothing was hidden.
        patterns: of each box's heat; none is flagged.
        explained: what :func:`synthetic.explanation_of` takes.
    """
    image = image or photograph()
    found = detections_of(boxes, labels)
    assignment = classify_errors(found.boxes, found.scores, [CLASSES[each] for each in found.labels.tolist()], truth)
    explanation = explanation_of(image, boxes, labels=labels, class_names=CLASSES, percentiles=percentiles,
                                 edges=edges, edge_maps=edges, **explained)
    own = np.where(np.isin(assignment.types, [CORRECT.name, LOCALIZATION.name, DUPLICATE.name]), assignment.truth, -1)
    errors = np.full((len(boxes), 4), np.nan)
    errors[own >= 0] = outward(found.boxes[own >= 0], truth.boxes[own[own >= 0]])
    leaks = leakage(explanation.maps[0].heatmaps, Cells(truth)) if shares is None else np.array(shares, float)
    pulls = tuple(None if pull is None or true < 0 else (Pull(0.5, pull, 0.5),) * 4 for true in own)
    missed, lost = _missed(image, assignment.missed.tolist(), assignment.counted_elsewhere.tolist(), verdicts)
    return Diagnosis(image, truth, tuple(dict.fromkeys(truth.class_names)) or ("person",), found, assignment,
                     explanation, np.arange(len(boxes)), errors, leaks, pulls,
                     tuple(same or [siblings()] * len(boxes)), tuple(patterns or [NO_SHORTCUT] * len(boxes)),
                     None if hidden is None else tuple(hidden), missed, lost)


def _missed(image: Image, true: list[int], counted_elsewhere: list[bool], verdicts: Sequence[Verdict | None] | None
            ) -> tuple[tuple[MissedObject, ...], Explanation | None]:
    """Missed objects; those whose verdict names a rival have it and a difference beside them."""
    verdicts = verdicts if verdicts is not None else [None] * len(true)
    geometry, grid = stretch(image, (64, 64)), Grid((8.0, 8.0))
    rows: list[tuple[float, float, float, float]] = []
    numbers: list[int] = []
    said: list[Verdict | None] = []
    missed = []
    for one, (object_, verdict) in enumerate(zip(true, verdicts, strict=True)):
        if verdict is None:
            missed.append(MissedObject(object_, counted_elsewhere[one], None))
            continue
        assert verdict.place.box is not None
        row, winner, versus = len(rows), None, None
        rows.append(verdict.place.box)
        numbers.append(verdict.number)
        said.append(verdict)
        rival = next((reason.rival for reason in verdict.reasons if reason.rival is not None), None)
        if rival is not None:
            winner = len(rows)
            x1, y1, x2, y2 = verdict.place.box
            rows.append((x1 + 4, y1 + 4, x2 + 4, y2 + 4))
            numbers.append(rival.number)
            said.append(None)
            values = np.random.default_rng(1).normal(size=(8, 8)).astype(np.float32)
            versus = Heatmap(values, grid, geometry, "level.0", signed=True)
        missed.append(MissedObject(object_, counted_elsewhere[one], verdict, row, winner, versus))
    if not rows:
        return tuple(missed), None
    maps = [[hot_cell((8, 8), (4, 4), grid, geometry) for _ in rows]]
    lost = explanation_of(image, rows, maps, class_names=CLASSES, edges=False)
    return tuple(missed), Explanation(**{**lost.__dict__, "numbered": tuple(numbers), "verdicts": tuple(said)})


def verdict_of(box: tuple[float, float, float, float], number: int, reasons: tuple[Reason, ...] = (), *,
               near: bool = True, iou: float = 0.62, score: float = 0.2) -> Verdict:
    """What became of a person's row; detected where nothing is in its way."""
    return Verdict(Place(box=box, label=0), near, iou, number, "person", score, "person", score, not reasons, reasons)


def rival(number: int, detected: bool = True) -> Rival:
    return Rival(number, 0, "person", 0.9, number, detected)


def lost(suppressed: bool = True) -> tuple[Reason, ...]:
    return (Reason(SUPPRESSED, 0.6, 0.45, rival=rival(1)),) if suppressed else (Reason(SCORE, 0.2, 0.25),)


def one_of_each(**options: object) -> Diagnosis:
    """A correct box, a localization error, a duplicate, a background box, an ignored box, a missed person, a crowd."""
    boxes = [PERSON, HALF, [42.0, 20.0, 82.0, 100.0], ASIDE, IN_CROWD]
    truth = truth_of([PERSON, LOST, CROWD], crowd=[2])
    return diagnosis_of(boxes, truth, verdicts=[verdict_of((2.0, 72.0, 30.0, 110.0), 6, lost())],
                        **options)  # type: ignore[arg-type]


def pages_of(diagnosis: Diagnosis, **options: object) -> list[Figure]:
    return list(diagnosis_figures(diagnosis, **options))  # type: ignore[arg-type]
