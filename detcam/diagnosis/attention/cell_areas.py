"""How much of a map's cells lies on an object, on another or on none, in any rectangle of the canvas."""

import numpy as np
from numpy.typing import NDArray

from detcam.attribution.heatmap import Heatmap
from detcam.diagnosis.attention.mask_shares import Mask, pixels_shared, whole_edges
from detcam.measures.shares import BoxUnion

Array = NDArray[np.float64]


class CellAreas:
    """How much of each of a map's cells lies in a rectangle of the canvas: in all, on the object, and on no object.

    Rectangles are ``[4]`` xyxy canvas pixels; areas are ``[gh, gw]``, one a cell, in squared canvas pixels. What lies
    outside of the photograph counts nowhere.

    Args:
        heatmap: the map.
        box: ``[4]`` xyxy, source pixels: the object.
        others: ``[M, 4]`` xyxy, source pixels: the other objects of the photograph.
        mask: ``[H, W]`` True on the object, source pixels; it takes the place of its box.

    Attributes:
        photograph: where it lies on the canvas, ``[4]`` xyxy canvas pixels.
    """

    def __init__(self, heatmap: Heatmap, box: NDArray[np.floating], others: NDArray[np.floating], mask: Mask | None
                 ) -> None:
        self._geometry, self._mask = heatmap.geometry, mask
        self._x, self._y = whole_edges(heatmap)
        self.photograph, self._box = self._geometry.content, self._geometry.to_canvas(box)
        others = np.reshape(others, (-1, 4))
        known = others if mask is not None else np.concatenate([others, box[None]])
        self._boxes = BoxUnion(self._geometry.to_canvas(known), self.photograph)
        self._rest = None if mask is None else mask & ~_pixels_in(others, mask.shape)

    def covered(self, within: NDArray[np.floating]) -> Array:
        """The parts of the cells that lie in a rectangle."""
        x, y = self._borders(within)
        return np.outer(np.diff(y), np.diff(x))

    def on_object(self, within: NDArray[np.floating]) -> Array:
        """Those parts that lie on the object."""
        return self.covered(_common(within, self._box)) if self._mask is None else self._on(self._mask, within)

    def on_no_object(self, within: NDArray[np.floating]) -> Array:
        """Those parts that lie on no object: neither on this one nor in the box of another."""
        in_boxes = np.diff(np.diff(self._boxes.area(*self._borders(within)), axis=0), axis=1)
        outside = self.covered(within) - in_boxes
        return (outside if self._rest is None else outside - self._on(self._rest, within)).clip(0)

    def _on(self, mask: Mask, within: NDArray[np.floating]) -> Array:
        """Those parts that lie on a mask ``[H, W]``, source pixels."""
        rows, columns = pixels_shared(*self._borders(within), self._geometry)
        return np.asarray(rows @ mask.astype(np.float64) @ columns.T)

    def _borders(self, within: NDArray[np.floating]) -> tuple[Array, Array]:
        """The cells' borders along x ``[gw + 1]`` and y ``[gh + 1]``, moved into a rectangle on the photograph."""
        x1, y1, x2, y2 = _common(within, self.photograph)
        return self._x.clip(x1, max(x1, x2)), self._y.clip(y1, max(y1, y2))


def _pixels_in(boxes: NDArray[np.floating], shape: tuple[int, ...]) -> Mask:
    """Source pixels ``[H, W]`` whose centres lie in any of some boxes ``[M, 4]`` xyxy, source pixels."""
    y, x = (np.arange(side) + 0.5 for side in shape)
    inside = np.zeros(shape, bool)
    for x1, y1, x2, y2 in boxes:
        inside |= np.outer((y > y1) & (y < y2), (x > x1) & (x < x2))
    return inside


def _common(a: NDArray[np.floating], b: NDArray[np.floating]) -> NDArray[np.floating]:
    """The rectangle ``[4]`` that two share; its far side comes before its near one where they share none."""
    return np.concatenate([np.maximum(a[:2], b[:2]), np.minimum(a[2:], b[2:])])
