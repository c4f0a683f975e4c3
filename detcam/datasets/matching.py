"""Which detection found which true box, as COCO's evaluation decides it."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from detcam.datasets.ground_truth import GroundTruth
from detcam.imaging.boxes import areas, iou

MIN_IOU = 0.5
UNMATCHED = -1
CROWD = -2
DIFFICULT = -3


def match(boxes: NDArray[np.floating], scores: NDArray[np.floating], true_boxes: NDArray[np.floating],
          crowd: NDArray[np.bool_] | None = None, min_iou: float = MIN_IOU,
          difficult: NDArray[np.bool_] | None = None) -> NDArray[np.int64]:
    """The true box that each detection of one class found on one photograph, ``[N]``.

    Each detection, best score first, takes the free true box of highest IoU of at least ``min_iou``. One that finds
    none counts neither way if it lies in a crowd, :data:`CROWD`, or overlaps a difficult object by ``min_iou``,
    :data:`DIFFICULT`; any number of detections may. The others are :data:`UNMATCHED`.

    Pascal VOC's devkit asks of each detection only the true box of highest IoU, whether it is free or not; the two
    rules differ only where a detection overlaps more than one true box by ``min_iou``.

    Args:
        boxes: ``[N, 4]`` xyxy, detections.
        scores: ``[N]``.
        true_boxes: ``[M, 4]`` xyxy, of the same class.
        crowd: ``[M]`` True for crowds; None for none.
        min_iou: the least overlap; over a crowd, the share of the detection's own area.
        difficult: ``[M]`` True for objects too hard to ask for; None for none.
    """
    found = np.full(len(boxes), UNMATCHED, dtype=np.int64)
    nothing = np.zeros(len(true_boxes), bool)
    group = nothing if crowd is None else np.asarray(crowd, bool)
    hard = nothing if difficult is None else np.asarray(difficult, bool) & ~group
    overlap = iou(boxes, true_boxes)
    in_crowd = _covered(boxes, true_boxes[group])
    free = ~group & ~hard
    threshold = min(min_iou, 1 - 1e-10)  # as COCO has it, so that a perfect box passes at 1.0
    for index in np.argsort(-np.asarray(scores), kind="stable"):
        candidates = np.where(free, overlap[index], -1.0)
        if free.any() and candidates.max() >= threshold:
            best = len(candidates) - 1 - int(candidates[::-1].argmax())  # of equals the last one, as COCO has it
            found[index], free[best] = best, False
        elif (in_crowd[index] >= threshold).any():
            found[index] = CROWD
        elif (overlap[index, hard] >= threshold).any():
            found[index] = DIFFICULT
    return found


def match_by_class(boxes: NDArray[np.floating], scores: NDArray[np.floating], class_names: Sequence[str],
                   truth: GroundTruth, min_iou: float = MIN_IOU) -> NDArray[np.int64]:
    """The true box that each detection found on one photograph, class by class as :func:`match` does, ``[N]``.

    Args:
        boxes: ``[N, 4]`` xyxy, detections, in the frame of the true boxes.
        scores: ``[N]``.
        class_names: ``N`` words, the same as the annotations use.
        truth: the true boxes; the result indexes them.
        min_iou: the least overlap.
    """
    found = np.full(len(boxes), UNMATCHED, dtype=np.int64)
    names, true_names = (np.array(list(each), dtype=object) for each in (class_names, truth.class_names))
    for name in dict.fromkeys(class_names):
        own, of_class = np.flatnonzero(names == name), np.flatnonzero(true_names == name)
        true = truth[of_class]
        matched = match(boxes[own], scores[own], true.boxes, true.crowd, min_iou, true.difficult)
        hit = matched >= 0
        found[own] = matched
        found[own[hit]] = of_class[matched[hit]]
    return found


def _covered(boxes: NDArray[np.floating], regions: NDArray[np.floating]) -> NDArray[np.floating]:
    """Share of each box's own area that lies in each region, ``[N, K]``."""
    low = np.maximum(boxes[:, None, :2], regions[None, :, :2])
    high = np.minimum(boxes[:, None, 2:], regions[None, :, 2:])
    own = areas(boxes)[:, None]
    overlap = np.clip(high - low, 0, None).prod(-1)
    return np.divide(overlap, own, out=np.zeros_like(overlap), where=own > 0)
