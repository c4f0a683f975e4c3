"""Baseline maps that do not use the network: a method has to do better than these."""

import numpy as np
from numpy.typing import NDArray

from detcam.attribution.heatmap import Heatmap
from detcam.imaging.geometry import Geometry
from detcam.imaging.grid import Grid

SIGMA = 0.25  # of the box's width and height: its edges lie two standard deviations from the centre


def gaussian_map(geometry: Geometry, box: NDArray[np.floating]) -> Heatmap:
    """A Gaussian on the box's centre, with a standard deviation of a quarter of its width and height.

    The *order* of its pixels does not depend on that quarter, only on the box's centre and aspect ratio. The shares of
    its heat do.

    Args:
        geometry: of the photograph on the canvas.
        box: ``[4]`` xyxy, canvas pixels.

    Returns:
        A map of the canvas's pixels, ``[h, w]``.
    """
    height, width = geometry.canvas
    profiles = []
    for low, high, side in ((box[1], box[3], height), (box[0], box[2], width)):
        distance = np.arange(side) + 0.5 - (low + high) / 2
        profiles.append(np.exp(-0.5 * (distance / (SIGMA * max(high - low, 1.0))) ** 2))
    return Heatmap(np.outer(*profiles), Grid((1.0, 1.0)), geometry, "gaussian")  # float64: far pixels keep an order


def random_map(geometry: Geometry, grid: Grid, shape: tuple[int, int], seed: int) -> Heatmap:
    """A random number from 0 to 1 for each cell of a grid.

    Args:
        geometry: of the photograph on the canvas.
        grid: the position of the cells on the canvas.
        shape: ``(rows, columns)`` of cells.
        seed: of the random numbers.
    """
    values = np.random.default_rng(seed).random(shape).astype(np.float32)
    return Heatmap(values, grid, geometry, "random")
