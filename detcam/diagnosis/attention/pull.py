"""Where the evidence lies that moves an edge outward: beyond the true edge, and outside the object."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from detcam.attribution.heatmap import Heatmap
from detcam.imaging.boxes import EDGES, OUTWARD

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Pull:
    """The evidence that moves one edge of a box outward, from the edge's signed map; shares from 0 to 1.

    NaN where the map has no such evidence.

    Attributes:
        outward: its share of all evidence on the edge.
        beyond: the share of it that lies beyond the true edge: above the head, for a person's top edge.
        outside: the share of it that lies outside the true object (its mask where there is one, else its box).
    """

    outward: float
    beyond: float
    outside: float


def pull_of(heatmap: Heatmap, edge: str, true_box: NDArray[np.floating], on_object: Array | None = None) -> Pull:
    """Where the evidence lies that moves an edge outward.

    Args:
        heatmap: the edge's signed map, positive where it moves the coordinate up.
        edge: one of ``"left"``, ``"top"``, ``"right"`` and ``"bottom"``.
        true_box: ``[4]`` xyxy, source pixels.
        on_object: ``[gh, gw]`` the area of each cell on the object, in squared canvas pixels, from
            :class:`detcam.diagnosis.attention.leakage.Cells`; None for that on the true box.
    """
    values = heatmap.values.astype(np.float64) * OUTWARD[EDGES.index(edge)]
    x, y = heatmap.cell_edges()
    cells = np.outer(np.diff(y), np.diff(x))
    out = np.clip(values, 0, None)
    total, all_of_it = float((out * cells).sum()), float((np.abs(values) * cells).sum())
    if not np.isfinite(all_of_it) or not total:
        return Pull(0.0 if all_of_it and np.isfinite(all_of_it) else float("nan"), float("nan"), float("nan"))
    box = heatmap.geometry.to_canvas(np.asarray(true_box, float))
    if on_object is None:
        on_object = np.outer(np.diff(y.clip(box[1], box[3])), np.diff(x.clip(box[0], box[2])))
    return Pull(total / all_of_it, float((out * beyond(heatmap, edge, box)).sum()) / total,
                1 - float((out * on_object).sum()) / total)


def beyond(heatmap: Heatmap, edge: str, box: NDArray[np.floating]) -> Array:
    """The area of each cell beyond an edge of a box, in squared canvas pixels, ``[gh, gw]``.

    Args:
        heatmap: any map on the grid.
        edge: one of ``"left"``, ``"top"``, ``"right"`` and ``"bottom"``.
        box: ``[4]`` xyxy, canvas pixels.
    """
    x, y = heatmap.cell_edges()
    column = EDGES.index(edge)
    borders = y if column % 2 else x
    part = np.diff(borders.clip(None, box[column])) if OUTWARD[column] < 0 else np.diff(borders.clip(box[column], None))
    return np.outer(part, np.diff(x)) if column % 2 else np.outer(np.diff(y), part)
