"""The part of a photograph that is drawn, its pixels and its heat at the figure's resolution."""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from detcam.attribution.heatmap import Heatmap
from detcam.imaging.image import Image
from detcam.views.page.colours import laid_over, laid_over_signed

CONTEXT = 0.28  # of the box's width and height, added on each side of a crop: the ring of the shares, and a little more
LEAST_CONTEXT = 12  # source pixels on each side: a tiny box alone cannot be recognised


@dataclass(frozen=True)
class Region:
    """A rectangle of whole source pixels, from ``(x1, y1)`` to ``(x2, y2)`` in pixel-edge coordinates."""

    x1: int
    y1: int
    x2: int
    y2: int

    @property
    def width(self) -> int:
        return self.x2 - self.x1

    @property
    def height(self) -> int:
        return self.y2 - self.y1


def whole(image: Image) -> Region:
    """All of a photograph."""
    return Region(0, 0, image.width, image.height)


def around(box: NDArray[np.floating], image: Image, aspect: float) -> Region:
    """The box with context, grown to the panel's shape as far as the photograph reaches.

    Args:
        box: ``[4]`` xyxy, source pixels.
        image: the photograph.
        aspect: width over height of the panel.
    """
    x1, y1, x2, y2 = np.clip(box, 0, [image.width, image.height] * 2)
    width = x2 - x1 + 2 * max(CONTEXT * (x2 - x1), LEAST_CONTEXT)
    height = y2 - y1 + 2 * max(CONTEXT * (y2 - y1), LEAST_CONTEXT)
    width, height = max(width, height * aspect), max(height, width / aspect)
    left, right = _span((x1 + x2) / 2, width, image.width)
    top, bottom = _span((y1 + y2) / 2, height, image.height)
    return Region(left, top, right, bottom)


def _span(middle: float, length: float, limit: int) -> tuple[int, int]:
    """Whole pixels from and to: ``length`` around ``middle``, moved into ``0..limit``."""
    size = max(1, min(round(length), limit))
    start = min(max(round(middle - size / 2), 0), limit - size)
    return start, start + size


def pixels(image: Image, region: Region, size: tuple[int, int]) -> NDArray[np.uint8]:
    """The region's pixels, RGB, resampled to ``size`` (width, height), drawn pixels: uint8 ``[height, width, 3]``."""
    part = image.rgb[region.y1:region.y2, region.x1:region.x2]
    smaller = size[0] < region.width or size[1] < region.height
    resized = cv2.resize(part, size, interpolation=cv2.INTER_AREA if smaller else cv2.INTER_CUBIC)
    return np.asarray(resized, dtype=np.uint8)


def heat_in(heatmap: Heatmap, region: Region, size: tuple[int, int]) -> NDArray[np.float32]:
    """Heat at each drawn pixel of a region, float32 ``[height, width]``, aligned by the grid and the geometry.

    Cells larger than a drawn pixel are interpolated between their centres; smaller ones are averaged.

    Args:
        heatmap: raw values, whose sign is kept.
        region: what is drawn, source pixels.
        size: width and height of the drawing, pixels.
    """
    scale, offset, grid = heatmap.geometry.scale, heatmap.geometry.offset, heatmap.grid
    rows, columns = heatmap.values.shape
    x = np.linspace(region.x1, region.x2, size[0] + 1) * scale[0] + offset[0]
    y = np.linspace(region.y1, region.y2, size[1] + 1) * scale[1] + offset[1]
    across = _weights((x - grid.origin[0]) / grid.stride[0], columns)
    down = _weights((y - grid.origin[1]) / grid.stride[1], rows)
    return (down @ heatmap.values.astype(np.float64) @ across.T).astype(np.float32)


def under_heat(rgb: NDArray[np.uint8], heatmap: Heatmap, region: Region, top: float, cmap: str) -> NDArray[np.uint8]:
    """A region's pixels under a map's heat, uint8 ``[h, w, 3]``; signed where the map is.

    Args:
        rgb: the region's pixels as drawn, uint8 ``[h, w, 3]``.
        heatmap: raw values.
        region: what is drawn, source pixels.
        top: the raw value of full colour.
        cmap: name of a Matplotlib colour map, for heat without a sign.
    """
    heat = heat_in(heatmap, region, (rgb.shape[1], rgb.shape[0])) / top
    return laid_over_signed(rgb, heat.clip(-1, 1)) if heatmap.signed else laid_over(rgb, heat.clip(0, 1), cmap)


def _weights(edges: NDArray[np.floating], cells: int) -> NDArray[np.float64]:
    """The weight of each cell for each drawn pixel, ``[pixels, cells]``; rows add up to 1.

    Args:
        edges: positions of the pixels' borders in cells from the grid's origin, ``[pixels + 1]``.
        cells: how many cells there are.
    """
    index = np.arange(cells)
    if (edges[-1] - edges[0]) / (len(edges) - 1) < 1:
        middle = ((edges[:-1] + edges[1:]) / 2 - 0.5).clip(0, cells - 1)
        return np.clip(1 - np.abs(middle[:, None] - index), 0, None)
    low = np.maximum(edges[:-1, None], index)
    high = np.minimum(edges[1:, None], index + 1)
    overlap = np.clip(high - low, 0, None)
    return overlap / overlap.sum(1, keepdims=True).clip(1e-12)
