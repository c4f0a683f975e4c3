"""A photograph stretched to a small size, reading no more of its pixels than the result needs."""

import numpy as np
from numpy.typing import NDArray


def stretched(rgb: NDArray[np.uint8], size: tuple[int, int]) -> NDArray[np.float32]:
    """Bilinear interpolation between the four nearest pixels, as PyTorch's ``interpolate`` without antialiasing.

    Each new pixel reads four old ones, however large the photograph is.

    Args:
        rgb: uint8 ``[H, W, 3]``.
        size: new width and height, pixels.

    Returns:
        float32 ``[height, width, 3]`` in 0..1.
    """
    left, right, across = _between(rgb.shape[1], size[0])
    top, bottom, down = _between(rgb.shape[0], size[1])

    def row(y: NDArray[np.int64]) -> NDArray[np.float32]:
        first, second = (rgb[np.ix_(y, x)].astype(np.float32) for x in (left, right))
        return first * (1 - across[:, None]) + second * across[:, None]

    return (row(top) * (1 - down[:, None, None]) + row(bottom) * down[:, None, None]) / np.float32(255)


def _between(old: int, new: int) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float32]]:
    """For each new pixel the old ones on both sides of its centre, and how much the second counts, ``[new]`` each."""
    centres = np.float32(old / new) * (np.arange(new, dtype=np.float32) + np.float32(0.5)) - np.float32(0.5)
    centres = centres.clip(0, None)
    first = centres.astype(np.int64).clip(None, old - 1)
    return first, (first + 1).clip(None, old - 1), centres - first.astype(np.float32)
