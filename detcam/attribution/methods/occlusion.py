"""Occlusion (Zeiler and Fergus 2014, section 4.2)."""

import torch
from torch import Generator, Tensor

from detcam.attribution.chunks import in_chunks
from detcam.attribution.inputs.baselines import baseline_of, photograph_slices
from detcam.attribution.runners.scored import Scores
from detcam.errors import MethodError

WINDOW = 0.1  # of the canvas's longer side, 64 px at 640: the paper does not say how large its square is
STRIDE = 0.05  # likewise; half a window, so that a pixel is hidden four times
BASELINE = "grey"  # the paper's
CHUNK = 8  # copies in one forward pass: what bounds the memory


def occlusion(scores: Scores, pixels: Tensor, generator: Generator, window: float = WINDOW, stride: float = STRIDE,
              baseline: str = BASELINE) -> Tensor:
    """How far the target falls while a square hides a pixel, the mean over all squares that do: ``[N, h, w]``.

    The paper draws the score by the place of the square's centre. The mean over squares gives every pixel a value, and
    is what captum draws. Squares slide over the photograph, and the last ones end with it; all boxes share them.

    Args:
        scores: changed canvases ``[S, 3, h, w]`` to targets ``[N, S]``.
        pixels: ``[1, 3, h, w]`` RGB in 0..1.
        generator: not used.
        window: side of the square, as a share of the canvas's longer side; at least a pixel.
        stride: from one square to the next, likewise; at most a window, or pixels would be left out.
        baseline: what the square shows, one of :data:`detcam.attribution.inputs.baselines.STARTS`.

    Raises:
        MethodError: window or stride are out of range, or there is no such baseline.
    """
    if not 0 < stride <= window <= 1:
        raise MethodError(f"window {window}, stride {stride}: expected 0 < stride <= window <= 1, as shares of the "
                          "canvas's longer side")
    hidden = baseline_of(scores.canvas, baseline)
    side, step = (max(1, round(share * max(pixels.shape[-2:]))) for share in (window, stride))
    rows, columns = photograph_slices(scores.canvas.geometries[0])
    squares = torch.tensor([(top, bottom, left, right) for top, bottom in _spans(rows, side, step)
                            for left, right in _spans(columns, side, step)])

    def falls(some: Tensor) -> Tensor:
        copies = pixels.repeat(len(some), 1, 1, 1)
        for copy, (top, bottom, left, right) in zip(copies, some.tolist(), strict=True):
            copy[:, top:bottom, left:right] = hidden[0, :, top:bottom, left:right]
        return whole - scores(copies)

    whole = scores(pixels)
    fallen = torch.cat(list(in_chunks(falls, squares, CHUNK)), 1)
    total, times = pixels.new_zeros(len(fallen), *pixels.shape[-2:]), pixels.new_zeros(pixels.shape[-2:])
    for own, (top, bottom, left, right) in zip(fallen.T, squares.tolist(), strict=True):
        total[:, top:bottom, left:right] += own[:, None, None]
        times[top:bottom, left:right] += 1
    return total / times.clamp(min=1)


def _spans(along: slice, side: int, step: int) -> list[tuple[int, int]]:
    """First and last (excluded) pixel of the squares along one side of the photograph."""
    count = max(0, -(-(along.stop - along.start - side) // step)) + 1
    starts = [along.start + index * step for index in range(count)]
    return [(start, min(start + side, along.stop)) for start in starts]
