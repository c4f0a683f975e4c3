"""What a detector says about the boxes of a photograph on changed copies of it, each read at its own row."""

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

CHUNK = 8  # changed canvases in one forward pass: what bounds the memory
SAME = 0.5  # IoU: a row that covers the box as much may win it when pixels go


@dataclass(frozen=True)
class Readings:
    """What is said about N detections on K changed copies of their photograph.

    Rows are never matched anew, but where they are others on every changed copy: there the row is the one with the
    largest IoU times score, and that product takes the place of its score.

    Attributes:
        own: ``[N, K]`` probability of the detection's own row.
        best: ``[N, K]`` of the best row of the same label that overlaps the detection's box with an IoU of at least
            0.5; 0 if none does.
        boxes: ``[N, K, 4]`` the own row's box, xyxy canvas pixels, not clipped; NaN where no row overlaps the box and
            rows are others on every copy.
    """

    own: Array
    best: Array
    boxes: Array


def read_copies(detector: Detector, canvas: Canvas, detections: Detections, copy: Callable[[int], Tensor], count: int,
                chunk: int = CHUNK) -> Readings:
    """Read every detection on every copy; all detections share the forward passes.

    Args:
        detector: whose detections they are.
        canvas: the photograph as it is.
        detections: its detections.
        copy: the number of a copy, from 0, to its pixels ``[3, h, w]``.
        count: how many copies there are, at least 1.
        chunk: copies in one forward pass at most; the memory grows with it, the result does not depend on it.
    """

    def read(numbers: Tensor) -> Readings:
        with detector.borrowed(), torch.no_grad():
            prediction = detector.forward(torch.stack([copy(number) for number in numbers.tolist()]))
        return _read(prediction, detections, on_canvas, detector.rows == PER_INPUT)

    on_canvas = canvas.geometries[0].to_canvas(detections.boxes)
    with frozen_proposals(detector, canvas):
        parts = list(in_chunks(read, torch.arange(count), chunk))
    return Readings(*(np.concatenate([getattr(part, name) for part in parts], 1) for name in ("own", "best", "boxes")))


def _read(prediction: Prediction, detections: Detections, on_canvas: NDArray[np.floating], fresh: bool) -> Readings:
    """One forward pass of ``B`` copies."""
    boxes = prediction.boxes.double().cpu().numpy()
    by_label = {label: prediction.scores_of(label).double().cpu().numpy() for label in set(detections.labels.tolist())}
    copies = np.arange(len(boxes))
    own, best = (np.zeros((len(detections), len(boxes))) for _ in range(2))
    own_boxes = np.full((len(detections), len(boxes), 4), np.nan)
    for index, (row, label) in enumerate(zip(detections.rows.tolist(), detections.labels.tolist(), strict=True)):
        scores = by_label[label]
        overlap = iou(boxes.reshape(-1, 4), on_canvas[[index]]).reshape(scores.shape)
        best[index] = np.where(overlap >= SAME, scores, 0.0).max(1)
        similarity = overlap * scores if fresh else scores
        rows = similarity.argmax(1) if fresh else np.full(len(boxes), row)
        own[index], own_boxes[index] = similarity[copies, rows], boxes[copies, rows]
        if fresh:
            own_boxes[index, own[index] == 0] = np.nan
    return Readings(own, best, own_boxes)
