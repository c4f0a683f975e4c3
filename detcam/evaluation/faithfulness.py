"""Insertion and deletion (Petsiuk et al. 2018, section 4.2; 2021, section 4.3): a box's own score as pixels come or go.

Pixels of the photograph are taken in the order of the map, highest first. Deletion puts a baseline in their place,
insertion puts them onto the baseline. What is read is the box's own row: never matched anew, but where rows are others
on every changed copy: there it is the largest IoU times score of any row.
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
FIRST = 0.10  # of the photograph's pixels: an early value of each curve, where maps differ most
NOT_PHOTO = -1


def pixel_shares(steps: int = STEPS) -> Array:
    """Where the curves are read: 0, then from 1 % to 10 % of the pixels by equal factors, and to all in equal steps.

    Half of the steps each: a good map changes the score in the first few per cent, a bad one anywhere.
    """
    early = steps // 2
    grown, even = np.geomspace(FINEST, FIRST, early + 1), np.linspace(FIRST, 1.0, steps - early + 1)
    return np.concatenate([[0.0], grown, even[1:]])


def pixel_ranks(heatmap: Heatmap, seed: int = 0) -> NDArray[np.int64]:
    """Each canvas pixel's place in the map's order, ``[h, w]``: 0 is the first, -1 lies outside the photograph.

    The positive part counts, as it does where a map is drawn or its shares are taken. Between the centres of cells it
    is interpolated bilinearly. Pixels of equal value, such as the zeros around a local map, come in a random order that
    is the same for every map of the canvas: a map that says nothing of them gets no order for nothing.
    """
    values = _at_pixels(heatmap)
    inside = np.flatnonzero(photograph_pixels(heatmap.geometry))
    ties = np.random.default_rng(seed).permutation(len(inside))
    ranks = np.full(values.size, NOT_PHOTO, dtype=np.int64)
    ranks[inside[np.lexsort((ties, -values.ravel()[inside]))]] = np.arange(len(inside))
    return ranks.reshape(values.shape)


def _at_pixels(heatmap: Heatmap) -> Array:
    """The positive part at the canvas's pixel centres: bilinear between those of cells, constant beyond the last."""
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
    """Probabilities along the shares of pixels that came or went.

    Attributes:
        shares: ``[K]`` of the photograph's pixels, from 0 to 1.
        row: ``[K]`` of the box's own row, or of the row most similar to it where rows are others on every copy.
        best: ``[K]`` of the best row of the same label that overlaps the box with an IoU of at least 0.5, 0 if none.
    """

    shares: Array
    row: Array
    best: Array

    def area(self, of: str = "row") -> float:
        """Area under the curve (trapezoids), over shares from 0 to 1."""
        values = getattr(self, of)
        return float(((values[1:] + values[:-1]) / 2 * np.diff(self.shares)).sum())

    def first(self, of: str = "row") -> float:
        """The value at the first 10 % of the pixels."""
        return float(np.interp(FIRST, self.shares, getattr(self, of)))


class Probe:
    """One detection of a photograph, read on masked copies of the canvas.

    Args:
        detector: what is explained.
        canvas: one photograph.
        detection: the box, alone.
        baselines: names of :data:`detcam.attribution.inputs.baselines.BASELINES`.
        chunk: masked canvases in one forward pass; the memory grows with it, the result does not depend on it.
    """

    def __init__(self, detector: Detector, canvas: Canvas, detection: Detections,
                 baselines: Sequence[str] = tuple(BASELINES), chunk: int = CHUNK) -> None:
        self._detector, self._canvas, self._chunk = detector, canvas, chunk
        self._detection = detection
        self.baselines = {name: BASELINES[name](canvas) for name in baselines}
        ends_of = [canvas.pixels[0], *(each[0] for each in self.baselines.values())]
        ends = self._read(lambda number: ends_of[number], len(ends_of))
        self._whole, self._empty = ends[:, 0], dict(zip(self.baselines, ends.T[1:], strict=True))

    @property
    def score(self) -> float:
        """The row's probability on the photograph itself."""
        return float(self._whole[0])

    def empty_score(self, baseline: str) -> float:
        """The row's probability where the whole photograph is the baseline."""
        return float(self._empty[baseline][0])

    def curves(self, ranks: NDArray[np.int64], shares: Array) -> dict[str, tuple[Curve, Curve]]:
        """Deletion and insertion for each baseline.

        Args:
            ranks: ``[h, w]`` from :func:`pixel_ranks`.
            shares: from :func:`pixel_shares`: from 0 to 1, growing.
        """
        between = shares[1:-1]
        table = self._masked(ranks, between).reshape(2, len(self.baselines), 2, len(between))
        found = {}
        for index, name in enumerate(self.baselines):
            ends = (self._whole, self._empty[name])
            both = []
            for kind, (start, end) in enumerate((ends, ends[::-1])):
                row, best = np.column_stack([start, table[:, index, kind], end])
                both.append(Curve(shares, row, best))
            found[name] = (both[0], both[1])
        return found

    def _masked(self, ranks: NDArray[np.int64], shares: Array) -> Array:
        """For each baseline, deletion at all shares, then insertion: as :meth:`_read`."""
        whole = self._canvas.pixels[0]
        place = torch.from_numpy(ranks).to(whole.device)
        mixed = [(above, below, count) for baseline in self.baselines.values()
                 for above, below in ((baseline[0], whole), (whole, baseline[0]))
                 for count in np.rint(shares * (ranks.max() + 1)).astype(int).tolist()]

        def copy(number: int) -> Tensor:
            above, below, count = mixed[number]
            return torch.where((place >= 0) & (place < count), above, below)

        return self._read(copy, len(mixed))

    def _read(self, copy: Callable[[int], Tensor], count: int) -> Array:
        """Probabilities of the row and of the best neighbour on each copy, ``[2, count]``."""
        found = read_copies(self._detector, self._canvas, self._detection, copy, count, self._chunk)
        return np.stack([found.own[0], found.best[0]])
