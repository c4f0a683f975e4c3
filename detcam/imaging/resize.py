"""Resizing a photograph without reading more of its pixels than the result needs."""

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.floating]


def stretched(rgb: NDArray[np.uint8], size: tuple[int, int], kind: type[np.floating] = np.float32) -> Floats:
    """Resize a photograph by bilinear interpolation, as PyTorch's ``interpolate`` does without antialiasing.

    Each new pixel reads its four nearest old ones, however large the photograph is. Its aspect ratio is not kept.

    Args:
        rgb: uint8 ``[H, W, 3]``.
        size: new width and height, pixels.
        kind: the float type to compute in; PyTorch computes in the type of its input.

    Returns:
        Floats of that type ``[height, width, 3]`` in 0..1.
    """
    left, right, across = _between(rgb.shape[1], size[0], kind)
    top, bottom, down = _between(rgb.shape[0], size[1], kind)

    def row(y: NDArray[np.int64]) -> Floats:
        first, second = (rgb[np.ix_(y, x)].astype(kind) for x in (left, right))
        return first * (1 - across[:, None]) + second * across[:, None]

    return (row(top) * (1 - down[:, None, None]) + row(bottom) * down[:, None, None]) / kind(255)


def _between(old: int, new: int, kind: type[np.floating]) -> tuple[NDArray[np.int64], NDArray[np.int64], Floats]:
    """For each new pixel the indices of its two nearest old ones, and the weight of the second: ``[new]`` each."""
    centres = kind(old / new) * (np.arange(new, dtype=kind) + kind(0.5)) - kind(0.5)
    centres = centres.clip(0, None)
    first = centres.astype(np.int64).clip(None, old - 1)
    return first, (first + 1).clip(None, old - 1), centres - first.astype(kind)
