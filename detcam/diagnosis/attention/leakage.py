"""Which objects a detection's heat lies on: its share on each true object of the photograph."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from detcam.attribution.heatmap import Heatmap
from detcam.datasets.ground_truth import GroundTruth
from detcam.diagnosis.attention.mask_shares import overlaps

Array = NDArray[np.float64]


def leakage(heatmaps: Sequence[Heatmap], cells: "Cells") -> Array:
    """Share of each heatmap's positive part that lies on each true object, ``[N, M]``, from 0 to 1.

    On the object's mask where there is one, else in its box. Objects may overlap, so that rows need not add up to 1.
    NaN for a heatmap without any positive value, or with one that is not finite.

    Args:
        heatmaps: ``N``, one a detection, of one photograph.
        cells: the ``M`` true objects of that photograph.
    """
    shares = np.full((len(heatmaps), len(cells.truth)), np.nan)
    for i, heatmap in enumerate(heatmaps):
        heat = heatmap.heat.astype(np.float64)
        if heat.any() and np.isfinite(heat).all():
            total = float((heat * cells.sizes(heatmap)).sum())
            shares[i] = [float((heat * on_object).sum()) / total for on_object in cells.of(heatmap)]
    return shares


class Cells:
    """How much of each cell of a heatmap lies on each true object; computed once for heatmaps on the same grid.

    Args:
        truth: the true objects of one photograph, boxes in source pixels.
    """

    def __init__(self, truth: GroundTruth) -> None:
        self.truth = truth
        self._known: dict[tuple[object, ...], list[Array]] = {}

    def of(self, heatmap: Heatmap) -> list[Array]:
        """The area of each cell on each object, in squared canvas pixels: an array ``[gh, gw]`` an object."""
        key = (heatmap.grid, heatmap.values.shape)
        if key not in self._known:
            self._known[key] = [self._cells(heatmap, k) for k in range(len(self.truth))]
        return self._known[key]

    @staticmethod
    def sizes(heatmap: Heatmap) -> Array:
        """The area of each cell, in squared canvas pixels, ``[gh, gw]``."""
        x, y = heatmap.cell_edges()
        return np.outer(np.diff(y), np.diff(x))

    def _cells(self, heatmap: Heatmap, k: int) -> Array:
        mask = self.truth.masks[k] if self.truth.masks else None
        if mask is not None and (mask.height, mask.width) == tuple(heatmap.geometry.source):
            rows, columns = overlaps(heatmap)
            return np.asarray(rows @ mask.decode().astype(np.float64) @ columns.T)
        x, y = heatmap.cell_edges()
        x1, y1, x2, y2 = heatmap.geometry.to_canvas(self.truth.boxes[k])
        return np.outer(np.diff(y.clip(y1, y2)), np.diff(x.clip(x1, x2)))
