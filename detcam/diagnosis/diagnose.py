"""diagnose(): from one photograph and its true boxes to what is wrong with each box, and where the detector looked."""

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
from detcam.diagnosis.classes import names_of_classes
from detcam.diagnosis.diagnosis_data import MissedObject
from detcam.diagnosis.error_types import CORRECT, DUPLICATE, LOCALIZATION
from detcam.diagnosis.interventions.edge_probe import edge_probe
from detcam.diagnosis.interventions.intervention import FILL, Probe, run_probes
from detcam.diagnosis.interventions.shortcut_probes import shortcut_probes
from detcam.diagnosis.photograph_errors import PhotographErrors, errors_of_photograph
from detcam.diagnosis.result import Diagnosis
from detcam.explanations.build import Traced, explained_by, trace
from detcam.explanations.explanation import Explanation
from detcam.explanations.settings import Setting, setting_of
from detcam.imaging.boxes import EDGES, edge_lengths, outward
from detcam.imaging.image import Image, load_image
from detcam.measures.reference import SOUND, Reference
from detcam.verdicts.search import BestRows

HAS_TRUE_BOX = (CORRECT.name, LOCALIZATION.name, DUPLICATE.name)  # types that have a true box of their own class


def diagnose(detector: Detector, image: Any, truth: GroundTruth, *, classes: str | Sequence[str | int] | None = None,
             annotated: Sequence[str] | None = None, method: Any = None, layer: str | Sequence[str] = DEPTH,
             min_score: float | None = None, edges: bool = True, edge_layer: str | None = None,
             reference: Reference | None = None, differences: bool = True, intervene: bool = False, fill: str = FILL,
             seed: int = 0) -> Diagnosis:
    """What is wrong with each detection of one photograph, and where the detector looked for it.

    Args:
        detector: from :func:`detcam.load`.
        image: the photograph: a path, PIL image, RGB array ``[H, W, 3]`` uint8, or tensor ``[3, H, W]``.
        truth: the photograph's true boxes, xyxy source pixels.
        classes: the classes in question, names or indices; a bare name is one class. None for all that the detector
            and the annotations know.
        annotated: the classes that were annotated; detections of other classes are left out. None for those of
            ``truth`` and ``classes``.
        method: a name, a :class:`detcam.Method`, a function ``(activations, gradients) -> [h, w]``, or a list of
            those; None is ``"hirescam"``, and ``"drise"`` for a plain callable. Numbers are measured on the heatmaps of
            the first one.
        layer: ``"depth"`` (the box's own level fused with shallower layers), ``"auto"`` (the box's own level), a
            layer's name, or a list of names to fuse.
        min_score: detections with a score above this, from 0 to 1; None is the detector's own.
        edges: measure the evidence on each edge and what moves it outward, if the boxes have edges to explain.
        edge_layer: the layer at which the evidence on the edges is measured; None for the default one.
        reference: the evidence on the edges of accurate boxes, to rank by; None for the one shipped for these weights.
        differences: for missed objects, also compute the heatmap of the best row's score minus its rival's.
        intervene: occlude what looks like a shortcut, and what moves a misplaced edge outward, and read the same raw
            row again, beside control occlusions (:mod:`detcam.diagnosis.interventions.shortcut_probes` and
            :mod:`detcam.diagnosis.interventions.edge_probe`). About a dozen forward passes a box.
        fill: what an occluded region is filled with: a name of :data:`detcam.diagnosis.interventions.fills.FILLS`.
        seed: of all random draws.

    Raises:
        InputError: an argument, image, layer, method or class is not what was expected.
        MismatchError: the adapter selects other detections than the model itself.
    """
    setting = setting_of(detector, method, layer, "logit", min_score, edges, edges and detector.has_edges, edge_layer,
                         reference, seed)
    return diagnose_together(detector, [load_image(image)], [truth], setting,
                             classes=None if classes is None else names_of_classes(detector, classes),
                             annotated=annotated, differences=differences, intervene=intervene, fill=fill)[0]


