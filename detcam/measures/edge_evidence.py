"""What each edge of a box rests on, and how sure the detector is of it.

The evidence on an edge is the number that was shown to know which edge is wrong; `scripts/validate_numbers.py`
measures all of them.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import overload

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from detcam.attribution.gradients.tape import Tape
from detcam.attribution.heatmap import OK, UNREACHABLE, ZERO, Heatmap
from detcam.attribution.layers.names import layers_of, layers_of_all
from detcam.attribution.target import TARGETS
from detcam.attribution.task import keys_of, side_by_side
from detcam.detectors.base import Detector
from detcam.detectors.canvas import Canvas
from detcam.detectors.detections import Detections
from detcam.detectors.prediction import Prediction
from detcam.imaging.boxes import EDGES, edge_lengths
from detcam.imaging.geometry import Geometry
from detcam.imaging.grid import Grid
from detcam.measures.siblings import sibling_rows

HEAT_TAIL = 0.05  # the class heat ends where this share of it is left over on one side


@dataclass(frozen=True)
class Edges:
    """Numbers of each edge (left, top, right, bottom) of each detection, ``[N, 4]``, as shares of width or height.

    Attributes:
        evidence: sum over the layer of ``|gradient * activation|`` of the edge's decoded coordinate.
        sibling_spread: standard deviation of the edge among the suppressed rows of the object and the row that won;
            NaN where there are none.
        distribution_spread: standard deviation of the edge's own distribution (DFL); None for heads without one.
        layer: the layer of each detection at which the evidence was taken.
        maps: for each detection, its four signed maps (positive: moves the coordinate up), when asked for.
    """

    evidence: NDArray[np.float64]
    sibling_spread: NDArray[np.float64]
    distribution_spread: NDArray[np.float64] | None
    layer: tuple[str, ...]
    maps: tuple[tuple[Heatmap, ...], ...] | None = None

    def __getitem__(self, index: NDArray[np.int64]) -> "Edges":
        """The numbers of some of the detections."""
        spread = self.distribution_spread
        return Edges(self.evidence[index], self.sibling_spread[index], None if spread is None else spread[index],
                     tuple(self.layer[i] for i in index),
                     None if self.maps is None else tuple(self.maps[i] for i in index))


@overload
def measure_edges(detector: Detector, canvas: Canvas, detections: Detections, layer: str | None = None,
                  maps: bool = False, tape: Tape | None = None) -> Edges: ...


@overload
def measure_edges(detector: Detector, canvas: Canvas, detections: Sequence[Detections], layer: str | None = None,
                  maps: bool = False, tape: Tape | None = None) -> list[Edges]: ...


def measure_edges(detector: Detector, canvas: Canvas, detections: Detections | Sequence[Detections],
                  layer: str | None = None, maps: bool = False, tape: Tape | None = None) -> Edges | list[Edges]:
    """Measure every edge of every detection of one photograph or of many, from one forward pass of all of them.

    Args:
        detector: what is explained.
        canvas: the photographs, ``[B, 3, h, w]``.
        detections: the boxes of the only photograph, or those of each of the ``B``, in source pixels.
        layer: where the evidence is taken; None is the detector's own ``edge_layer``.
        maps: also keep each edge's signed map, ``sum_k G_k * A_k``.
        tape: an open one of this canvas that recorded the layer; None makes one.

    Raises:
        LayerError: an unknown layer, or one that gives no map.
    """
    photographs = [detections] if isinstance(detections, Detections) else list(detections)
    layer = layer or detector.edge_layer
    if tape is None:
        levels = [level for found in photographs for level in found.levels.tolist()]
        with Tape(detector, canvas.pixels, layers_of_all(detector, layer, levels)) as own:
            measured = _measured(detector, canvas, photographs, layer, maps, own)
    else:
        measured = _measured(detector, canvas, photographs, layer, maps, tape)
    return measured[0] if isinstance(detections, Detections) else measured


def _measured(detector: Detector, canvas: Canvas, photographs: Sequence[Detections], layer: str, maps: bool, tape: Tape
              ) -> list[Edges]:
    """The numbers of each photograph's detections, from a tape of all photographs that recorded the layer."""
    names = [[layers_of(detector, layer, level)[0] for level in detections.levels.tolist()]
             for detections in photographs]
    lengths = [edge_lengths(geometry.to_canvas(detections.boxes)).clip(1)  # canvas pixels, at least one
               for geometry, detections in zip(canvas.geometries, photographs, strict=True)]
    evidence = [np.zeros((len(detections), 4)) for detections in photographs]
    signed: list[list[list[Heatmap]]] = [[[] for _ in range(len(detections))] for detections in photographs]
    for image, i, edge, product, reached in _products(tape, photographs, names):
        evidence[image][i, edge] = float(product.abs().sum()) / lengths[image][i, edge]
        if maps:
            name = names[image][i]
            signed[image][i].append(_signed_map(product, reached, tape.grid(name), canvas.geometries[image], name))
    return [Edges(evidence[image], sibling_spread(tape.prediction.of_image(image), detections),
                  _distribution_spread(tape.prediction.of_image(image), detections, lengths[image]),
                  tuple(names[image]), tuple(map(tuple, signed[image])) if maps else None)
            for image, detections in enumerate(photographs)]


