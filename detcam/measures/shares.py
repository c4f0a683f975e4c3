"""Where a heatmap's heat lies: shares by region that add up to 1."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from detcam.attribution.heatmap import Heatmap
from detcam.imaging.boxes import grow

RING = 0.25  # of the box's width and height, on each side: the usual context of a crop
REGIONS = ("inside", "others", "ring", "elsewhere", "padding")


@dataclass(frozen=True)
class Shares:
    """The share of one heatmap's heat in each region; the five shares add up to 1.

    The heat is integrated on the canvas, constant over each cell. Where regions overlap, the first one counts: inside,
    then others, ring, elsewhere. All shares are NaN for a map without heat, or with a value that is not finite. They
    describe the map; they do not tell a good box from a bad one.

    Attributes:
        inside: in the detection's own box.
        others: in the boxes of other detections.
        ring: in a ring around the box, a quarter of its width and height wide.
        elsewhere: in the rest of the photograph.
        padding: on the canvas, outside the photograph.
        peak_inside: whether the centre of the cell with the highest value lies in the box; None without heat.
    """

    inside: float
    others: float
    ring: float
    elsewhere: float
    padding: float
    peak_inside: bool | None


def shares(heatmaps: Sequence[Heatmap], boxes: NDArray[np.floating]) -> list[Shares]:
    """The shares of each detection's heat.

    Args:
        heatmaps: one for each detection of one photograph.
        boxes: ``[N, 4]`` xyxy, source pixels: first those of the same detections in the same order, then any other
            detections of the photograph.

    Returns:
        One for each heatmap.
    """
    if not heatmaps:
        return []
    on_canvas = heatmaps[0].geometry.to_canvas(boxes)
    union = BoxUnion(on_canvas, heatmaps[0].geometry.content)
    return [_shares(heatmap, box, union) for heatmap, box in zip(heatmaps, on_canvas[: len(heatmaps)], strict=True)]


def _shares(heatmap: Heatmap, box: NDArray[np.floating], union: "BoxUnion") -> Shares:
    """``box`` ``[4]`` xyxy, canvas pixels."""
    heat = heatmap.heat.astype(float)
    if not (heat.any() and np.isfinite(heat).all()):
        return Shares(**dict.fromkeys(REGIONS, float("nan")), peak_inside=None)
    x, y = _covering(heatmap)
    ring = grow(box, RING)

    def within(area: NDArray[np.floating]) -> float:
        return float(np.diff(y.clip(area[1], area[3])) @ heat @ np.diff(x.clip(area[0], area[2])))

    def in_boxes(x: NDArray[np.floating], y: NDArray[np.floating]) -> float:
        return float((heat * np.diff(np.diff(union.area(x, y), axis=0), axis=1)).sum())

    inside, content = within(_common(box, union.content)), within(union.content)
    others = in_boxes(x, y) - inside  # the union of all boxes minus this box
    around = within(_common(ring, union.content)) - in_boxes(x.clip(ring[0], ring[2]), y.clip(ring[1], ring[3]))
    total = float(np.diff(y) @ heat @ np.diff(x))
    sums = inside, others, around, content - inside - others - around, total - content
    by_region = {name: max(value, 0.0) / total for name, value in zip(REGIONS, sums, strict=True)}
    return Shares(**by_region, peak_inside=_peak_inside(heatmap, box))


class BoxUnion:
    """The union of many boxes, as a summed-area table: the covered area of any rectangle is one look-up.

    Args:
        boxes: ``[N, 4]`` xyxy, canvas pixels.
        content: ``[4]`` xyxy, canvas pixels: the photograph, to which the boxes are clipped.

    Attributes:
        content: as given.
    """

    def __init__(self, boxes: NDArray[np.floating], content: NDArray[np.floating]) -> None:
        self.content = content
        x1, y1, x2, y2 = _common(boxes, content).T
        self._x, self._y = (np.unique(np.concatenate([ends, content[axis::2]])) for axis, ends in
                            ((0, np.concatenate([x1, x2])), (1, np.concatenate([y1, y2]))))
        covered = np.zeros((len(self._y) - 1, len(self._x) - 1), bool)
        for left, top, right, bottom in zip(*(np.searchsorted(axis, ends) for axis, ends in (
                (self._x, x1), (self._y, y1), (self._x, x2), (self._y, y2))), strict=True):
            covered[top:bottom, left:right] = True
        pieces = covered * np.outer(np.diff(self._y), np.diff(self._x))
        self._before = np.pad(pieces.cumsum(0).cumsum(1), ((1, 0), (1, 0)))

    def area(self, x: NDArray[np.floating], y: NDArray[np.floating]) -> NDArray[np.float64]:
        """The covered area, in square pixels, left of each ``x`` and above each ``y``: ``[len(y), len(x)]``.

        Args:
            x: positions along x, canvas pixels.
            y: positions along y, canvas pixels.
        """
        return _between(_between(self._before, self._x, x, 1), self._y, y, 0)  # exactly bilinear between box edges


def _between(table: NDArray[np.float64], known: NDArray[np.floating], wanted: NDArray[np.floating], axis: int
             ) -> NDArray[np.float64]:
    """A table with values at ``known`` positions along an axis, linearly interpolated at ``wanted`` ones."""
    wanted = wanted.clip(known[0], known[-1])
    after = np.searchsorted(known, wanted).clip(1, len(known) - 1)
    share = (wanted - known[after - 1]) / (known[after] - known[after - 1])
    share = share if axis else share[:, None]
    return table.take(after - 1, axis) * (1 - share) + table.take(after, axis) * share


def _common(boxes: NDArray[np.floating], content: NDArray[np.floating]) -> NDArray[np.floating]:
    """Each box ``[..., 4]`` clipped to the photograph ``content [4]``; of size 0 where it lies outside."""
    return np.clip(boxes, np.tile(content[:2], 2), np.tile(content[2:], 2))


def _covering(heatmap: Heatmap) -> list[NDArray[np.float64]]:
    """The cells' borders along x and y in canvas pixels, the outermost at the borders of the canvas."""
    height, width = heatmap.geometry.canvas
    edges = []
    for borders, side in zip(heatmap.cell_edges(), (width, height), strict=True):
        edges.append(np.concatenate([[0.0], borders[1:-1], [float(side)]]))
    return edges


def _peak_inside(heatmap: Heatmap, box: NDArray[np.floating]) -> bool:
    row, column = np.unravel_index(int(heatmap.values.argmax()), heatmap.values.shape)
    x, y = heatmap.cell_edges()
    centre_x, centre_y = (x[column] + x[column + 1]) / 2, (y[row] + y[row + 1]) / 2
    return bool(box[0] <= centre_x <= box[2] and box[1] <= centre_y <= box[3])