def diagnose_together(detector: Detector, photos: Sequence[Image], truths: Sequence[GroundTruth], setting: Setting, *,
                      classes: Sequence[str] | None = None, annotated: Sequence[str] | None = None,
                      differences: bool = True, intervene: bool = False, fill: str = FILL) -> list[Diagnosis]:
    """:func:`diagnose` of several photographs, from one forward pass of all of them.

    Args:
        detector: from :func:`detcam.load`.
        photos: photographs whose canvases have one size; more than one only where :meth:`Setting.together` allows it.
        truths: the true boxes of each photograph, xyxy source pixels.
        setting: the methods, layers and targets for every row.
        classes: the classes in question; None for all that both the detector and the annotations know.
        annotated: the classes that were annotated; detections of other classes are left out. None for those of the
            photograph and ``classes``.
        differences: for missed objects, also compute the heatmap of the best row's score minus its rival's.
        intervene: occlude suspicious regions and read the same raw rows again.
        fill: what an occluded region is filled with.

    Returns:
        A diagnosis a photograph, in their order.
    """
    canvas = Canvas.together([detector.canvas(photo) for photo in photos])
    with setting.tape(detector, canvas) as tape:
        all_errors = [
            errors_of_photograph(detector, photo, truth, canvas.of_image(i), tape.prediction.of_image(i),
                                 setting.min_score, classes, annotated)
            for i, (photo, truth) in enumerate(zip(photos, truths, strict=True))]
        rows = [errors.rows for errors in all_errors]
        traced = trace(detector, tape, canvas, rows, setting, setting.target)
        versus = [_differences(detector, tape, canvas, all_errors, i, setting) if differences else {}
                  for i in range(len(all_errors))]
    return [_diagnosis(detector, errors, maps, setting, heatmaps, intervene, fill)
            for errors, maps, heatmaps in zip(all_errors, traced, versus, strict=True)]


def _differences(detector: Detector, tape: Tape, canvas: Canvas, all_errors: Sequence[PhotographErrors], i: int,
                 setting: Setting) -> dict[int, Heatmap]:
    """Heatmaps of a best row's score minus its rival's in photograph ``i``, by the row's index in ``best_rows``."""
    best = all_errors[i].best_rows
    heatmaps = {}
    for row, rival in _rows_and_rivals(best):
        if best is None or rival is None:
            continue
        pair = best.detections[[row, rival]]
        versus = difference(setting.target, keys_of(pair)[1], f"box {best.numbered[rival]}")
        alone = [pair[[0]] if errors is all_errors[i] else errors.rows[:0] for errors in all_errors]
        heatmaps[row] = attribute(detector, canvas, alone, setting.methods[0], setting.layer, versus, setting.seed,
                                  tape)[i][0]
    return heatmaps


def _rows_and_rivals(best: BestRows | None) -> list[tuple[int, int | None]]:
    """For each missed object the indices in ``best`` of its best row and of that row's rival."""
    if best is None:
        return []
    keys, pairs = keys_of(best.detections), []
    for row, verdict in enumerate(best.verdicts):
        if verdict is not None:
            rivals = [reason.rival for reason in verdict.reasons if reason.rival is not None]
            pairs.append((row, keys.index((rivals[0].row, rivals[0].label)) if rivals else None))
    return pairs


def _diagnosis(detector: Detector, errors: PhotographErrors, traced: Traced, setting: Setting,
               differences: dict[int, Heatmap], intervene: bool, fill: str) -> Diagnosis:
    """The diagnosis of a photograph whose rows were back-propagated."""
    detections, evaluated, truth, best = errors.detections, errors.evaluated, errors.truth, errors.best_rows
    assignment = errors.assignment
    boxes = explained_by(traced[np.arange(len(evaluated))], detector, errors.canvas, errors.photo, setting,
                         detections[evaluated], [int(i) + 1 for i in evaluated], len(detections), None,
                         np.delete(detections.boxes, evaluated, 0))
    best_rows = None if best is None else explained_by(
        traced[errors.best_row_indices], detector, errors.canvas, errors.photo, setting, best.detections,
        best.numbered, len(detections), best)
    cells = Cells(truth)
    has_true_box = np.isin([assignment.types[i] for i in evaluated], HAS_TRUE_BOX)
    true = np.where(has_true_box, assignment.truth[evaluated], -1)
    outside = np.full((len(evaluated), 4), np.nan)
    outside[true >= 0] = outward(detections.boxes[evaluated][true >= 0], truth.boxes[true[true >= 0]])
    probes = _probes(boxes, truth, true, outside, setting.seed) if intervene else None
    answers = None if probes is None else tuple(
        tuple(box) for box in run_probes(detector, errors.canvas, detections[evaluated], probes, fill))
    return Diagnosis(
        errors.photo, truth, errors.classes, detections, assignment, boxes, evaluated, outside,
        leakage(boxes.maps[0].heatmaps, cells), _pulls(boxes, truth, true, cells), errors.siblings,
        _shortcuts(boxes, truth, true), answers, _missed(errors, differences), best_rows)


