"""The error type of each detection: the six types of TIDE (Bolya et al. 2020, section 2.2)."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from detcam.datasets.ground_truth import GroundTruth
from detcam.datasets.matching import MIN_IOU, UNMATCHED, match_by_class
from detcam.errors import InputError
from detcam.imaging.boxes import iou

Array = NDArray[np.float64]

BACKGROUND_IOU = 0.1  # TIDE: a detection is not about a true box that it overlaps by less


@dataclass(frozen=True)
class ErrorType:
    """The type of a detection, or of a true box that no detection found.

    Attributes:
        name: in words, such as ``"localization"``.
        short_name: TIDE's, such as ``"Loc"``; ``"ok"`` for a correct detection, empty for an ignored one.
        sentence: what the type means.
    """

    name: str
    short_name: str
    sentence: str


CLASSIFICATION = ErrorType("classification", "Cls", "It fits a true object but has the wrong class.")
LOCALIZATION = ErrorType("localization", "Loc", "It lies on a true object of its class, but its edges are too far off.")
BOTH = ErrorType("both", "Both", "It lies on a true object, but its class is wrong and its edges are too far off.")
DUPLICATE = ErrorType("duplicate", "Dupe", "It fits a true object that another detection already found.")
BACKGROUND = ErrorType("background", "Bkg", "It lies on no true object.")
MISSED = ErrorType("missed", "Miss", "No detection found this true object.")
CORRECT = ErrorType("correct", "ok", "It found a true object of its class.")
IGNORED = ErrorType("ignored", "", "It lies in a crowd or on a difficult object of its class, and does not count.")

ERRORS = (CLASSIFICATION, LOCALIZATION, BOTH, DUPLICATE, BACKGROUND, MISSED)
TYPES = {kind.name: kind for kind in (*ERRORS, CORRECT, IGNORED)}
"""Name to type, the six errors first."""


def type_words(name: str) -> str:
    """A detection's type in a caption, by its name: ``"localization error"`` for ``"localization"``."""
    if name == BOTH.name:
        return "classification and localization error"
    return f"{name} error" if TYPES[name] in ERRORS else name


@dataclass(frozen=True)
class ErrorAssignment:
    """The types of ``N`` detections, and the missed true boxes, of one photograph.

    Attributes:
        types: ``[N]`` names of :data:`TYPES`.
        truth: ``[N]`` index of the true box that each detection is compared with: of a correct one the box it found; of
            a localization error the box of its class with the highest IoU; of a classification error, and of both, the
            box of another class with the highest IoU; of a duplicate the found box of its class with the highest IoU;
            -1 for the others.
        overlap: ``[N]`` IoU with that true box; 0 where there is none.
        missed: ``[K]`` indices of the true boxes that no detection found; without crowds and difficult ones.
        counted_elsewhere: ``[K]`` True where TIDE does not count the box as missed: a classification or localization
            error is compared with it, and correcting that would find it.
    """

    types: tuple[str, ...]
    truth: NDArray[np.int64]
    overlap: Array
    missed: NDArray[np.int64]
    counted_elsewhere: NDArray[np.bool_]

    def counts(self) -> dict[str, int]:
        """How often each name of :data:`TYPES` occurs, as TIDE counts: of the missed those counted nowhere else."""
        return {name: self.types.count(name) for name in TYPES} | {MISSED.name: int((~self.counted_elsewhere).sum())}


def classify_errors(boxes: NDArray[np.floating], scores: NDArray[np.floating], class_names: Sequence[str],
                    truth: GroundTruth, min_iou: float = MIN_IOU, background_iou: float = BACKGROUND_IOU
                    ) -> ErrorAssignment:
    """The error type of each detection on one photograph, and the missed true boxes.

    A detection that found no true box is tested in the order of TIDE's own code; the first test that holds decides:

    1. localization: its highest IoU with a box of its class is from ``background_iou`` to ``min_iou``;
    2. classification: its IoU with a box of another class is at least ``min_iou``;
    3. duplicate: its IoU with a box of its class that another detection found is at least ``min_iou``;
    4. background: its IoU with every box is at most ``background_iou``;
    5. both: anything else, so an IoU below ``min_iou`` with a box of another class.

    Crowds and difficult objects are left out of these comparisons, and so are the detections on them ("ignored"); TIDE
    tests ignored detections, too, though it takes them out of the average precision.

    Args:
        boxes: ``[N, 4]`` xyxy, source pixels.
        scores: ``[N]`` from 0 to 1.
        class_names: ``N`` class names, as the annotations spell them.
        truth: the photograph's true boxes, of every class that is to count.
        min_iou: the lowest IoU of a detection with the true box that it found.
        background_iou: the highest IoU of a detection with a true box that it is not about.

    Raises:
        InputError: not ``0 <= background_iou < min_iou <= 1``, or not one score and one class name a box.
    """
    _check(len(boxes), len(scores), len(class_names), min_iou, background_iou)
    matches = match_by_class(boxes, scores, class_names, truth, min_iou)
    counting = np.flatnonzero(~truth.crowd & ~truth.difficult)
    overlap = iou(boxes, truth.boxes[counting])
    names = np.array([truth.class_names[k] for k in counting], dtype=object)
    found = np.isin(counting, matches)
    types, compared, overlaps = [], np.full(len(boxes), -1, dtype=np.int64), np.zeros(len(boxes))
    for i, match in enumerate(matches):
        if match >= 0:
            kind, column = CORRECT, int(np.searchsorted(counting, match))
        elif match != UNMATCHED:
            kind, column = IGNORED, -1
        else:
            kind, column = _error(overlap[i], names == class_names[i], found, min_iou, background_iou)
        types.append(kind.name)
        if column >= 0:
            compared[i], overlaps[i] = counting[column], overlap[i, column]
    missed = counting[~found]
    correctable = np.isin(types, [CLASSIFICATION.name, LOCALIZATION.name])
    return ErrorAssignment(tuple(types), compared, overlaps, missed, np.isin(missed, compared[correctable]))


def _check(boxes: int, scores: int, class_names: int, min_iou: float, background_iou: float) -> None:
    if not 0 <= background_iou < min_iou <= 1:
        raise InputError(f"expected 0 <= background_iou < min_iou <= 1, got {background_iou:g} and {min_iou:g}")
    if not boxes == scores == class_names:
        raise InputError(f"expected one score and one class name a box, got {boxes} boxes, {scores} scores and "
                         f"{class_names} class names")


def _error(overlap: NDArray[np.floating], same: NDArray[np.bool_], found: NDArray[np.bool_], min_iou: float,
           background_iou: float) -> tuple[ErrorType, int]:
    """The error of an unmatched detection, and the index of the true box that it is about, or -1.

    Args:
        overlap: ``[K]`` its IoU with each true box.
        same: ``[K]`` True where that box has its class.
        found: ``[K]`` True where another detection found that box.
        min_iou: the lowest IoU of a detection with the true box that it found.
        background_iou: the highest IoU of a detection with a true box that it is not about.
    """
    if not len(overlap):
        return BACKGROUND, -1
    of_class, of_others, of_found = (np.where(where, overlap, -1) for where in (same, ~same, same & found))
    if background_iou <= of_class.max() <= min_iou:
        return LOCALIZATION, int(of_class.argmax())
    if of_others.max() >= min_iou:
        return CLASSIFICATION, int(of_others.argmax())
    if of_found.max() >= min_iou:
        return DUPLICATE, int(of_found.argmax())
    if overlap.max() <= background_iou:
        return BACKGROUND, -1
    return BOTH, int(of_others.argmax())
