"""Where the cells of a map lie on a canvas."""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Grid:
    """Where the cells of a map lie on the canvas: cell ``(y, x)`` covers ``origin + [x, x + 1] * stride``.

    Attributes:
        stride: canvas pixels from one cell to the next, along x and along y.
        origin: canvas position of the first cell's top left corner, x and y.
    """

    stride: tuple[float, float]
    origin: tuple[float, float] = (0.0, 0.0)


def grid_of_centres(centres_x: Sequence[float], centres_y: Sequence[float]) -> Grid:
    """The grid whose cells have the given centres (canvas pixels); a single cell is taken as centred."""

    def axis(centres: Sequence[float]) -> tuple[float, float]:
        first = float(centres[0])
        stride = 2 * first if len(centres) == 1 else (float(centres[-1]) - first) / (len(centres) - 1)
        return round(stride, 3), round(first - stride / 2, 3)  # the centres are float32

    (sx, ox), (sy, oy) = axis(centres_x), axis(centres_y)
    return Grid((sx, sy), (ox, oy))
