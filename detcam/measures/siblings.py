"""The rows that say the same object as a detection: which of them survived, and which were suppressed."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from detcam.attribution.task import keys_of
from detcam.detectors.detections import Detections
from detcam.detectors.prediction import Prediction
from detcam.imaging.boxes import iou

SIBLING_IOU = 0.5  # a row of the same object: it overlaps the detection by more than this
SIBLING_SCORE = 0.05  # and its own score of the same label is higher than this


@dataclass(frozen=True)
class Siblings:
    """The other rows of a detection's label on the same place.

    Attributes:
        rows: ``[K]``, the surest first.
        scores: ``[K]``.
        overlap: ``[K]`` IoU with the detection's own row.
        survived: the indices, among the photograph's detections, of those that are detections too.
    """

    rows: NDArray[np.int64]
    scores: NDArray[np.float64]
    overlap: NDArray[np.float64]
    survived: tuple[int, ...]

    @property
    def suppressed(self) -> int:
        """How many are no detections."""
        return len(self.rows) - len(self.survived)


def siblings_of(prediction: Prediction, found: Detections, index: int) -> Siblings:
    """The siblings of one detection.

    Args:
        prediction: of the photograph.
        found: all its detections.
        index: which of them.
    """
    row, label = keys_of(found)[index]
    rows, overlap, scores = sibling_rows(prediction, row, label)
    others = rows != row
    rows, overlap, scores = rows[others], overlap[others], scores[others]
    order = np.argsort(-scores, kind="stable")
    known = {key: place for place, key in enumerate(keys_of(found))}
    survived = tuple(known[int(each), label] for each in rows[order] if (int(each), label) in known)
    return Siblings(rows[order], scores[order], overlap[order], survived)


def sibling_rows(prediction: Prediction, row: int, label: int
                 ) -> tuple[NDArray[np.int64], NDArray[np.float64], NDArray[np.float64]]:
    """The rows of a label on the same place, the row itself among them if its score is not too low: rows ``[K]``, their
    IoU with the row, and their scores."""
    scores = prediction.scores_of(label)[0].cpu().double().numpy()
    rows = np.flatnonzero(scores > SIBLING_SCORE)
    boxes = prediction.boxes[0].cpu().double().numpy()
    overlap = iou(boxes[row][None], boxes[rows])[0]
    near = overlap > SIBLING_IOU
    return rows[near], overlap[near].astype(np.float64), scores[rows[near]]
