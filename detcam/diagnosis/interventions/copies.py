"""What a detector predicts for detections on changed copies of their photograph, read at the same raw rows."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from detcam.attribution.chunks import in_chunks
from detcam.detectors.base import PER_INPUT, Detector
from detcam.detectors.canvas import Canvas
from detcam.detectors.detections import Detections
from detcam.detectors.frozen_proposals import frozen_proposals
from detcam.detectors.prediction import Prediction
from detcam.imaging.boxes import iou

Array = NDArray[np.float64]

CHUNK = 8  # changed copies in one forward pass: this bounds the memory
SAME = 0.5  # IoU: another row that overlaps the box by this much may win it when pixels change


@dataclass(frozen=True)
class Readings:
    """What is predicted for N detections on K changed copies of their photograph.

    Each detection is read at its own raw row. Only where the rows are others on every copy, it is read at the row with
    the largest IoU times score, and that product takes the place of the score.

    Attributes:
        own: ``[N, K]`` probability at the detection's own row.
        best: ``[N, K]`` highest probability of any row of the same label whose box overlaps the detection's with an IoU
            of at least 0.5; 0 if there is none.
        boxes: ``[N, K, 4]`` the own row's box, xyxy canvas pixels, not clipped; NaN where the rows are others on every
            copy and none overlaps the detection's box.
    """

    own: Array
    best: Array
    boxes: Array


def read_copies(detector: Detector, canvas: Canvas, detections: Detections, copy: Callable[[int], Tensor], count: int,
                chunk: int = CHUNK) -> Readings:
    """Read every detection on every copy; all detections share the forward passes.

    Args:
        detector: what made the detections.
        canvas: the unchanged photograph.
        detections: ``N`` of them, boxes in source pixels.
        copy: from a copy's index to its pixels, float ``[3, h, w]``, RGB from 0 to 1, canvas pixels.
        count: number of copies ``K``, at least 1.
        chunk: copies in one forward pass at most; the memory grows with it, the result does not depend on it.
    """

    def read(indices: Tensor) -> Readings:
        with detector.borrowed(), torch.no_grad():
            prediction = detector.forward(torch.stack([copy(i) for i in indices.tolist()]))
        return _read(prediction, detections, on_canvas, detector.rows == PER_INPUT)

    on_canvas = canvas.geometries[0].to_canvas(detections.boxes)
    with frozen_proposals(detector, canvas):
        parts = list(in_chunks(read, torch.arange(count), chunk))
    return Readings(*(np.concatenate([getattr(part, name) for part in parts], 1) for name in ("own", "best", "boxes")))


def _read(prediction: Prediction, detections: Detections, on_canvas: NDArray[np.floating], rematched: bool) -> Readings:
    """The readings on the ``B`` copies of one forward pass; ``rematched`` where the rows are others on every copy."""
    boxes = prediction.boxes.double().cpu().numpy()
    by_label = {label: prediction.scores_of(label).double().cpu().numpy() for label in set(detections.labels.tolist())}
    copies = np.arange(len(boxes))
    own, best = (np.zeros((len(detections), len(boxes))) for _ in range(2))
    own_boxes = np.full((len(detections), len(boxes), 4), np.nan)
    for i, (row, label) in enumerate(zip(detections.rows.tolist(), detections.labels.tolist(), strict=True)):
        scores = by_label[label]
        overlap = iou(boxes.reshape(-1, 4), on_canvas[[i]]).reshape(scores.shape)
        best[i] = np.where(overlap >= SAME, scores, 0.0).max(1)
        similarity = overlap * scores if rematched else scores
        rows = similarity.argmax(1) if rematched else np.full(len(boxes), row)
        own[i], own_boxes[i] = similarity[copies, rows], boxes[copies, rows]
        if rematched:
            own_boxes[i, own[i] == 0] = np.nan
    return Readings(own, best, own_boxes)
