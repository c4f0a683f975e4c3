"""Baselines of a photograph: blurred, or one colour."""

from collections.abc import Callable

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from detcam.detectors.canvas import Canvas
from detcam.errors import MethodError
from detcam.imaging.geometry import Geometry

Array = NDArray[np.float64]

BLUR = 0.05  # standard deviation, as a share of the canvas's longer side: 32 px at 640 blur any face or limb away


def photograph_pixels(geometry: Geometry) -> NDArray[np.bool_]:
    """The canvas pixels whose centres lie on the photograph, True in ``[h, w]``; the others are padding."""
    x1, y1, x2, y2 = geometry.content
    x, y = np.arange(geometry.canvas[1]) + 0.5, np.arange(geometry.canvas[0]) + 0.5
    return np.outer((y > y1) & (y < y2), (x > x1) & (x < x2))


def out_of_focus(pixels: Tensor, geometry: Geometry, sigma: float) -> Tensor:
    """A canvas with its photograph blurred by a Gaussian; the padding stays as it is.

    Args:
        pixels: ``[1, 3, h, w]``.
        geometry: of the photograph on the canvas.
        sigma: standard deviation, canvas pixels; 0 or less returns the pixels as they are.

    Returns:
        ``[1, 3, h, w]``.
    """
    import cv2  # imported late: it sets environment variables

    if sigma <= 0:
        return pixels

    def blur(photo: Array) -> Array:
        return np.asarray(cv2.GaussianBlur(photo, (0, 0), sigma, borderType=cv2.BORDER_REFLECT), np.float64)

    return _with_photograph(pixels, geometry, blur)


def blurred(canvas: Canvas) -> Tensor:
    """The canvas with its photograph blurred (Gaussian, 5 % of the canvas's longer side), ``[1, 3, h, w]``."""
    geometry = canvas.geometries[0]
    return out_of_focus(canvas.pixels, geometry, BLUR * max(geometry.canvas))


def mean_colour(canvas: Canvas) -> Tensor:
    """The canvas with its photograph replaced by its mean colour, ``[1, 3, h, w]``; the padding stays as it is."""
    return _with_photograph(canvas.pixels, canvas.geometries[0],
                            lambda photo: np.broadcast_to(photo.mean((0, 1)), photo.shape))


def _one_colour(value: float) -> Callable[[Canvas], Tensor]:
    return lambda canvas: _with_photograph(canvas.pixels, canvas.geometries[0],
                                           lambda photo: np.full_like(photo, value))


BASELINES: dict[str, Callable[[Canvas], Tensor]] = {"blur": blurred, "mean": mean_colour}
"""The baselines of insertion and deletion by name: ``canvas -> [1, 3, h, w]``; the padding stays as it is."""

STARTS: dict[str, Callable[[Canvas], Tensor]] = {
    "black": _one_colour(0.0), "white": _one_colour(1.0), "grey": _one_colour(0.5), **BASELINES}
"""The baselines of paths and of occlusion by name: ``canvas -> [1, 3, h, w]``; the padding stays as it is."""


def baseline_of(canvas: Canvas, name: str) -> Tensor:
    """The baseline of a name in :data:`STARTS` for a canvas of one photograph, ``[1, 3, h, w]``.

    Raises:
        MethodError: there is no baseline of that name.
    """
    if name not in STARTS:
        raise MethodError(f"unknown baseline {name!r}; known: {', '.join(STARTS)}")
    return STARTS[name](canvas)


def photograph_slices(geometry: Geometry) -> tuple[slice, slice]:
    """The rows and the columns of the canvas whose pixel centres lie on the photograph."""
    inside = photograph_pixels(geometry)
    rows, columns = np.flatnonzero(inside.any(1)), np.flatnonzero(inside.any(0))
    return slice(int(rows[0]), int(rows[-1]) + 1), slice(int(columns[0]), int(columns[-1]) + 1)


def _with_photograph(canvas: Tensor, geometry: Geometry, change: Callable[[Array], Array]) -> Tensor:
    """The canvas ``[1, 3, h, w]`` with ``change`` applied to its photograph ``[H, W, 3]`` alone."""
    inside = photograph_slices(geometry)
    pixels = canvas[0].permute(1, 2, 0).cpu().double().numpy().copy()
    pixels[inside] = change(pixels[inside])
    return torch.from_numpy(pixels).permute(2, 0, 1)[None].to(canvas)


def from_blur(canvas: Canvas, steps: int) -> Tensor:
    """Blends from the blurred to the sharp photograph, in even steps.

    Args:
        canvas: one photograph.
        steps: at least 1.

    Returns:
        ``[steps + 1, 3, h, w]``: the first is blurred, the last is the photograph itself.
    """
    blur = blurred(canvas)
    shares = torch.linspace(0, 1, steps + 1, dtype=blur.dtype, device=blur.device).view(-1, 1, 1, 1)
    return blur + shares * (canvas.pixels - blur)
