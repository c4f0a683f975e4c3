"""From tensors of rows, boxes, labels and scores to detections."""

import numpy as np
from torch import Tensor

from detcam.detectors.detections import Detections
from detcam.detectors.prediction import Prediction


def detections_of(prediction: Prediction, rows: Tensor, labels: Tensor, scores: Tensor, boxes: Tensor) -> Detections:
    """Detections of known rows, with the levels and cells that the prediction has for them.

    Args:
        prediction: of the one image whose rows they are, or, where levels and cells are the same in all, of a batch.
        rows: ``[N]`` indices of rows.
        labels: ``[N]``.
        scores: ``[N]``, 0..1.
        boxes: ``[N, 4]`` xyxy, source pixels.
    """
    levels, cells = [], []
    for row in rows.tolist():
        levels.append(prediction.level_of(row))
        cells.append(prediction.cell_of(row))
    return Detections(
        boxes=boxes.detach().cpu().double().numpy().reshape(-1, 4),
        labels=labels.cpu().numpy().astype(np.int64),
        scores=scores.detach().cpu().double().numpy(),
        rows=rows.cpu().numpy().astype(np.int64),
        levels=np.array(levels, dtype=np.int64),
        cells=np.array(cells, dtype=np.int64).reshape(-1, 2),
    )


def without_rows(boxes: Tensor, labels: Tensor, scores: Tensor) -> Detections:
    """Detections that a library itself reports: their rows, levels and cells are not known (-1).

    Args:
        boxes: ``[N, 4]`` xyxy, source pixels.
        labels: ``[N]``.
        scores: ``[N]``, 0..1.
    """
    count = len(scores)
    return Detections(
        boxes=boxes.detach().cpu().double().numpy().reshape(-1, 4),
        labels=labels.cpu().numpy().astype(np.int64),
        scores=scores.detach().cpu().double().numpy(),
        rows=np.full(count, -1),
        levels=np.full(count, -1),
        cells=np.full((count, 2), -1),
    )
