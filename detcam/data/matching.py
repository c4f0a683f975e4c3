"""Which detection found which true box, as COCO's evaluation decides it."""

import numpy as np
from numpy.typing import NDArray

from detcam.imaging.boxes import areas, iou

MIN_IOU = 0.5
UNMATCHED = -1
CROWD = -2


def match(boxes: NDArray[np.floating], scores: NDArray[np.floating], true_boxes: NDArray[np.floating],
          crowd: NDArray[np.bool_] | None = None, min_iou: float = MIN_IOU) -> NDArray[np.int64]:
    """The true box that each detection of one class found on one photograph, ``[N]``.

    Each detection, best score first, takes the free true box of highest IoU of at least ``min_iou``. One that finds
    none but lies in a crowd counts neither way: :data:`CROWD`. The others are :data:`UNMATCHED`.

    Args:
        boxes: ``[N, 4]`` xyxy, detections.
        scores: ``[N]``.
        true_boxes: ``[M, 4]`` xyxy, of the same class.
        crowd: ``[M]`` True for crowds; None for none.
        min_iou: the least overlap; over a crowd, the share of the detection's own area.
    """
    found = np.full(len(boxes), UNMATCHED, dtype=np.int64)
    group = np.zeros(len(true_boxes), bool) if crowd is None else np.asarray(crowd, bool)
    overlap = iou(boxes, true_boxes)
    in_crowd = _covered(boxes, true_boxes[group])
    free = ~group
    threshold = min(min_iou, 1 - 1e-10)  # as COCO has it, so that a perfect box passes at 1.0
    for index in np.argsort(-np.asarray(scores), kind="stable"):
        candidates = np.where(free, overlap[index], -1.0)
        if free.any() and candidates.max() >= threshold:
            best = len(candidates) - 1 - int(candidates[::-1].argmax())  # of equals the last one, as COCO has it
            found[index], free[best] = best, False
        elif (in_crowd[index] >= threshold).any():
            found[index] = CROWD
    return found


def _covered(boxes: NDArray[np.floating], regions: NDArray[np.floating]) -> NDArray[np.floating]:
    """Share of each box's own area that lies in each region, ``[N, K]``."""
    low = np.maximum(boxes[:, None, :2], regions[None, :, :2])
    high = np.minimum(boxes[:, None, 2:], regions[None, :, 2:])
    own = areas(boxes)[:, None]
    overlap = np.clip(high - low, 0, None).prod(-1)
    return np.divide(overlap, own, out=np.zeros_like(overlap), where=own > 0)
