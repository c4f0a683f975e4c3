"""What a photograph is without what it shows: out of focus, or one colour."""

from collections.abc import Callable

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from detcam.detectors.base import Canvas
from detcam.imaging import Geometry

Array = NDArray[np.float64]

BLUR = 0.05  # of the canvas's longer side: the blur's standard deviation, 32 px at 640: it leaves no face or limb


def photograph_pixels(geometry: Geometry) -> NDArray[np.bool_]:
    """Canvas pixels whose centres lie on the photograph, ``[h, w]``; the others are padding."""
    x1, y1, x2, y2 = geometry.content
    x, y = np.arange(geometry.canvas[1]) + 0.5, np.arange(geometry.canvas[0]) + 0.5
    return np.outer((y > y1) & (y < y2), (x > x1) & (x < x2))


def blurred(canvas: Canvas) -> Tensor:
    """The photograph out of focus (Gaussian, 5 % of the canvas's longer side), the padding as it is."""
    import cv2  # imported late: it sets environment variables

    sigma = BLUR * max(canvas.geometries[0].canvas)

    def blur(photo: Array) -> Array:
        return np.asarray(cv2.GaussianBlur(photo, (0, 0), sigma, borderType=cv2.BORDER_REFLECT), np.float64)

    return _with_photograph(canvas, blur)


def mean_colour(canvas: Canvas) -> Tensor:
    """The photograph's mean colour everywhere, the padding as it is."""
    return _with_photograph(canvas, lambda photo: np.broadcast_to(photo.mean((0, 1)), photo.shape))


BASELINES: dict[str, Callable[[Canvas], Tensor]] = {"blur": blurred, "mean": mean_colour}
"""What takes the place of a pixel: a name to ``canvas -> [1, 3, h, w]``."""


def _with_photograph(canvas: Canvas, change: Callable[[Array], Array]) -> Tensor:
    inside = photograph_pixels(canvas.geometries[0])
    rows, columns = np.flatnonzero(inside.any(1)), np.flatnonzero(inside.any(0))
    own = (slice(rows[0], rows[-1] + 1), slice(columns[0], columns[-1] + 1))
    pixels = canvas.pixels[0].permute(1, 2, 0).cpu().double().numpy().copy()
    pixels[own] = change(pixels[own])
    return torch.from_numpy(pixels).permute(2, 0, 1)[None].to(canvas.pixels)


def from_blur(canvas: Canvas, steps: int) -> Tensor:
    """The photograph coming into focus: ``steps`` + 1 blends, from blurred to itself, ``[steps + 1, 3, h, w]``."""
    blur = blurred(canvas)
    shares = torch.linspace(0, 1, steps + 1, dtype=blur.dtype, device=blur.device).view(-1, 1, 1, 1)
    return blur + shares * (canvas.pixels - blur)
