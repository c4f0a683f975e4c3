"""diagnose(): one photograph with its true boxes to what is wrong with every box, and where the detector looked."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from detcam.attribution.attribute import attribute
from detcam.attribution.gradients.tape import Tape
from detcam.attribution.heatmap import Heatmap
from detcam.attribution.layers.names import DEPTH
from detcam.attribution.target import difference
from detcam.attribution.task import keys_of
from detcam.datasets.ground_truth import GroundTruth
from detcam.detectors.base import Detector
from detcam.detectors.canvas import Canvas
from detcam.diagnosis.attention.leakage import Cells, leakage
from detcam.diagnosis.attention.pull import Pull, pull_of
from detcam.diagnosis.attention.shortcuts import Shortcuts, shortcuts
from detcam.diagnosis.classes import words_of
from detcam.diagnosis.diagnosis_data import MissedObject
from detcam.diagnosis.error_types import CORRECT, DUPLICATE, LOCALIZATION
from detcam.diagnosis.interventions.edge_probe import edge_question
from detcam.diagnosis.interventions.intervention import FILL, Question, answer
from detcam.diagnosis.interventions.shortcut_probes import questions
from detcam.diagnosis.judged_photograph import Reading, read
from detcam.diagnosis.result import Diagnosis
from detcam.explanations.build import Traced, explained_by, trace
from detcam.explanations.explanation import Explanation
from detcam.explanations.settings import Setting, setting_of
from detcam.imaging.boxes import EDGES, edge_lengths, outward
from detcam.imaging.image import Image, load_image
from detcam.measures.reference import SOUND, Reference
from detcam.verdicts.search import Asked

PLACED = (CORRECT.name, LOCALIZATION.name, DUPLICATE.name)  # these have a true box of their own class


def diagnose(detector: Detector, image: Any, truth: GroundTruth, *, classes: str | Sequence[str | int] | None = None,
             annotated: Sequence[str] | None = None, method: Any = None, layer: str | Sequence[str] = DEPTH,
             min_score: float | None = None, edges: bool = True, edge_layer: str | None = None,
             reference: Reference | None = None, differences: bool = True, intervene: bool = False, fill: str = FILL,
             seed: int = 0) -> Diagnosis:
    """Join every detection's localization error to where the detector looked, on one photograph.

    Args:
        detector: from :func:`detcam.load`.
        image: the photograph, as :func:`detcam.explain` takes it.
        truth: its true boxes.
        classes: the classes in question, names or indices; a bare name is one class; None for all that both sides know.
        annotated: the classes that the annotations know: they say nothing about detections of others, which are left
            out. None takes those of ``truth`` and ``classes``.
        method, layer, min_score, edge_layer, reference, seed: as :func:`detcam.explain` takes them; the first method's
            maps are those that are measured.
        edges: measure what each edge rests on and what pulls it outward, where the boxes have edges to explain.
        differences: for missed objects, also keep what speaks for the lost row and not for the winner.
        intervene: hide what looks like a shortcut, and what pulls a misplaced edge out, and read each box again beside
            control regions: :mod:`detcam.diagnosis.interventions.shortcut_probes` and
            :mod:`detcam.diagnosis.interventions.edge_probe`. About a dozen forward passes a box.
        fill: what hides a region: a name of :data:`detcam.diagnosis.interventions.fills.FILLS`.

    Raises:
        InputError: an argument, image, layer, method or class is not what was expected.
        MismatchError: the model's own detections are not the ones the adapter selects.
    """
    setting = setting_of(detector, method, layer, "logit", min_score, edges, edges and detector.has_edges, edge_layer,
                         reference, seed)
    return diagnose_together(detector, [load_image(image)], [truth], setting,
                             classes=None if classes is None else words_of(detector, classes), annotated=annotated,
                             differences=differences, intervene=intervene, fill=fill)[0]


def diagnose_together(detector: Detector, photos: Sequence[Image], truths: Sequence[GroundTruth], setting: Setting, *,
                      classes: Sequence[str] | None = None, annotated: Sequence[str] | None = None,
                      differences: bool = True, intervene: bool = False, fill: str = FILL) -> list[Diagnosis]:
    """:func:`diagnose` of several photographs, from one forward pass of all of them.

    Args:
        detector: from :func:`detcam.load`.
        photos: the photographs, whose canvases are of one size: several only where :meth:`Setting.together` allows it.
        truths: the true boxes of each.
        setting: what is done with every row.
        classes, annotated, differences, intervene, fill: as :func:`diagnose` takes them.
    """
    canvas = Canvas.together([detector.canvas(photo) for photo in photos])
    with setting.tape(detector, canvas) as tape:
        readings = [read(detector, photo, truth, canvas.of_image(place), tape.prediction.of_image(place),
                         setting.min_score, classes, annotated)
                    for place, (photo, truth) in enumerate(zip(photos, truths, strict=True))]
        rows = [reading.rows for reading in readings]
        traced = trace(detector, tape, canvas, rows, setting, setting.target)
        versus = [_differences(detector, tape, canvas, readings, place, setting) if differences else {}
                  for place in range(len(readings))]
    return [_joined(detector, reading, own, setting, each, intervene, fill)
            for reading, own, each in zip(readings, traced, versus, strict=True)]


def _differences(detector: Detector, tape: Tape, canvas: Canvas, readings: Sequence[Reading], place: int,
                 setting: Setting) -> dict[int, Heatmap]:
    """What speaks for a photograph's lost rows and not for what took their places, by the rows' places in ``asked``."""
    asked = readings[place].asked
    found = {}
    for row, winner in _lost(asked):
        if asked is None or winner is None:
            continue
        pair = asked.detections[[row, winner]]
        versus = difference(setting.target, keys_of(pair)[1], f"box {asked.numbered[winner]}")
        alone = [pair[[0]] if reading is readings[place] else reading.rows[:0] for reading in readings]
        found[row] = attribute(detector, canvas, alone, setting.methods[0], setting.layer, versus, setting.seed,
                               tape)[place][0]
    return found


def _lost(asked: Asked | None) -> list[tuple[int, int | None]]:
    """Of each missed object the row that speaks for it, and what took its place, by their places in ``asked``."""
    if asked is None:
        return []
    keys, found = keys_of(asked.detections), []
    for row, verdict in enumerate(asked.verdicts):
        if verdict is not None:
            rivals = [reason.rival for reason in verdict.reasons if reason.rival is not None]
            found.append((row, keys.index((rivals[0].row, rivals[0].label)) if rivals else None))
    return found


def _joined(detector: Detector, reading: Reading, traced: Traced, setting: Setting,
            differences: dict[int, Heatmap], intervene: bool, fill: str) -> Diagnosis:
    """The diagnosis of a photograph whose rows were back-propagated."""
    found, index, truth, asked = reading.found, reading.index, reading.truth, reading.asked
    assignment = reading.assignment
    boxes = explained_by(traced[np.arange(len(index))], detector, reading.canvas, reading.photo, setting, found[index],
                         [int(each) + 1 for each in index], len(found), None, np.delete(found.boxes, index, 0))
    lost = None if asked is None else explained_by(
        traced[reading.places], detector, reading.canvas, reading.photo, setting, asked.detections, asked.numbered,
        len(found), asked)
    cells = Cells(truth)
    own = np.where(np.isin([assignment.types[each] for each in index], PLACED), assignment.truth[index], -1)
    errors = np.full((len(index), 4), np.nan)
    errors[own >= 0] = outward(found.boxes[index][own >= 0], truth.boxes[own[own >= 0]])
    hidden = _questions(boxes, truth, own, errors, setting.seed) if intervene else None
    return Diagnosis(
        reading.photo, truth, reading.wanted, found, assignment, boxes, index, errors,
        leakage(boxes.maps[0].heatmaps, cells), _pulls(boxes, truth, own, cells), reading.siblings,
        _shortcuts(boxes, truth, own), None if hidden is None else tuple(
            tuple(each) for each in answer(detector, reading.canvas, found[index], hidden, fill)),
        _missed(reading, differences), lost)


def _missed(reading: Reading, differences: dict[int, Heatmap]) -> tuple[MissedObject, ...]:
    """What became of each object in question that no detection found."""
    assignment = reading.assignment
    counted_elsewhere = dict(zip(assignment.missed.tolist(), assignment.counted_elsewhere.tolist(), strict=True))
    asked = reading.asked
    if asked is None:
        return tuple(MissedObject(each, counted_elsewhere[each], None) for each in reading.missed)
    return tuple(MissedObject(each, counted_elsewhere[each], asked.verdicts[row], row, winner, differences.get(row))
                 for each, (row, winner) in zip(reading.missed, _lost(asked), strict=True))


def _pulls(boxes: Explanation, truth: GroundTruth, own: NDArray[np.int64], cells: Cells
           ) -> tuple[tuple[Pull, ...] | None, ...]:
    """What pulls the edges outward, of boxes that have a true box."""
    found: list[tuple[Pull, ...] | None] = []
    for box, true in enumerate(own.tolist()):
        maps = None if boxes.edges is None or boxes.edges.maps is None or true < 0 else boxes.edges.maps[box]
        found.append(None if maps is None else tuple(
            pull_of(heatmap, edge, truth.boxes[true], cells.of(heatmap)[true])
            for edge, heatmap in zip(EDGES, maps, strict=True)))
    return tuple(found)


def _shortcuts(boxes: Explanation, truth: GroundTruth, own: NDArray[np.int64]) -> tuple[Shortcuts, ...]:
    """The pattern of each box's heat, on its object where there is one."""
    found = []
    for box, true in enumerate(own.tolist()):
        mask = truth.masks[true] if true >= 0 and truth.masks else None
        found.append(shortcuts(
            boxes.maps[0].heatmaps[box], boxes.detections.boxes[box], _others(truth, true),
            None if mask is None else mask.decode(), None if true < 0 else truth.boxes[true]))
    return tuple(found)


def _others(truth: GroundTruth, true: int) -> NDArray[np.float64]:
    """The true boxes but one, ``[M, 4]``."""
    return truth.boxes if true < 0 else np.delete(truth.boxes, true, 0)


def _questions(boxes: Explanation, truth: GroundTruth, own: NDArray[np.int64], errors: NDArray[np.float64], seed: int
               ) -> list[list[Question]]:
    """What is hidden from each box: where its heat is suspicious, and what pulls its worst edge out."""
    found = []
    for box, true in enumerate(own.tolist()):
        placed, others = boxes.detections.boxes[box], _others(truth, true)
        asked = questions(boxes.maps[0].heatmaps[box], placed, others, None if true < 0 else truth.boxes[true],
                          seed=seed)
        if true >= 0 and boxes.edges is not None and boxes.edges.maps is not None:
            outside = errors[box] / edge_lengths(truth.boxes[true]).clip(1)
            worst = int(np.abs(outside).argmax())
            one = edge_question(boxes.edges.maps[box][worst], EDGES[worst], placed, truth.boxes[true], others,
                                seed=seed) if outside[worst] > SOUND else None
            asked += [] if one is None else [one]
        found.append(asked)
    return found
