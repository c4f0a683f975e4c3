"""Arithmetic of axis-aligned boxes: float arrays ``[..., 4]``, xyxy, in pixel-edge coordinates.

Every function works in source pixels and in canvas pixels alike, as long as all of its boxes are in the same frame.
"""

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.floating]

EDGES = ("left", "top", "right", "bottom")
"""The names of the four edges in the order of a box's columns."""

OUTWARD = np.array([-1.0, -1.0, 1.0, 1.0])  # the direction in which each edge moves when the box grows


def sizes(boxes: Array) -> Array:
    """Width and height of each box ``[..., 4]`` in its pixels, ``[..., 2]``; 0 where the corners are swapped."""
    return np.clip(boxes[..., 2:] - boxes[..., :2], 0, None)


def areas(boxes: Array) -> Array:
    """Area of each box ``[..., 4]`` in its square pixels, ``[...]``."""
    return sizes(boxes).prod(-1)


def edge_lengths(boxes: Array) -> Array:
    """The length that each edge's error is divided by, ``[..., 4]`` pixels: width, height, width, height of the box."""
    return np.tile(sizes(boxes), 2)


def outward(boxes: Array, true_boxes: Array) -> Array:
    """Signed error of each edge, ``[..., 4]`` in the boxes' pixels: positive outside the true edge, negative inside.

    Args:
        boxes: ``[..., 4]`` xyxy, detections.
        true_boxes: ``[..., 4]`` xyxy, the true box of each, in the same frame.
    """
    return (boxes - true_boxes) * OUTWARD


def iou(a: Array, b: Array) -> Array:
    """Intersection over union of every pair of boxes ``a [N, 4]`` and ``b [M, 4]``, xyxy in one frame: ``[N, M]``."""
    low = np.maximum(a[:, None, :2], b[None, :, :2])
    high = np.minimum(a[:, None, 2:], b[None, :, 2:])
    overlap = np.clip(high - low, 0, None).prod(-1)
    union = areas(a)[:, None] + areas(b)[None] - overlap
    return np.divide(overlap, union, out=np.zeros_like(overlap), where=union > 0)


def grow(boxes: Array, share: float) -> Array:
    """Boxes ``[..., 4]`` enlarged on every side by ``share`` of their own width or height, ``[..., 4]``."""
    margin = sizes(boxes) * share
    return np.concatenate([boxes[..., :2] - margin, boxes[..., 2:] + margin], -1)
