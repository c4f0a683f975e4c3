"""Whose pixels a detection's heat lies on: its share on each true object of the photograph."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from detcam.attribution.heatmap import Heatmap
from detcam.datasets.ground_truth import GroundTruth
from detcam.diagnosis.attention.mask_shares import overlaps

Array = NDArray[np.float64]


def leakage(heatmaps: Sequence[Heatmap], cells: "Cells") -> Array:
    """Share of each map's positive part that lies on each true object, ``[N, M]``.

    On the object's mask where there is one, else in its box. Objects may overlap, so that rows need not add up to 1;
    NaN for a map without any positive value, or with one that is not finite.

    Args:
        heatmaps: one a detection, of one photograph.
        cells: its true objects.
    """
    found = np.full((len(heatmaps), len(cells.truth)), np.nan)
    for index, heatmap in enumerate(heatmaps):
        heat = heatmap.heat.astype(np.float64)
        if heat.any() and np.isfinite(heat).all():
            total = float((heat * cells.sizes(heatmap)).sum())
            found[index] = [float((heat * each).sum()) / total for each in cells.of(heatmap)]
    return found


class Cells:
    """How much of each cell of a map lies on each true object; maps on the same grid share the answer."""

    def __init__(self, truth: GroundTruth) -> None:
        self.truth = truth
        self._known: dict[tuple[object, ...], list[Array]] = {}

    def of(self, heatmap: Heatmap) -> list[Array]:
        """Canvas pixels of each cell on each object, ``[gh, gw]`` an object."""
        key = (heatmap.grid, heatmap.values.shape)
        if key not in self._known:
            self._known[key] = [self._cells(heatmap, index) for index in range(len(self.truth))]
        return self._known[key]

    @staticmethod
    def sizes(heatmap: Heatmap) -> Array:
        """Canvas pixels of each cell, ``[gh, gw]``."""
        x, y = heatmap.cell_edges()
        return np.outer(np.diff(y), np.diff(x))

    def _cells(self, heatmap: Heatmap, index: int) -> Array:
        mask = self.truth.masks[index] if self.truth.masks else None
        if mask is not None and (mask.height, mask.width) == tuple(heatmap.geometry.source):
            rows, columns = overlaps(heatmap)
            return np.asarray(rows @ mask.decode().astype(np.float64) @ columns.T)
        x, y = heatmap.cell_edges()
        x1, y1, x2, y2 = heatmap.geometry.to_canvas(self.truth.boxes[index])
        return np.outer(np.diff(y.clip(y1, y2)), np.diff(x.clip(x1, x2)))
