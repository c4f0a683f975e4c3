"""Whether a detector's detections are the library's own, and whether two lists of detections are the same."""

import math
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from detcam.detectors.canvas import Canvas
from detcam.detectors.detections import Detections
from detcam.errors import MismatchError
from detcam.imaging.image import Image

CHECK_SCORE = 0.05  # the threshold at which detections are compared
CHECK_PIXELS = 4_000_000  # of a photograph on which they are compared at most: about 250 MB in the library's hands

BOX_TOLERANCE = 0.05  # source pixels; five times what the parity tests allow, for other machines' rounding
SCORE_TOLERANCE = 1e-4
TOLERATED_SHARE = 0.02  # of the detections may differ: rounding decides about rows that lie on a threshold


def refuse_other_detections(detector: Any, image: Image, prediction: Any, canvas: Canvas) -> bool:
    """Compare a detector's detections of a photograph with those that the library itself reports.

    Libraries hold a photograph several times over in floats: of a large one every n-th pixel is compared on.

    Args:
        detector: whose detections they are, a ``Detector``.
        image: the photograph.
        prediction: what the network says about it.
        canvas: on which it was asked.

    Returns:
        Whether the library reports any, so that there was something to compare.

    Raises:
        MismatchError: they differ; the message says where, and what to set.
    """
    step = math.ceil(math.sqrt(image.height * image.width / CHECK_PIXELS))
    if step > 1:
        image = Image(np.ascontiguousarray(image.rgb[::step, ::step]), image.name)
        canvas = detector.canvas(image)
        with detector.borrowed(), torch.no_grad():
            prediction = detector.forward(canvas.pixels)
    ours = detector.select(prediction, canvas, CHECK_SCORE)[0]
    theirs = detector.library_detections(image, CHECK_SCORE)
    difference = first_difference(ours, theirs)
    if difference:
        raise MismatchError(f"{detector.name}: on {image.name} {difference}; {detector.mismatch_hint}")
    return len(theirs) > 0


def first_difference(ours: Detections, theirs: Detections) -> str | None:
    """Words for the best detection in which two lists differ, or None where they agree.

    They agree where no more than 2 % of the detections have none of the same label, score and box in the other list.
    """
    same = (
        (ours.labels[:, None] == theirs.labels[None])
        & (np.abs(ours.scores[:, None] - theirs.scores[None]) <= SCORE_TOLERANCE)
        & (np.abs(ours.boxes[:, None] - theirs.boxes[None]).max(-1, initial=0) <= BOX_TOLERANCE)
    )
    only_ours, only_theirs = np.flatnonzero(~same.any(1)), np.flatnonzero(~same.any(0))
    if len(only_ours) + len(only_theirs) <= TOLERATED_SHARE * (len(ours) + len(theirs)):
        return None
    return (f"{len(only_ours)} detections that detcam selects are not the model's own, and {len(only_theirs)} of the "
            f"model's are missing; the first: detcam finds {_first_of(ours, only_ours)}, the model itself "
            f"{_first_of(theirs, only_theirs)}")


def _first_of(detections: Detections, indices: NDArray[np.int64]) -> str:
    """Words for the first of the detections at some indices."""
    if not len(indices):
        return f"nothing more (of {len(detections)})"
    first = indices[0]
    box = detections.boxes[first].round(1).tolist()
    return (f"label {detections.labels[first]}, score {detections.scores[first]:.4f}, box {box} "
            f"(of {len(detections)})")
