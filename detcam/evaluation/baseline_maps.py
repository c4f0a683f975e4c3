"""Maps that know nothing of the network: what a method has to beat."""

import numpy as np
from numpy.typing import NDArray

from detcam.attribution.heatmap import Heatmap
from detcam.imaging.geometry import Geometry
from detcam.imaging.grid import Grid

SIGMA = 0.25  # of the box's width and height: its edges lie two standard deviations from the centre


def gaussian_map(geometry: Geometry, box: NDArray[np.floating]) -> Heatmap:
    """A Gaussian on the box's centre, a quarter of its width and height wide: no network at all, only the box.

    Its *order* of pixels does not depend on that quarter, only on the box's centre and aspect; the shares do.

    Args:
        geometry: of the canvas.
        box: ``[4]`` xyxy, canvas pixels.
    """
    height, width = geometry.canvas
    profiles = []
    for low, high, side in ((box[1], box[3], height), (box[0], box[2], width)):
        distance = np.arange(side) + 0.5 - (low + high) / 2
        profiles.append(np.exp(-0.5 * (distance / (SIGMA * max(high - low, 1.0))) ** 2))
    return Heatmap(np.outer(*profiles), Grid((1.0, 1.0)), geometry, "gaussian")  # float64: far pixels keep an order


def random_map(geometry: Geometry, grid: Grid, shape: tuple[int, int], seed: int) -> Heatmap:
    """A number from 0 to 1 for each cell of a grid, independent of everything.

    Args:
        geometry: of the canvas.
        grid: where the cells lie on it.
        shape: ``(rows, columns)`` of cells.
        seed: where the numbers start from.
    """
    values = np.random.default_rng(seed).random(shape).astype(np.float32)
    return Heatmap(values, grid, geometry, "random")
