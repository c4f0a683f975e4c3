"""A raw heatmap, and where its cells lie on the canvas and on the photograph."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from detcam.imaging.geometry import Geometry
from detcam.imaging.grid import Grid

OK = "ok"
UNREACHABLE = "unreachable"
ZERO = "zero"
NOT_FINITE = "not finite"


@dataclass(frozen=True)
class Heatmap:
    """One detection's attribution: raw values, never min-maxed, never resized to the canvas.

    Attributes:
        values: float32 ``[gh, gw]``. Signed for layer maps (before ReLU) and for pixel maps whose attributions add up
            to the target (Gradient x Input, the integrated gradients, XRAI, occlusion): views and shares take the
            positive part. Not negative for other pixel maps, which are sums of absolute values over the colours, and
            for fused ones.
        grid: where the cells lie on the canvas.
        geometry: where the photograph lies on the canvas.
        layer: the layer's name, ``"pixels"``, or the fused layers' names joined by ``+``.
        status: ``"ok"``; ``"unreachable"`` (no path leads from the layer to this box's target) or ``"zero"``
            (a path, but no attribution at all), where the values are zero; ``"not finite"`` for NaN or infinite values.
        signed: both signs are of interest, what pulls an edge one way and what the other: the heat is the absolute
            value then, otherwise the positive part.
        scales: for a fused map, the mean heat that each layer's map was divided by (0: left out).
    """

    values: NDArray[np.float32]
    grid: Grid
    geometry: Geometry
    layer: str
    status: str = OK
    scales: Mapping[str, float] = field(default_factory=dict)
    signed: bool = False

    @property
    def heat(self) -> NDArray[np.float32]:
        """What speaks for the target: the values with negative ones set to 0; of a signed map what moves it at all."""
        return np.abs(self.values) if self.signed else np.clip(self.values, 0, None)

    def cell_edges(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Canvas positions of the cells' borders, x ``[gw + 1]`` and y ``[gh + 1]``; the outermost are the canvas's."""
        height, width = self.geometry.canvas
        rows, columns = self.values.shape
        x = self.grid.origin[0] + self.grid.stride[0] * np.arange(columns + 1)
        y = self.grid.origin[1] + self.grid.stride[1] * np.arange(rows + 1)
        x[[0, -1]], y[[0, -1]] = (0, width), (0, height)
        return x.clip(0, width), y.clip(0, height)

    def at(self, x: NDArray[np.floating], y: NDArray[np.floating]) -> NDArray[np.float32]:
        """Values at canvas positions, constant over each cell: ``[len(y), len(x)]``."""
        rows, columns = self.values.shape
        column = np.floor((x - self.grid.origin[0]) / self.grid.stride[0]).astype(int).clip(0, columns - 1)
        row = np.floor((y - self.grid.origin[1]) / self.grid.stride[1]).astype(int).clip(0, rows - 1)
        return self.values[np.ix_(row, column)]


def fuse(maps: Mapping[str, Heatmap]) -> Heatmap:
    """Maps of several layers as one: the positive part of each, divided by its mean, then summed.

    Signed maps are summed with both signs, each divided by the mean of its absolute values.

    Negative values are left out before the sum: what one layer says against a place would hide there what the others
    say for it, and such a sum is less faithful than any of its layers (docs/measurements/methods.md). The sum lives on
    the finest layer's grid, where coarser maps are constant over their cells. Layers without any positive value are
    left out and recorded with scale 0. With a layer that is not finite, the sum is not either.
    """
    finest = min(maps.values(), key=lambda heatmap: heatmap.grid.stride)
    rows, columns = finest.values.shape
    x = finest.grid.origin[0] + finest.grid.stride[0] * (np.arange(columns) + 0.5)
    y = finest.grid.origin[1] + finest.grid.stride[1] * (np.arange(rows) + 0.5)
    total = np.zeros(finest.values.shape, np.float32)
    scales = {}
    for name, heatmap in maps.items():
        scale = float(heatmap.heat.mean())
        scales[name] = scale
        if scale > 0:
            values = heatmap.at(x, y)
            total += (values if heatmap.signed else values.clip(0)) / scale
    statuses = {heatmap.status for heatmap in maps.values()}
    if NOT_FINITE in statuses:
        total, status = np.full_like(total, np.nan), NOT_FINITE
    else:
        status = OK if total.any() else (UNREACHABLE if statuses == {UNREACHABLE} else ZERO)
    return Heatmap(total, finest.grid, finest.geometry, "+".join(maps), status, scales, finest.signed)
