"""Matching detections to true boxes, as COCO's evaluation does it."""

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
    """Match the detections of one class on one photograph to its true boxes.

    Detections are matched in order of score, best first. Each takes the unmatched true box with the highest IoU, if
    that is at least ``min_iou``. A detection without a match is ignored if it lies in a crowd (:data:`CROWD`) or
    overlaps a difficult object by ``min_iou`` (:data:`DIFFICULT`); any number of detections may share one of those. All
    other detections are :data:`UNMATCHED`.

    Pascal VOC's devkit compares each detection only with the true box of highest IoU, matched or not. The two rules
    differ only where a detection overlaps more than one true box by ``min_iou``.

    Args:
        boxes: ``[N, 4]`` xyxy, detections, in the frame of the true boxes.
        scores: ``[N]``.
        true_boxes: ``[M, 4]`` xyxy, of the same class.
        crowd: ``[M]`` True for crowds; None for none.
        min_iou: the least IoU; for a crowd, the least share of the detection's area inside it.
        difficult: ``[M]`` True for difficult objects; None for none.

    Returns:
        int64 ``[N]``: the index of each detection's true box, or one of the three negative constants.
    """
    matched = np.full(len(boxes), UNMATCHED, dtype=np.int64)
    nothing = np.zeros(len(true_boxes), bool)
    group = nothing if crowd is None else np.asarray(crowd, bool)
    hard = nothing if difficult is None else np.asarray(difficult, bool) & ~group
    overlap = iou(boxes, true_boxes)
    in_crowd = _covered(boxes, true_boxes[group])
    unmatched = ~group & ~hard
    threshold = min(min_iou, 1 - 1e-10)  # as in COCO, so that a perfect box passes at 1.0
    for index in np.argsort(-np.asarray(scores), kind="stable"):
        candidates = np.where(unmatched, overlap[index], -1.0)
        if unmatched.any() and candidates.max() >= threshold:
            best = len(candidates) - 1 - int(candidates[::-1].argmax())  # of equal ones the last, as in COCO
            matched[index], unmatched[best] = best, False
        elif (in_crowd[index] >= threshold).any():
            matched[index] = CROWD
        elif (overlap[index, hard] >= threshold).any():
            matched[index] = DIFFICULT
    return matched


def match_by_class(boxes: NDArray[np.floating], scores: NDArray[np.floating], class_names: Sequence[str],
                   truth: GroundTruth, min_iou: float = MIN_IOU) -> NDArray[np.int64]:
    """Match the detections on one photograph to its true boxes, each class by itself with :func:`match`.

    Args:
        boxes: ``[N, 4]`` xyxy, detections, source pixels.
        scores: ``[N]``.
        class_names: ``N`` class names, spelled as in the annotations.
        truth: the true boxes, source pixels.
        min_iou: the least IoU; for a crowd, the least share of the detection's area inside it.

    Returns:
        int64 ``[N]``: the index of each detection's true box in ``truth``, or :data:`UNMATCHED`, :data:`CROWD` or
        :data:`DIFFICULT`.
    """
    matched = np.full(len(boxes), UNMATCHED, dtype=np.int64)
    names, true_names = (np.array(list(words), dtype=object) for words in (class_names, truth.class_names))
    for name in dict.fromkeys(class_names):
        detected, annotated = np.flatnonzero(names == name), np.flatnonzero(true_names == name)
        true = truth[annotated]
        in_class = match(boxes[detected], scores[detected], true.boxes, true.crowd, min_iou, true.difficult)
        hit = in_class >= 0
        matched[detected] = in_class
        matched[detected[hit]] = annotated[in_class[hit]]
    return matched


def _covered(boxes: NDArray[np.floating], regions: NDArray[np.floating]) -> NDArray[np.floating]:
    """Share of the area of each of ``boxes [N, 4]`` that lies in each of ``regions [K, 4]``, ``[N, K]``."""
    low = np.maximum(boxes[:, None, :2], regions[None, :, :2])
    high = np.minimum(boxes[:, None, 2:], regions[None, :, 2:])
    area = areas(boxes)[:, None]
    overlap = np.clip(high - low, 0, None).prod(-1)
    return np.divide(overlap, area, out=np.zeros_like(overlap), where=area > 0)
