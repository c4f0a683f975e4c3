"""How much of a heatmap lies on its own object's mask, and on the masks of other objects of the class."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from detcam.attribution.heatmap import Heatmap
from detcam.imaging.geometry import Geometry

Mask = NDArray[np.bool_]


@dataclass(frozen=True)
class MaskShares:
    """Shares of a heatmap's positive part, from 0 to 1, integrated on the canvas, constant within each cell.

    All are NaN for a heatmap without any positive value, or where there is no mask.

    Attributes:
        own: on the object's own mask.
        others: on other objects of the class, without the parts that its own mask covers.
        peak: 1 where the centre of the cell with the highest value lies on the object's own mask, else 0.
    """

    own: float
    others: float
    peak: float


def mask_shares(heatmap: Heatmap, own: Mask | None, others: Mask | None) -> MaskShares:
    """The shares of one heatmap.

    Args:
        heatmap: of one detection.
        own: bool ``[H, W]``, source pixels, True on the object; None if its mask is not known.
        others: bool ``[H, W]``, source pixels, True on any other object of its class; None for none.
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
    """The overlap of each cell with each source pixel, in canvas pixels: along y ``[gh, H]``, along x ``[gw, W]``."""
    x, y = whole_edges(heatmap)
    return pixels_shared(x, y, heatmap.geometry)


def pixels_shared(x: NDArray[np.floating], y: NDArray[np.floating], geometry: Geometry
                  ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The overlap of cells with each source pixel, in canvas pixels: along y ``[gh, H]``, along x ``[gw, W]``.

    Args:
        x: ``[gw + 1]`` borders of the cells along x, canvas pixels.
        y: ``[gh + 1]`` borders of the cells along y, canvas pixels.
        geometry: of the canvas; its source is ``H`` by ``W`` pixels.
    """
    shared = []
    for cells, side, axis in ((y, geometry.source[0], 1), (x, geometry.source[1], 0)):
        pixels = geometry.offset[axis] + geometry.scale[axis] * np.arange(side + 1)
        low = np.maximum(cells[:-1, None], pixels[None, :-1])
        high = np.minimum(cells[1:, None], pixels[None, 1:])
        shared.append(np.clip(high - low, 0, None))
    return shared[0], shared[1]


def whole_edges(heatmap: Heatmap) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The cells' borders along x ``[gw + 1]`` and y ``[gh + 1]``, canvas pixels.

    The outermost cells reach to the canvas's borders, where a grid ends before them.
    """
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
