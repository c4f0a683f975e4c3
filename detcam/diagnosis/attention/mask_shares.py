"""Where a map's heat lies among true objects: on the object's own mask, on others of its class."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from detcam.attribution.heatmap import Heatmap
from detcam.imaging.geometry import Geometry

Mask = NDArray[np.bool_]


@dataclass(frozen=True)
class MaskShares:
    """Shares of a map's positive part, integrated on the canvas with each cell constant.

    All are NaN for a map without any positive value, or where there is no mask.

    Attributes:
        own: on the object's own mask.
        others: on other objects of the class, where they do not cover its own.
        peak: 1 where the centre of the largest cell lies on the object's own mask, 0 elsewhere.
    """

    own: float
    others: float
    peak: float


def mask_shares(heatmap: Heatmap, own: Mask | None, others: Mask | None) -> MaskShares:
    """Shares of one map.

    Args:
        heatmap: the map.
        own: ``[H, W]`` True on the object, source pixels; None if its mask is not known.
        others: ``[H, W]`` True on any other object of its class; None for none.
    """
    heat = heatmap.heat.astype(np.float64)
    if own is None or not heat.any():
        return MaskShares(*[float("nan")] * 3)
    rows, columns = overlaps(heatmap)
    x, y = whole_edges(heatmap)
    total = float((heat * np.outer(np.diff(y), np.diff(x))).sum())  # the padding's heat counts too

    def share(mask: Mask) -> float:
        return float((heat * (rows @ mask.astype(np.float64) @ columns.T)).sum()) / total

    elsewhere = 0.0 if others is None else share(others & ~own)
    return MaskShares(share(own), elsewhere, float(_peak_on(heatmap, own)))


def overlaps(heatmap: Heatmap) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Canvas pixels that each cell shares with each source pixel, along y ``[gh, H]`` and along x ``[gw, W]``."""
    x, y = whole_edges(heatmap)
    return pixels_shared(x, y, heatmap.geometry)


def pixels_shared(x: NDArray[np.floating], y: NDArray[np.floating], geometry: Geometry
                  ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """As :func:`overlaps`, of cells with borders ``x [gw + 1]`` and ``y [gh + 1]``, canvas pixels."""
    found = []
    for cells, side, axis in ((y, geometry.source[0], 1), (x, geometry.source[1], 0)):
        pixels = geometry.offset[axis] + geometry.scale[axis] * np.arange(side + 1)
        low = np.maximum(cells[:-1, None], pixels[None, :-1])
        high = np.minimum(cells[1:, None], pixels[None, 1:])
        found.append(np.clip(high - low, 0, None))
    return found[0], found[1]


def whole_edges(heatmap: Heatmap) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The cells' borders; the outermost cells reach to the canvas's own, where a grid ends before it."""
    x, y = heatmap.cell_edges()
    height, width = heatmap.geometry.canvas
    x[0], x[-1], y[0], y[-1] = 0, width, 0, height
    return x, y


def _peak_on(heatmap: Heatmap, mask: Mask) -> bool:
    row, column = np.unravel_index(int(heatmap.values.argmax()), heatmap.values.shape)
    x, y = heatmap.cell_edges()
    centre = np.array([(x[column] + x[column + 1]) / 2, (y[row] + y[row + 1]) / 2])
    source_x, source_y = np.floor((centre - heatmap.geometry.offset) / heatmap.geometry.scale).astype(int)
    height, width = mask.shape
    return bool(0 <= source_x < width and 0 <= source_y < height and mask[source_y, source_x])
