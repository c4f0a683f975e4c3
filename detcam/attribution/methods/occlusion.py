"""Occlusion (Zeiler and Fergus 2014, section 4.2)."""

import torch
from torch import Generator, Tensor

from detcam.attribution.chunks import in_chunks
from detcam.attribution.inputs.baselines import baseline_of, photograph_slices
from detcam.attribution.runners.scored import Scores
from detcam.errors import MethodError

WINDOW = 0.1  # of the canvas's longer side, 64 px at 640: the paper does not say how large its square is
STRIDE = 0.05  # likewise; half a window, so that every pixel is covered four times
BASELINE = "grey"  # the paper's
CHUNK = 8  # copies in one forward pass: this limits the memory


def occlusion(scores: Scores, pixels: Tensor, generator: Generator, window: float = WINDOW, stride: float = STRIDE,
              baseline: str = BASELINE) -> Tensor:
    """How far the target drops while a square covers a pixel: the mean over all squares that cover it.

    The paper plots the score over the position of the square's centre. The mean over squares gives every pixel a value,
    as in captum. Squares slide over the photograph, and the last ones end at its border. All boxes share them.

    Args:
        scores: changed canvases ``[S, 3, h, w]`` to targets ``[N, S]``.
        pixels: ``[1, 3, h, w]`` RGB in 0..1.
        generator: not used.
        window: side of the square, as a share of the canvas's longer side; at least one pixel.
        stride: distance between squares, likewise; at most a window, so that no pixel is left out.
        baseline: the pixels in the square, one of :data:`detcam.attribution.inputs.baselines.STARTS`.

    Returns:
        ``[N, h, w]`` canvas pixels for N boxes.

    Raises:
        MethodError: window or stride are out of range, or there is no such baseline.
    """
    if not 0 < stride <= window <= 1:
        raise MethodError(f"window {window}, stride {stride}: expected 0 < stride <= window <= 1, as shares of the "
                          "canvas's longer side")
    covered = baseline_of(scores.canvas, baseline)
    side, step = (max(1, round(share * max(pixels.shape[-2:]))) for share in (window, stride))
    rows, columns = photograph_slices(scores.canvas.geometries[0])
    squares = torch.tensor([(top, bottom, left, right) for top, bottom in _spans(rows, side, step)
                            for left, right in _spans(columns, side, step)])

    def drops(some: Tensor) -> Tensor:
        copies = pixels.repeat(len(some), 1, 1, 1)
        for copy, (top, bottom, left, right) in zip(copies, some.tolist(), strict=True):
            copy[:, top:bottom, left:right] = covered[0, :, top:bottom, left:right]
        return whole - scores(copies)

    whole = scores(pixels)
    dropped = torch.cat(list(in_chunks(drops, squares, CHUNK)), 1)
    total, times = pixels.new_zeros(len(dropped), *pixels.shape[-2:]), pixels.new_zeros(pixels.shape[-2:])
    for drop, (top, bottom, left, right) in zip(dropped.T, squares.tolist(), strict=True):
        total[:, top:bottom, left:right] += drop[:, None, None]
        times[top:bottom, left:right] += 1
    return total / times.clamp(min=1)


def _spans(along: slice, side: int, step: int) -> list[tuple[int, int]]:
    """Start and end (excluded) of the squares along one side of the photograph, canvas pixels."""
    count = max(0, -(-(along.stop - along.start - side) // step)) + 1
    starts = [along.start + index * step for index in range(count)]
    return [(start, min(start + side, along.stop)) for start in starts]