def _missed(errors: PhotographErrors, differences: dict[int, Heatmap]) -> tuple[MissedObject, ...]:
    """What became of each object in question that no detection found."""
    assignment, best = errors.assignment, errors.best_rows
    elsewhere = dict(zip(assignment.missed.tolist(), assignment.counted_elsewhere.tolist(), strict=True))
    if best is None:
        return tuple(MissedObject(k, elsewhere[k], None) for k in errors.missed)
    return tuple(MissedObject(k, elsewhere[k], best.verdicts[row], row, rival, differences.get(row))
                 for k, (row, rival) in zip(errors.missed, _rows_and_rivals(best), strict=True))


def _pulls(boxes: Explanation, truth: GroundTruth, true: NDArray[np.int64], cells: Cells
           ) -> tuple[tuple[Pull, ...] | None, ...]:
    """Where the evidence lies that moves each edge outward; None for a box without a true box, ``true`` -1."""
    pulls: list[tuple[Pull, ...] | None] = []
    for i, k in enumerate(true.tolist()):
        maps = None if boxes.edges is None or boxes.edges.maps is None or k < 0 else boxes.edges.maps[i]
        pulls.append(None if maps is None else tuple(
            pull_of(heatmap, edge, truth.boxes[k], cells.of(heatmap)[k])
            for edge, heatmap in zip(EDGES, maps, strict=True)))
    return tuple(pulls)


def _shortcuts(boxes: Explanation, truth: GroundTruth, true: NDArray[np.int64]) -> tuple[Shortcuts, ...]:
    """The shortcut patterns of each box's heatmap, relative to its true object where it has one."""
    patterns = []
    for i, k in enumerate(true.tolist()):
        mask = truth.masks[k] if k >= 0 and truth.masks else None
        patterns.append(shortcuts(
            boxes.maps[0].heatmaps[i], boxes.detections.boxes[i], _others(truth, k),
            None if mask is None else mask.decode(), None if k < 0 else truth.boxes[k]))
    return tuple(patterns)


def _others(truth: GroundTruth, k: int) -> NDArray[np.float64]:
    """The true boxes ``[M, 4]`` without the ``k``-th; all of them for -1."""
    return truth.boxes if k < 0 else np.delete(truth.boxes, k, 0)


def _probes(boxes: Explanation, truth: GroundTruth, true: NDArray[np.int64], outside: NDArray[np.float64], seed: int
            ) -> list[list[Probe]]:
    """For each box the regions to occlude: where its heat is suspicious, and what moves its worst edge outward."""
    probes = []
    for i, k in enumerate(true.tolist()):
        box, others = boxes.detections.boxes[i], _others(truth, k)
        of_box = shortcut_probes(boxes.maps[0].heatmaps[i], box, others, None if k < 0 else truth.boxes[k], seed=seed)
        if k >= 0 and boxes.edges is not None and boxes.edges.maps is not None:
            shares = outside[i] / edge_lengths(truth.boxes[k]).clip(1)
            worst = int(np.abs(shares).argmax())
            probe = edge_probe(boxes.edges.maps[i][worst], EDGES[worst], box, truth.boxes[k], others,
                               seed=seed) if shares[worst] > SOUND else None
            of_box += [] if probe is None else [probe]
        probes.append(of_box)
    return probes
