"""Insertion and deletion (Petsiuk et al. 2018, section 4.2; 2021, section 4.3) of a box's score.

Pixels of the photograph are taken in the order of the map, highest first. Deletion replaces them by a baseline,
insertion puts them onto the baseline. The score is that of the box's own row. Only for detectors whose rows mean other
boxes on every changed copy is it the largest IoU times score of any row.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from detcam.attribution.heatmap import Heatmap
from detcam.attribution.inputs.baselines import BASELINES, photograph_pixels
from detcam.detectors.base import Detector
from detcam.detectors.canvas import Canvas
from detcam.detectors.detections import Detections
from detcam.diagnosis.interventions.copies import CHUNK, read_copies

Array = NDArray[np.float64]

STEPS = 16
FINEST = 0.01  # of the photograph's pixels: the first step
FIRST = 0.10  # of the photograph's pixels: an early point of each curve, where maps differ most
NOT_PHOTO = -1


def pixel_shares(steps: int = STEPS) -> Array:
    """The shares of pixels at which curves are read, float64 ``[steps + 2]`` from 0 to 1.

    After 0, half of the steps run from 1 % to 10 % of the pixels by equal factors, the other half to 100 % in equal
    steps: a good map changes the score within the first few per cent, a bad one anywhere.

    Args:
        steps: at least 2.
    """
    early = steps // 2
    grown, even = np.geomspace(FINEST, FIRST, early + 1), np.linspace(FIRST, 1.0, steps - early + 1)
    return np.concatenate([[0.0], grown, even[1:]])


def pixel_ranks(heatmap: Heatmap, seed: int = 0) -> NDArray[np.int64]:
    """The rank of each canvas pixel in the order of the map's heat: 0 is the highest.

    Between the centres of cells the heat is interpolated bilinearly. Pixels of equal heat, such as the zeros around a
    local map, have a random order, the same for every map of the canvas.

    Args:
        heatmap: of one detection.
        seed: of the random order.

    Returns:
        int64 ``[h, w]`` canvas pixels; -1 outside the photograph.
    """
    values = _at_pixels(heatmap)
    inside = np.flatnonzero(photograph_pixels(heatmap.geometry))
    ties = np.random.default_rng(seed).permutation(len(inside))
    ranks = np.full(values.size, NOT_PHOTO, dtype=np.int64)
    ranks[inside[np.lexsort((ties, -values.ravel()[inside]))]] = np.arange(len(inside))
    return ranks.reshape(values.shape)


def _at_pixels(heatmap: Heatmap) -> Array:
    """The heat ``[h, w]`` at the centres of canvas pixels: bilinear between cell centres, constant beyond the last."""
    values = heatmap.heat.astype(np.float64)
    for axis, (side, stride, origin) in enumerate(zip(heatmap.geometry.canvas, heatmap.grid.stride[::-1],
                                                      heatmap.grid.origin[::-1], strict=True)):
        last = values.shape[axis] - 1
        place = ((np.arange(side) + 0.5 - origin) / stride - 0.5).clip(0, last)
        low = np.floor(place).astype(int).clip(0, max(last - 1, 0))
        part = np.expand_dims(place - low, 1 - axis)
        first, second = values.take(low, axis), values.take((low + 1).clip(0, last), axis)
        values = first + part * (second - first)  # exact where both are equal
    return values


@dataclass(frozen=True)
class Curve:
    """A detection's probability against the share of pixels that were inserted or deleted.

    Attributes:
        shares: ``[K]`` shares of the photograph's pixels, from 0 to 1.
        row: ``[K]`` probability of the box's own row, or of the row most similar to it where rows mean other boxes on
            every copy.
        best: ``[K]`` probability of the best row with the same label and an IoU of at least 0.5 with the box; 0 if
            there is none.
    """

    shares: Array
    row: Array
    best: Array

    def area(self, of: str = "row") -> float:
        """The area under the curve ``"row"`` or ``"best"`` over shares from 0 to 1, by trapezoids."""
        values = getattr(self, of)
        return float(((values[1:] + values[:-1]) / 2 * np.diff(self.shares)).sum())

    def first(self, of: str = "row") -> float:
        """The value of the curve ``"row"`` or ``"best"`` at 10 % of the pixels."""
        return float(np.interp(FIRST, self.shares, getattr(self, of)))


class InsertionDeletion:
    """The insertion and deletion curves of one detection, read on masked copies of the canvas.

    Args:
        detector: what is explained.
        canvas: one photograph.
        detection: one detection.
        baselines: names in :data:`detcam.attribution.inputs.baselines.BASELINES`.
        chunk: masked canvases in one forward pass; it changes the memory, not the result.
    """

    def __init__(self, detector: Detector, canvas: Canvas, detection: Detections,
                 baselines: Sequence[str] = tuple(BASELINES), chunk: int = CHUNK) -> None:
        self._detector, self._canvas, self._chunk = detector, canvas, chunk
        self._detection = detection
        self.baselines = {name: BASELINES[name](canvas) for name in baselines}
        unmixed = [canvas.pixels[0], *(baseline[0] for baseline in self.baselines.values())]
        ends = self._read(lambda i: unmixed[i], len(unmixed))
        self._whole, self._empty = ends[:, 0], dict(zip(self.baselines, ends.T[1:], strict=True))

    @property
    def score(self) -> float:
        """The row's probability on the photograph itself."""
        return float(self._whole[0])

    def empty_score(self, baseline: str) -> float:
        """The row's probability on a baseline alone."""
        return float(self._empty[baseline][0])

    def curves(self, ranks: NDArray[np.int64], shares: Array) -> dict[str, tuple[Curve, Curve]]:
        """The deletion and the insertion curve for each baseline, by its name.

        Args:
            ranks: ``[h, w]`` canvas pixels, from :func:`pixel_ranks`.
            shares: ``[K]`` increasing from 0 to 1, from :func:`pixel_shares`.
        """
        between = shares[1:-1]
        table = self._masked(ranks, between).reshape(2, len(self.baselines), 2, len(between))
        curves = {}
        for index, name in enumerate(self.baselines):
            ends = (self._whole, self._empty[name])
            both = []
            for kind, (start, end) in enumerate((ends, ends[::-1])):
                row, best = np.column_stack([start, table[:, index, kind], end])
                both.append(Curve(shares, row, best))
            curves[name] = (both[0], both[1])
        return curves

    def _masked(self, ranks: NDArray[np.int64], shares: Array) -> Array:
        """What :meth:`_read` returns for each baseline: deletion at all shares, then insertion."""
        whole = self._canvas.pixels[0]
        rank = torch.from_numpy(ranks).to(whole.device)
        mixed = [(above, below, count) for baseline in self.baselines.values()
                 for above, below in ((baseline[0], whole), (whole, baseline[0]))
                 for count in np.rint(shares * (ranks.max() + 1)).astype(int).tolist()]

        def copy(i: int) -> Tensor:
            above, below, count = mixed[i]
            return torch.where((rank >= 0) & (rank < count), above, below)

        return self._read(copy, len(mixed))

    def _read(self, copy: Callable[[int], Tensor], count: int) -> Array:
        """The probabilities of the row and of the best row on each copy, ``[2, count]``."""
        readings = read_copies(self._detector, self._canvas, self._detection, copy, count, self._chunk)
        return np.stack([readings.own[0], readings.best[0]])
