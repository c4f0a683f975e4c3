"""One meaning of rows for all changed copies of a photograph, where a detector's proposals can be frozen."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch

from detcam.detectors.base import FROZEN, Detector
from detcam.detectors.canvas import Canvas
from detcam.detectors.prediction import Prediction


@contextmanager
def frozen_proposals(detector: Detector, canvas: Canvas, prediction: Prediction | None = None, rows: bool = True
                     ) -> Iterator[None]:
    """In the block every forward pass takes the proposals of one canvas, so that rows mean what they mean there.

    For detectors whose rows are ``"fixed"`` or ``"per_input"`` nothing is done, and no forward pass made.

    Args:
        detector: whose rows they are.
        canvas: the photograph as it is.
        prediction: what the detector says about it; None asks it.
        rows: False lets the detector find its proposals on every copy, for methods that only read its detections; the
            photograph's size on the canvas is frozen all the same.
    """
    if detector.rows != FROZEN:
        yield
        return
    if prediction is None:
        with detector.borrowed(), torch.no_grad():
            prediction = detector.forward(canvas.pixels)
    with detector.frozen_proposals(prediction, rows):
        yield
