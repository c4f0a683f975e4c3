"""What is wrong with each detection: the six error types of TIDE (Bolya et al. 2020, section 2.2)."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from detcam.datasets.ground_truth import GroundTruth
from detcam.datasets.matching import MIN_IOU, UNMATCHED, match_by_class
from detcam.errors import InputError
from detcam.imaging.boxes import iou

Array = NDArray[np.float64]

BACKGROUND_IOU = 0.1  # TIDE: what overlaps no true box by more is not about any of them


@dataclass(frozen=True)
class ErrorType:
    """What may be said of a detection or of a true box that none found: a name, a letter for it, and a sentence."""

    name: str
    letter: str
    sentence: str


CLASSIFICATION = ErrorType("classification", "C", "It lies well on a true object, but gives it the wrong class.")
LOCALIZATION = ErrorType("localization", "L", "It is about a true object of its class, but its edges are too far off.")
BOTH = ErrorType("both", "B", "It is about a true object, but its class is wrong and its edges are too far off.")
DUPLICATE = ErrorType("duplicate", "D", "It lies well on a true object that another detection had already found.")
BACKGROUND = ErrorType("background", "G", "There is no true object where it says there is one.")
MISSED = ErrorType("missed", "M", "No detection found this true object.")
CORRECT = ErrorType("correct", "ok", "It found a true object of its class.")
IGNORED = ErrorType("ignored", "", "It is in a crowd or on a difficult object of its class, and counts neither way.")

ERRORS = (CLASSIFICATION, LOCALIZATION, BOTH, DUPLICATE, BACKGROUND, MISSED)
TYPES = {each.name: each for each in (*ERRORS, CORRECT, IGNORED)}
"""Name to type, the six errors first."""


@dataclass(frozen=True)
class ErrorAssignment:
    """What became of ``N`` detections and of the true boxes of one photograph.

    Attributes:
        types: ``[N]`` names of :data:`TYPES`.
        truth: ``[N]`` index of the true box that each detection is compared with: the one it found; for a localization
            error the one of its class with the highest overlap, for a classification error and for both the one of
            another class, for a duplicate the one of its class that another found; -1 for the others.
        overlap: ``[N]`` IoU with that true box; 0 where there is none.
        missed: ``[K]`` indices of the true boxes that no detection found, crowds and difficult ones aside.
        excused: ``[K]`` True where TIDE does not count the box as missed: a classification or localization error is
            about it, and setting that right would find it.
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
    """The error type of each detection on one photograph, and the true boxes that were missed.

    A detection that found no true box is tested as TIDE's own code does, the first that holds decides:

    1. localization: its highest overlap with a box of its class is from ``background_iou`` to ``min_iou``;
    2. classification: it overlaps a box of another class by ``min_iou``;
    3. duplicate: it overlaps a box of its class by ``min_iou`` that another detection found;
    4. background: it overlaps no box by more than ``background_iou``;
    5. both: anything else, so less than ``min_iou`` over a box of another class.

    Crowds and difficult objects are left out of these comparisons, and so are the detections in them ("ignored"); TIDE
    tests ignored detections too, though it takes them out of the average precision.

    Args:
        boxes: ``[N, 4]`` xyxy, source pixels.
        scores: ``[N]``.
        class_names: ``N`` words, the same as the annotations use.
        truth: the photograph's true boxes, of every class that is to count.
        min_iou: the least overlap of a detection that found a true box.
        background_iou: the most that one overlaps a true box that it is not about.

    Raises:
        InputError: not ``0 <= background_iou < min_iou <= 1``, or not one score and one class name a box.
    """
    _check(len(boxes), len(scores), len(class_names), min_iou, background_iou)
    found = match_by_class(boxes, scores, class_names, truth, min_iou)
    counting = np.flatnonzero(~truth.crowd & ~truth.difficult)
    overlap = iou(boxes, truth.boxes[counting])
    names = np.array([truth.class_names[k] for k in counting], dtype=object)
    taken = np.isin(counting, found)
    types, about, overlaps = [], np.full(len(boxes), -1, dtype=np.int64), np.zeros(len(boxes))
    for index, hit in enumerate(found):
        if hit >= 0:
            kind, column = CORRECT, int(np.searchsorted(counting, hit))
        elif hit != UNMATCHED:
            kind, column = IGNORED, -1
        else:
            kind, column = _error(overlap[index], names == class_names[index], taken, min_iou, background_iou)
        types.append(kind.name)
        if column >= 0:
            about[index], overlaps[index] = counting[column], overlap[index, column]
    missed = counting[~taken]
    mendable = np.isin(types, [CLASSIFICATION.name, LOCALIZATION.name])
    return ErrorAssignment(tuple(types), about, overlaps, missed, np.isin(missed, about[mendable]))


def _check(boxes: int, scores: int, class_names: int, min_iou: float, background_iou: float) -> None:
    if not 0 <= background_iou < min_iou <= 1:
        raise InputError(f"expected 0 <= background_iou < min_iou <= 1, got {background_iou:g} and {min_iou:g}")
    if not boxes == scores == class_names:
        raise InputError(f"expected one score and one class name a box, got {boxes} boxes, {scores} scores and "
                         f"{class_names} class names")


def _error(overlap: NDArray[np.floating], same: NDArray[np.bool_], taken: NDArray[np.bool_], min_iou: float,
           background_iou: float) -> tuple[ErrorType, int]:
    """The error of an unmatched detection and the true box that it is about, or -1.

    Args:
        overlap: ``[K]`` its IoU with each true box.
        same: ``[K]`` True where that box has its class.
        taken: ``[K]`` True where another detection found that box.
        min_iou, background_iou: as :func:`classify_errors` takes them.
    """
    if not len(overlap):
        return BACKGROUND, -1
    own, other, found = (np.where(where, overlap, -1) for where in (same, ~same, same & taken))
    if background_iou <= own.max() <= min_iou:
        return LOCALIZATION, int(own.argmax())
    if other.max() >= min_iou:
        return CLASSIFICATION, int(other.argmax())
    if found.max() >= min_iou:
        return DUPLICATE, int(found.argmax())
    if overlap.max() <= background_iou:
        return BACKGROUND, -1
    return BOTH, int(other.argmax())
