"""The position of a feature map's cells on the canvas."""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Grid:
    """The position of a map's cells on the canvas, canvas pixels.

    The cell in row ``y`` and column ``x`` covers ``origin + [x, x + 1] * stride`` along x, and likewise along y.

    Attributes:
        stride: distance from one cell to the next, along x and along y.
        origin: top left corner of the first cell, x and y.
    """

    stride: tuple[float, float]
    origin: tuple[float, float] = (0.0, 0.0)


def grid_of_centres(centres_x: Sequence[float], centres_y: Sequence[float]) -> Grid:
    """The grid whose cells have the given centres.

    Args:
        centres_x: one for each column, canvas pixels, evenly spaced. A single one is the middle of a cell that starts
            at 0.
        centres_y: one for each row, likewise.
    """

    def axis(centres: Sequence[float]) -> tuple[float, float]:
        first = float(centres[0])
        stride = 2 * first if len(centres) == 1 else (float(centres[-1]) - first) / (len(centres) - 1)
        return round(stride, 3), round(first - stride / 2, 3)  # the centres are float32

    (sx, ox), (sy, oy) = axis(centres_x), axis(centres_y)
    return Grid((sx, sy), (ox, oy))
