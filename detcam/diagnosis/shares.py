"""Where a detection's heat lies: shares of the positive part that add up to 1."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from detcam.attribution.heatmap import Heatmap
from detcam.imaging.boxes import grow

RING = 0.25  # of the box's width and height, on each side: the context that a crop usually shows
REGIONS = ("inside", "others", "ring", "elsewhere", "padding")


@dataclass(frozen=True)
class Shares:
    """Shares of one heatmap's positive part, integrated on the canvas with each cell constant; they add up to 1.

    A place that several regions claim counts for the first: inside > others > ring > elsewhere. All are NaN for a
    map without any positive value. They describe; they do not tell a good box from a bad one.

    Attributes:
        inside: in the detection's own box.
        others: in other detected boxes.
        ring: in a ring of a quarter of the box's width and height around it.
        elsewhere: in the rest of the photograph.
        padding: on the canvas but outside the photograph.
        peak_inside: whether the centre of the largest cell lies in the box; None without a positive value.
    """

    inside: float
    others: float
    ring: float
    elsewhere: float
    padding: float
    peak_inside: bool | None


def shares(heatmaps: Sequence[Heatmap], boxes: NDArray[np.floating]) -> list[Shares]:
    """Shares of each detection's heat.

    Args:
        heatmaps: one a detection, of one photograph.
        boxes: ``[N, 4]`` xyxy, source pixels, of the same detections.
    """
    return [_shares(heatmap, boxes, index) for index, heatmap in enumerate(heatmaps)]


def _shares(heatmap: Heatmap, boxes: NDArray[np.floating], index: int) -> Shares:
    heat = heatmap.positive
    if not heat.any():
        return Shares(**dict.fromkeys(REGIONS, float("nan")), peak_inside=None)
    on_canvas = heatmap.geometry.to_canvas(boxes)
    own, ring, content = on_canvas[index], grow(on_canvas[index], RING), heatmap.geometry.content
    others = np.delete(on_canvas, index, 0)
    x, y = _breaks(heatmap, [own, ring, content, *others])
    mass = np.outer(np.diff(y), np.diff(x)) * heatmap.at((x[:-1] + x[1:]) / 2, (y[:-1] + y[1:]) / 2).clip(0)
    left = np.ones(mass.shape, bool)
    found = []
    for region in (_mask(x, y, [own]), _mask(x, y, others), _mask(x, y, [ring])):
        region &= _mask(x, y, [content])
        found.append(mass[left & region].sum())
        left &= ~region
    content_mask = _mask(x, y, [content])
    found += [mass[left & content_mask].sum(), mass[left & ~content_mask].sum()]
    by_region = {name: float(value / mass.sum()) for name, value in zip(REGIONS, found, strict=True)}
    return Shares(**by_region, peak_inside=_peak_inside(heatmap, own))


def _breaks(heatmap: Heatmap, boxes: Sequence[NDArray[np.floating]]) -> list[NDArray[np.float64]]:
    """Positions along x and y between which neither cells nor regions change."""
    height, width = heatmap.geometry.canvas
    edges = np.array(boxes)
    return [
        np.unique(np.concatenate([cells, edges[:, columns].ravel().clip(0, side), [0, side]]))
        for cells, columns, side in zip(heatmap.cell_edges(), ([0, 2], [1, 3]), (width, height), strict=True)
    ]


def _mask(x: NDArray[np.floating], y: NDArray[np.floating], boxes: Sequence[NDArray[np.floating]] | NDArray[np.floating]
          ) -> NDArray[np.bool_]:
    """Which of the pieces between breaks lie in any of the boxes."""
    mid_x, mid_y = (x[:-1] + x[1:]) / 2, (y[:-1] + y[1:]) / 2
    mask = np.zeros((len(mid_y), len(mid_x)), bool)
    for x1, y1, x2, y2 in boxes:
        mask |= np.outer((mid_y > y1) & (mid_y < y2), (mid_x > x1) & (mid_x < x2))
    return mask


def _peak_inside(heatmap: Heatmap, box: NDArray[np.floating]) -> bool:
    row, column = np.unravel_index(int(heatmap.values.argmax()), heatmap.values.shape)
    x, y = heatmap.cell_edges()
    centre_x, centre_y = (x[column] + x[column + 1]) / 2, (y[row] + y[row + 1]) / 2
    return bool(box[0] <= centre_x <= box[2] and box[1] <= centre_y <= box[3])
