"""A detection's siblings: the other rows of the raw prediction that predict the same object."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from detcam.attribution.task import keys_of
from detcam.detectors.detections import Detections
from detcam.detectors.prediction import Prediction
from detcam.imaging.boxes import iou

SIBLING_IOU = 0.5  # a sibling overlaps the detection with more than this IoU
SIBLING_SCORE = 0.05  # and has more than this score for the same label


@dataclass(frozen=True)
class Siblings:
    """The other rows that predict a detection's label in the same place.

    Attributes:
        rows: ``[K]`` row indices in the raw prediction, highest score first.
        scores: ``[K]`` their scores for the label.
        overlap: ``[K]`` IoU of their boxes with the detection's.
        survived: those that are detections themselves: their indices among the photograph's detections.
    """

    rows: NDArray[np.int64]
    scores: NDArray[np.float64]
    overlap: NDArray[np.float64]
    survived: tuple[int, ...]

    @property
    def suppressed(self) -> int:
        """How many of the siblings are not detections."""
        return len(self.rows) - len(self.survived)


def siblings_of(prediction: Prediction, detections: Detections, index: int) -> Siblings:
    """The siblings of one detection.

    Args:
        prediction: the raw prediction of the photograph.
        detections: all detections on the photograph.
        index: which of them, from 0.
    """
    row, label = keys_of(detections)[index]
    rows, overlap, scores = sibling_rows(prediction, row, label)
    others = rows != row
    rows, overlap, scores = rows[others], overlap[others], scores[others]
    order = np.argsort(-scores, kind="stable")
    index_of = {key: i for i, key in enumerate(keys_of(detections))}
    survived = tuple(index_of[sibling, label] for sibling in rows[order].tolist() if (sibling, label) in index_of)
    return Siblings(rows[order], scores[order], overlap[order], survived)


def sibling_rows(prediction: Prediction, row: int, label: int
                 ) -> tuple[NDArray[np.int64], NDArray[np.float64], NDArray[np.float64]]:
    """The rows that predict a label in the same place as one row does.

    They overlap the row with an IoU above 0.5 and score above 0.05 for the label. The row itself is among them, unless
    its own score is too low.

    Args:
        prediction: the raw prediction of one photograph.
        row: the row that the others are compared with.
        label: the class label.

    Returns:
        The rows ``[K]``, their IoU with ``row`` ``[K]``, and their scores ``[K]``.
    """
    scores = prediction.scores_of(label)[0].cpu().double().numpy()
    rows = np.flatnonzero(scores > SIBLING_SCORE)
    boxes = prediction.boxes[0].cpu().double().numpy()
    overlap = iou(boxes[row][None], boxes[rows])[0]
    near = overlap > SIBLING_IOU
    return rows[near], overlap[near].astype(np.float64), scores[rows[near]]
