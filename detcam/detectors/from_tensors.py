"""Tensors of rows, boxes, labels and scores as detections."""

import numpy as np
from torch import Tensor

from detcam.detectors.detections import Detections
from detcam.detectors.prediction import Prediction


def detections_of(prediction: Prediction, rows: Tensor, labels: Tensor, scores: Tensor, boxes: Tensor) -> Detections:
    """Detections from kept rows and their boxes ``[N, 4]`` in source pixels; levels and cells are -1 without levels."""
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
    """A library's own detections: boxes ``[N, 4]`` in source pixels, whose rows are not known."""
    count = len(scores)
    return Detections(
        boxes=boxes.detach().cpu().double().numpy().reshape(-1, 4),
        labels=labels.cpu().numpy().astype(np.int64),
        scores=scores.detach().cpu().double().numpy(),
        rows=np.full(count, -1),
        levels=np.full(count, -1),
        cells=np.full((count, 2), -1),
    )
