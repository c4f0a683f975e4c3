"""Arithmetic of axis-aligned boxes: float arrays ``[..., 4]``, xyxy, in pixel-edge coordinates."""

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.floating]

EDGES = ("left", "top", "right", "bottom")
"""The names of the four edges in the order of a box's columns."""

OUTWARD = np.array([-1.0, -1.0, 1.0, 1.0])  # which way each edge goes when the box grows


def sizes(boxes: Array) -> Array:
    """Width and height of each box, ``[..., 2]``; a box turned inside out has size 0."""
    return np.clip(boxes[..., 2:] - boxes[..., :2], 0, None)


def areas(boxes: Array) -> Array:
    """Area of each box, ``[...]``."""
    return sizes(boxes).prod(-1)


def edge_lengths(boxes: Array) -> Array:
    """What an edge's error is measured against: width, height, width, height of each box, ``[..., 4]``."""
    return np.tile(sizes(boxes), 2)


def outward(boxes: Array, true_boxes: Array) -> Array:
    """How far each edge lies outside the true one, ``[..., 4]`` in the boxes' pixels; negative where it lies inside.

    Boxes and true boxes pair up: ``[..., 4]`` each.
    """
    return (boxes - true_boxes) * OUTWARD


def iou(a: Array, b: Array) -> Array:
    """Intersection over union of every pair of boxes ``a [N, 4]`` and ``b [M, 4]``, as ``[N, M]``."""
    low = np.maximum(a[:, None, :2], b[None, :, :2])
    high = np.minimum(a[:, None, 2:], b[None, :, 2:])
    overlap = np.clip(high - low, 0, None).prod(-1)
    union = areas(a)[:, None] + areas(b)[None] - overlap
    return np.divide(overlap, union, out=np.zeros_like(overlap), where=union > 0)


def grow(boxes: Array, share: float) -> Array:
    """Boxes with ``share`` of their width and height added on each side."""
    margin = sizes(boxes) * share
    return np.concatenate([boxes[..., :2] - margin, boxes[..., 2:] + margin], -1)
