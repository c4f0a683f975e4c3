"""A raw heatmap, and the position of its cells on the canvas and on the photograph."""

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
    """The attribution of one detection: raw values, neither normalised nor resized to the canvas.

    Attributes:
        values: float32 ``[gh, gw]``. Layer maps are signed (before ReLU), and so are pixel maps whose attributions add
            up to the target (Gradient x Input, Integrated Gradients and its kin, XRAI, occlusion). Other pixel maps,
            which are sums of absolute values over the colours, and fused maps are not negative.
        grid: the position of the cells on the canvas.
        geometry: the position of the photograph on the canvas.
        layer: the layer's name, ``"pixels"``, or the names of fused layers joined by ``+``.
        status: ``"ok"``, ``"unreachable"`` (the box's target does not depend on the layer: all values are 0),
            ``"zero"`` (it does, but all values are 0) or ``"not finite"`` (a value is NaN or infinite).
        signed: whether both signs matter, as for an edge, which evidence moves outward or inward. The heat is then the
            absolute value, otherwise the positive part.
        scales: for a fused map, the mean heat by which each layer's map was divided; 0 for a layer left out.
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
        """The evidence ``[gh, gw]``: the positive part of the values; of a signed map their absolute values."""
        return np.abs(self.values) if self.signed else np.clip(self.values, 0, None)

    def cell_edges(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """The cells' borders, x ``[gw + 1]`` and y ``[gh + 1]``, canvas pixels; the outermost are the canvas's own."""
        height, width = self.geometry.canvas
        rows, columns = self.values.shape
        x = self.grid.origin[0] + self.grid.stride[0] * np.arange(columns + 1)
        y = self.grid.origin[1] + self.grid.stride[1] * np.arange(rows + 1)
        x[[0, -1]], y[[0, -1]] = (0, width), (0, height)
        return x.clip(0, width), y.clip(0, height)

    def at(self, x: NDArray[np.floating], y: NDArray[np.floating]) -> NDArray[np.float32]:
        """The values at positions ``x`` and ``y`` in canvas pixels, constant over each cell: ``[len(y), len(x)]``."""
        rows, columns = self.values.shape
        column = np.floor((x - self.grid.origin[0]) / self.grid.stride[0]).astype(int).clip(0, columns - 1)
        row = np.floor((y - self.grid.origin[1]) / self.grid.stride[1]).astype(int).clip(0, rows - 1)
        return self.values[np.ix_(row, column)]


def fuse(maps: Mapping[str, Heatmap]) -> Heatmap:
    """Fuse the maps of several layers into one: the sum of their positive parts, each divided by its mean.

    Signed maps keep both signs; each is divided by the mean of its absolute values.

    Negative values are left out before the sum. Otherwise the negative values of one layer would hide the positive
    values of others, and such a sum is less faithful than any of its layers (docs/measurements/methods.md). A layer
    without heat is left out and recorded with scale 0. If a layer is not finite, neither is the sum.

    Args:
        maps: at least one, by layer name, of one detection.

    Returns:
        The map on the grid of the finest layer, where coarser maps are constant over their cells.
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
