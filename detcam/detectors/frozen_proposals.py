"""Rows of a two-stage detector on changed copies of a photograph: those of the photograph itself."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch

from detcam.detectors.base import FROZEN, Detector
from detcam.detectors.canvas import Canvas
from detcam.detectors.prediction import Prediction


@contextmanager
def frozen_proposals(detector: Detector, canvas: Canvas, prediction: Prediction | None = None, rows: bool = True
              ) -> Iterator[None]:
    """Rows mean in every forward pass of the block what they mean on a canvas.

    Nothing is done, and no forward pass made, for detectors whose rows are always the same ones, or always others.

    Args:
        detector: whose rows they are.
        canvas: the photograph as it is.
        prediction: what the detector says about it; None asks it.
        rows: as in :meth:`Detector.frozen_proposals`; False for methods that know the detector's answers alone.
    """
    if detector.rows != FROZEN:
        yield
        return
    if prediction is None:
        with detector.borrowed(), torch.no_grad():
            prediction = detector.forward(canvas.pixels)
    with detector.frozen_proposals(prediction, rows):
        yield