def _products(tape: Tape, photographs: Sequence[Detections], names: Sequence[Sequence[str]]
              ) -> Iterator[tuple[int, int, int, Tensor, bool]]:
    """Gradient times activation of each edge of each detection, one after the other, boxes of one level side by side.

    Gives the photograph, the detection's index, the edge's index, the product ``[c, h, w]`` at the detection's layer,
    and whether a path leads from that layer to the edge (the product is zero where none does).
    """
    order = side_by_side(photographs)
    for edge, name_of_edge in enumerate(EDGES):
        for name in dict.fromkeys(names[image][i] for image, i in order):
            members = [(image, i) for image, i in order if names[image][i] == name]
            keys = [keys_of(photographs[image])[i] for image, i in members]
            gradients = tape.gradients(name, keys, TARGETS[name_of_edge], [image for image, _ in members])
            for (image, i), gradient in zip(members, gradients, strict=True):
                activations = tape.activations[name].detach()[image]
                yield image, i, edge, activations * (0 if gradient is None else gradient[0]), gradient is not None


def _signed_map(product: Tensor, reached: bool, grid: Grid, geometry: Geometry, layer: str) -> Heatmap:
    """An edge's signed map ``[h, w]``, the sum of the product over its channels."""
    values = product.sum(0).float().cpu().numpy()
    status = UNREACHABLE if not reached else (OK if values.any() else ZERO)
    return Heatmap(values, grid, geometry, layer, status)


def _distribution_spread(prediction: Prediction, detections: Detections, lengths: NDArray[np.float64]
                         ) -> NDArray[np.float64] | None:
    """Standard deviation of each edge's own distribution, ``[N, 4]``, over the box's ``lengths`` on the canvas."""
    spread = prediction.edge_spread(detections.rows.tolist())
    return None if spread is None else spread / lengths


def sibling_spread(prediction: Prediction, detections: Detections) -> NDArray[np.float64]:
    """Standard deviation of each edge among the rows of the same object, over width or height, ``[N, 4]``.

    Siblings are rows of the same label with IoU above 0.5 and a score above 0.05, the detection's own row among
    them; a detection without a sibling has NaN.
    """
    boxes = prediction.boxes[0].cpu().double().numpy()
    found = np.full((len(detections), 4), np.nan)
    for index, (row, label) in enumerate(keys_of(detections)):
        rows, _, _ = sibling_rows(prediction, row, label)
        if len(rows) > 1:
            found[index] = boxes[rows].std(0) / edge_lengths(boxes[row]).clip(1)
    return found


def heat_gap(heatmap: Heatmap, box: NDArray[np.floating]) -> NDArray[np.float64]:
    """How far each edge reaches beyond the end of the class heat, over width or height, ``[4]``; NaN without heat.

    The heat ends where 5 % of the positive part is left over on that side. Positive: the box is larger than the heat.

    Args:
        heatmap: the detection's class map.
        box: ``[4]`` xyxy, source pixels.
    """
    heat = heatmap.heat
    if not (heat.any() and np.isfinite(heat).all()):
        return np.full(4, np.nan)
    own = heatmap.geometry.to_canvas(np.asarray(box, dtype=float))
    x, y = heatmap.cell_edges()
    mass = heat * np.outer(np.diff(y), np.diff(x))
    ends = [np.interp([HEAT_TAIL, 1 - HEAT_TAIL], np.concatenate([[0], np.cumsum(mass.sum(axis))]) / mass.sum(), edges)
            for axis, edges in ((0, x), (1, y))]
    (left, right), (top, bottom) = ends
    gap = np.array([left - own[0], top - own[1], own[2] - right, own[3] - bottom])
    return gap / edge_lengths(own).clip(1)
