"""What a detector detects on one photograph, compared with the true boxes, before anything is back-propagated."""

from collections.abc import Sequence
from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

from detcam.attribution.task import keys_of
from detcam.datasets.ground_truth import GroundTruth
from detcam.detectors.base import Detector
from detcam.detectors.canvas import Canvas
from detcam.detectors.detections import Detections
from detcam.detectors.prediction import Prediction
from detcam.diagnosis.error_types import BOTH, CLASSIFICATION, ErrorAssignment, classify_errors
from detcam.errors import DetectorError, InputError
from detcam.explanations.build import numbered_detections
from detcam.imaging.image import Image
from detcam.measures.siblings import Siblings, siblings_of
from detcam.verdicts.place import Place
from detcam.verdicts.search import BestRows, best_rows

WRONG_CLASS = (CLASSIFICATION.name, BOTH.name)  # types of detections that lie on an object of another class


@dataclass(frozen=True)
class PhotographErrors:
    """One photograph: its detections with their error types, and the best raw rows for its missed objects.

    Attributes:
        photo: the photograph.
        truth: its true boxes.
        canvas: the model's input, of this photograph alone.
        classes: the classes in question.
        detections: every detection of an annotated class, best score first.
        assignment: the error type of each of ``detections``.
        evaluated: ``[N]`` indices of the detections in question.
        siblings: for each of those, the raw rows that detect the same object.
        missed: indices into ``truth`` of the objects in question that no detection found.
        best_rows: for each of those, the raw row that fits it best; None if nothing was missed, or if this family's
            box selection is not known step by step.
        rows: all rows to explain, none twice: those in question first, then the others of ``best_rows``.
        best_row_indices: ``[B]`` the index in ``rows`` of each row of ``best_rows``.
    """

    photo: Image
    truth: GroundTruth
    canvas: Canvas
    classes: tuple[str, ...]
    detections: Detections
    assignment: ErrorAssignment
    evaluated: NDArray[np.int64]
    siblings: tuple[Siblings, ...]
    missed: tuple[int, ...]
    best_rows: BestRows | None
    rows: Detections
    best_row_indices: NDArray[np.int64]


def errors_of_photograph(detector: Detector, photo: Image, truth: GroundTruth, canvas: Canvas, prediction: Prediction,
                         min_score: float, classes: Sequence[str] | None, annotated: Sequence[str] | None
                         ) -> PhotographErrors:
    """Assign an error type to each detection of a photograph, and find the best raw row for each missed object.

    Args:
        detector: what made the detections.
        photo: the photograph.
        truth: its true boxes.
        canvas: the model's input, of this photograph alone.
        prediction: the detector's raw prediction for that canvas.
        min_score: the score threshold, from 0 to 1.
        classes: the classes in question; None for all that both the detector and the annotations know.
        annotated: the classes that were annotated; detections of other classes are left out. None for those of
            ``truth`` and ``classes``.

    Raises:
        InputError: the detector and the annotations share no class.
        MismatchError: the adapter selects other detections than the model itself.
    """
    shared, asked_classes = _classes(detector, truth, classes, annotated)
    detector.check(photo, prediction, canvas)
    detections = numbered_detections(detector.select(prediction, canvas, min_score)[0], detector.labels_of(shared))
    names = [detector.class_names[label] for label in detections.labels.tolist()]
    assignment = classify_errors(detections.boxes, detections.scores, names, truth)
    evaluated = _evaluated(detector, detections, assignment, truth, asked_classes)
    missed = tuple(k for k in assignment.missed.tolist() if truth.class_names[k] in asked_classes)
    best = _best_rows(detector, photo, truth, canvas, prediction, detections, missed, min_score)
    rows, indices = _without_repeats(detections[evaluated], None if best is None else best.detections)
    siblings = tuple(siblings_of(prediction, detections, int(i)) for i in evaluated)
    return PhotographErrors(photo, truth, canvas, tuple(asked_classes), detections, assignment, evaluated, siblings,
                            missed, best, rows, indices)


def _classes(detector: Detector, truth: GroundTruth, classes: Sequence[str] | None, annotated: Sequence[str] | None
             ) -> tuple[list[str], list[str]]:
    """The class names that detector and annotations share, and those in question.

    Raises:
        InputError: they share none.
    """
    if classes is not None:
        classes = [detector.class_names[label] for label in detector.labels_of(classes)]
    known = dict.fromkeys([*(annotated or truth.class_names), *(classes or ())])
    shared = [name for name in known if name in detector.class_names.values()]
    if not shared:
        raise InputError(f"{truth.file}: its true boxes are of {', '.join(known) or 'no class'}, and {detector.name} "
                         "knows none of these: name the classes in question")
    return shared, shared if classes is None else list(classes)


def _evaluated(detector: Detector, detections: Detections, assignment: ErrorAssignment, truth: GroundTruth,
               classes: Sequence[str]) -> NDArray[np.int64]:
    """Indices of the detections in question: those of some classes, and those of another class on their objects."""
    of_class = np.isin(detections.labels, detector.labels_of(classes))
    wrong_class = [kind in WRONG_CLASS and truth.class_names[k] in classes
                   for kind, k in zip(assignment.types, assignment.truth.tolist(), strict=True)]
    return np.flatnonzero(of_class | np.array(wrong_class, bool))


def _best_rows(detector: Detector, photo: Image, truth: GroundTruth, canvas: Canvas, prediction: Prediction,
               detections: Detections, missed: Sequence[int], min_score: float) -> BestRows | None:
    """The best rows for missed objects; None where the family's box selection is not known step by step."""
    if not missed:
        return None
    boxes = truth.boxes.clip(0, [photo.width, photo.height] * 2)  # as the box of a user's question
    places = [Place(box=tuple(boxes[k].tolist()), label=detector.labels_of([truth.class_names[k]])[0]) for k in missed]
    try:
        return best_rows(detector, prediction, canvas, photo, places, detections, min_score)
    except DetectorError:
        return None


def _without_repeats(first: Detections, more: Detections | None) -> tuple[Detections, NDArray[np.int64]]:
    """``first`` and those of ``more`` that are not among them, and the index there of each of ``more``."""
    if more is None:
        return first, np.zeros(0, np.int64)
    indices = {key: i for i, key in enumerate(keys_of(first))}
    new = []
    for i, key in enumerate(keys_of(more)):
        if key not in indices:  # nor twice among ``more``: one row may be the best for two objects
            indices[key] = len(indices)
            new.append(i)
    rows = Detections(**{field.name: np.concatenate([getattr(first, field.name), getattr(more, field.name)[new]])
                         for field in fields(Detections)})
    return rows, np.array([indices[key] for key in keys_of(more)], np.int64)
