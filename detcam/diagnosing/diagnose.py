"""diagnose(): one photograph with its true boxes to what is wrong with every box, and where the detector looked."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from detcam.attribution.attribute import attribute
from detcam.attribution.heatmap import Heatmap
from detcam.attribution.layers import DEPTH
from detcam.attribution.tape import Tape
from detcam.attribution.target import difference, settled
from detcam.attribution.task import keys_of
from detcam.data.ground_truth import GroundTruth
from detcam.detectors.base import Canvas, Detector
from detcam.detectors.detections import Detections
from detcam.diagnosing.result import Diagnosis, MissedObject
from detcam.diagnosis.ask import Asked, ask
from detcam.diagnosis.edge_questions import edge_question
from detcam.diagnosis.error_types import BOTH, CLASSIFICATION, CORRECT, DUPLICATE, LOCALIZATION, Judged, judge
from detcam.diagnosis.intervention import FILL, Question, answer
from detcam.diagnosis.leakage import Cells, leakage
from detcam.diagnosis.place import Place
from detcam.diagnosis.pull import Pull, pull_of
from detcam.diagnosis.reference import SOUND, Reference
from detcam.diagnosis.shortcut_questions import questions
from detcam.diagnosis.shortcuts import Shortcuts, shortcuts
from detcam.diagnosis.siblings import siblings_of
from detcam.errors import DetectorError, InputError
from detcam.explain_rows import Setting, explain_rows, numbered_detections, setting_of
from detcam.explanation import Explanation
from detcam.imaging import Image, load_image
from detcam.imaging.boxes import EDGES, edge_lengths, outward

PLACED = (CORRECT.name, LOCALIZATION.name, DUPLICATE.name)  # these have a true box of their own class
MISTAKEN = (CLASSIFICATION.name, BOTH.name)  # types of detections that stand on an object of another class


def diagnose(detector: Detector, image: Any, truth: GroundTruth, *, classes: Sequence[str] | None = None,
             annotated: Sequence[str] | None = None, method: Any = None, layer: str | Sequence[str] = DEPTH,
             min_score: float | None = None, edges: bool = True, edge_layer: str | None = None,
             reference: Reference | None = None, differences: bool = True, intervene: bool = False, fill: str = FILL,
             seed: int = 0) -> Diagnosis:
    """Join every detection's localization error to where the detector looked, on one photograph.

    Args:
        detector: from :func:`detcam.load`.
        image: the photograph, as :func:`detcam.explain` takes it.
        truth: its true boxes.
        classes: the classes in question; None for all that both sides know.
        annotated: the classes that the annotations know: they say nothing about detections of others, which are left
            out. None takes those of ``truth`` and ``classes``.
        method, layer, min_score, edge_layer, reference, seed: as :func:`detcam.explain` takes them; the first method's
            maps are those that are measured.
        edges: measure what each edge rests on and what pulls it outward, where the boxes have edges to explain.
        differences: for missed objects, also keep what speaks for the lost row and not for the winner.
        intervene: hide what looks like a shortcut, and what pulls a misplaced edge out, and read each box again beside
            control regions: :mod:`detcam.diagnosis.shortcut_questions`, :mod:`detcam.diagnosis.edge_questions`. About
            a dozen forward passes a box.
        fill: what hides a region: a name of :data:`detcam.diagnosis.fills.FILLS`.

    Raises:
        InputError: an argument, image, layer, method or class is not what was expected.
        MismatchError: the model's own detections are not the ones the adapter selects.
    """
    words, wanted = _classes(detector, truth, classes, annotated)
    setting = setting_of(detector, method, layer, "logit", min_score, edges, edges and detector.has_edges, edge_layer,
                         reference, seed)
    photo = load_image(image)
    canvas = detector.canvas(photo)
    with setting.tape(detector, canvas) as tape:
        detector.check(photo, tape.prediction, canvas)
        found = numbered_detections(detector.select(tape.prediction, canvas, setting.min_score)[0],
                                    detector.labels_of(words))
        judged = judge(found.boxes, found.scores, [detector.class_names[label] for label in found.labels.tolist()],
                       truth)
        index = _in_question(detector, found, judged, truth, wanted)
        boxes = explain_rows(detector, tape, canvas, photo, setting, found[index], [int(each) + 1 for each in index],
                             len(found), others=np.delete(found.boxes, index, 0))
        missed, lost = _missed(detector, tape, canvas, photo, setting, found, judged, truth, wanted, differences)
        siblings = tuple(siblings_of(tape.prediction, found, int(each)) for each in index)
    cells = Cells(truth)
    own = np.where(np.isin([judged.types[each] for each in index], PLACED), judged.truth[index], -1)
    errors = np.full((len(index), 4), np.nan)
    errors[own >= 0] = outward(found.boxes[index][own >= 0], truth.boxes[own[own >= 0]])
    asked = _questions(boxes, truth, own, errors, seed) if intervene else None
    return Diagnosis(
        photo, truth, tuple(wanted), found, judged, boxes, index, errors, leakage(boxes.maps[0].heatmaps, cells),
        _pulls(boxes, truth, own, cells), siblings, _shortcuts(boxes, truth, own), None if asked is None else tuple(
            tuple(each) for each in answer(detector, canvas, found[index], asked, fill)), missed, lost)


def _classes(detector: Detector, truth: GroundTruth, classes: Sequence[str] | None, annotated: Sequence[str] | None
             ) -> tuple[list[str], list[str]]:
    """The class words that both sides know, and those in question.

    Raises:
        InputError: nothing is known to both.
    """
    if classes is not None:
        classes = [detector.class_names[label] for label in detector.labels_of(classes)]
    known = dict.fromkeys([*(annotated or truth.class_names), *(classes or ())])
    words = [name for name in known if name in detector.class_names.values()]
    if not words:
        raise InputError(f"{truth.file}: its true boxes are of {', '.join(known) or 'no class'}, and {detector.name} "
                         "knows none of them: name the classes in question")
    return words, words if classes is None else list(classes)


def _in_question(detector: Detector, found: Detections, judged: Judged, truth: GroundTruth, classes: Sequence[str]
                 ) -> NDArray[np.int64]:
    """The detections of some classes, and those that stand on their objects under another name."""
    own = np.isin(found.labels, detector.labels_of(classes))
    mistaken = [kind in MISTAKEN and truth.class_names[on] in classes
                for kind, on in zip(judged.types, judged.truth.tolist(), strict=True)]
    return np.flatnonzero(own | np.array(mistaken, bool))


def _missed(detector: Detector, tape: Tape, canvas: Canvas, photo: Image, setting: Setting, found: Detections,
            judged: Judged, truth: GroundTruth, classes: Sequence[str], differences: bool
            ) -> tuple[tuple[MissedObject, ...], Explanation | None]:
    """Why each missed object of some classes was missed."""
    own = [each for each in judged.missed.tolist() if truth.class_names[each] in classes]
    excused = dict(zip(judged.missed.tolist(), judged.excused.tolist(), strict=True))
    inside = truth.boxes.clip(0, [photo.width, photo.height] * 2)  # as a box is that a user asks about
    places = [Place(box=tuple(inside[each].tolist()), label=detector.labels_of([truth.class_names[each]])[0])
              for each in own]
    if not own:
        return (), None
    try:
        asked = ask(detector, tape.prediction, canvas, photo, places, found, setting.min_score)
    except DetectorError:  # the family's selection is not known step by step
        return tuple(MissedObject(each, excused[each], None) for each in own), None
    lost = explain_rows(detector, tape, canvas, photo, setting, asked.detections, asked.numbered, len(found), asked)
    keys, missed = keys_of(asked.detections), []
    rows = [row for row, verdict in enumerate(asked.verdicts) if verdict is not None]
    for each, row in zip(own, rows, strict=True):
        verdict = asked.verdicts[row]
        assert verdict is not None
        rivals = [reason.rival for reason in verdict.reasons if reason.rival is not None]
        winner = keys.index((rivals[0].row, rivals[0].label)) if rivals else None
        versus = None if winner is None or not differences else _difference(
            detector, tape, canvas, setting, asked, row, winner)
        missed.append(MissedObject(each, excused[each], verdict, row, winner, versus))
    return tuple(missed), lost


def _difference(detector: Detector, tape: Tape, canvas: Canvas, setting: Setting, asked: Asked, row: int, winner: int
                ) -> Heatmap:
    """What speaks for a lost row and not for what took its place."""
    pair = asked.detections[[row, winner]]
    target = settled(setting.target, detector, canvas, keys_of(pair), tape.prediction)
    versus = difference(target, keys_of(pair), 1, f"box {asked.numbered[winner]}")
    return attribute(detector, canvas, pair[[0]], setting.methods[0], setting.layer, versus, setting.seed, tape)[0]


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
