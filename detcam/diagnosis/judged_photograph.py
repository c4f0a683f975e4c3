"""What a detector says about a photograph, judged by its true boxes, before anything is back-propagated."""

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
from detcam.verdicts.search import Asked, ask

MISTAKEN = (CLASSIFICATION.name, BOTH.name)  # types of detections that stand on an object of another class


@dataclass(frozen=True)
class Reading:
    """One photograph: its detections, judged, and the rows that its missed objects were lost at.

    Attributes:
        photo: the photograph.
        truth: its true boxes.
        canvas: the photograph alone.
        wanted: the classes in question.
        found: every detection of an annotated class, best score first.
        judged: of all of ``found``.
        index: ``[N]`` those in question.
        siblings: of each of those the rows on the same place.
        missed: the true objects in question that no detection found, by their places in ``truth``.
        asked: the rows that speak for those; None without any, or where nobody can say.
        rows: all rows that are to be explained, each once: those in question, then the others of ``asked``.
        places: where each row of ``asked`` is among ``rows``.
    """

    photo: Image
    truth: GroundTruth
    canvas: Canvas
    wanted: tuple[str, ...]
    found: Detections
    assignment: ErrorAssignment
    index: NDArray[np.int64]
    siblings: tuple[Siblings, ...]
    missed: tuple[int, ...]
    asked: Asked | None
    rows: Detections
    places: NDArray[np.int64]


def read(detector: Detector, photo: Image, truth: GroundTruth, canvas: Canvas, prediction: Prediction,
         min_score: float, classes: Sequence[str] | None, annotated: Sequence[str] | None) -> Reading:
    """Judge the detections of a photograph, and find out where its missed objects were lost.

    Args:
        detector: whose detections they are.
        photo: the photograph.
        truth: its true boxes.
        canvas: the photograph alone.
        prediction: what the detector says about it alone.
        min_score: the threshold.
        classes, annotated: as :func:`detcam.diagnose` takes them.

    Raises:
        InputError: no class is known to both sides.
        MismatchError: the model's own detections are not the ones the adapter selects.
    """
    words, wanted = _classes(detector, truth, classes, annotated)
    detector.check(photo, prediction, canvas)
    found = numbered_detections(detector.select(prediction, canvas, min_score)[0], detector.labels_of(words))
    names = [detector.class_names[label] for label in found.labels.tolist()]
    assignment = classify_errors(found.boxes, found.scores, names, truth)
    index = _in_question(detector, found, assignment, truth, wanted)
    missed = tuple(each for each in assignment.missed.tolist() if truth.class_names[each] in wanted)
    asked = _asked(detector, photo, truth, canvas, prediction, found, missed, min_score)
    rows, places = _each_once(found[index], None if asked is None else asked.detections)
    siblings = tuple(siblings_of(prediction, found, int(each)) for each in index)
    return Reading(photo, truth, canvas, tuple(wanted), found, assignment, index, siblings, missed, asked, rows, places)


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


def _in_question(detector: Detector, found: Detections, assignment: ErrorAssignment, truth: GroundTruth,
                 classes: Sequence[str]) -> NDArray[np.int64]:
    """The detections of some classes, and those that stand on their objects under another name."""
    own = np.isin(found.labels, detector.labels_of(classes))
    mistaken = [kind in MISTAKEN and truth.class_names[on] in classes
                for kind, on in zip(assignment.types, assignment.truth.tolist(), strict=True)]
    return np.flatnonzero(own | np.array(mistaken, bool))


def _asked(detector: Detector, photo: Image, truth: GroundTruth, canvas: Canvas, prediction: Prediction,
           found: Detections, missed: Sequence[int], min_score: float) -> Asked | None:
    """The rows that speak for missed objects; None where the family's selection is not known step by step."""
    if not missed:
        return None
    inside = truth.boxes.clip(0, [photo.width, photo.height] * 2)  # as a box is that a user asks about
    places = [Place(box=tuple(inside[each].tolist()), label=detector.labels_of([truth.class_names[each]])[0])
              for each in missed]
    try:
        return ask(detector, prediction, canvas, photo, places, found, min_score)
    except DetectorError:
        return None


def _each_once(first: Detections, more: Detections | None) -> tuple[Detections, NDArray[np.int64]]:
    """Rows and those of others that are not among them, and where each of the others is."""
    if more is None:
        return first, np.zeros(0, np.int64)
    known = {key: place for place, key in enumerate(keys_of(first))}
    new = []
    for order, key in enumerate(keys_of(more)):
        if key not in known:  # nor twice among the others: two objects may be lost at one row
            known[key] = len(known)
            new.append(order)
    rows = Detections(**{field.name: np.concatenate([getattr(first, field.name), getattr(more, field.name)[new]])
                         for field in fields(Detections)})
    return rows, np.array([known[key] for key in keys_of(more)], np.int64)
