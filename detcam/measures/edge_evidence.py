"""What each edge of a box rests on, and how sure the detector is of it.

The evidence on an edge is the number that was shown to know which edge is wrong; `scripts/validate_numbers.py`
measures all of them.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

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


def measure_edges(detector: Detector, canvas: Canvas, detections: Detections, layer: str | None = None,
                  maps: bool = False, tape: Tape | None = None) -> Edges:
    """Measure every edge of every detection of the canvas's only photograph.

    Args:
        detector: what is explained.
        canvas: one photograph.
        detections: its detections.
        layer: where the evidence is taken; None is the detector's own ``edge_layer``.
        maps: also keep each edge's signed map, ``sum_k G_k * A_k``.
        tape: an open one of this canvas that recorded the layer; None makes one.
    """
    if tape is not None:
        return edges_together(tape, detector, canvas, [detections], layer, maps)[0]
    with Tape(detector, canvas.pixels, layers_of_all(detector, layer or detector.edge_layer,
                                                     detections.levels.tolist())) as own:
        return edges_together(own, detector, canvas, [detections], layer, maps)[0]


def edges_together(tape: Tape, detector: Detector, canvas: Canvas, detections: Sequence[Detections],
                   layer: str | None = None, maps: bool = False) -> list[Edges]:
    """:func:`measure_edges` of each photograph's detections, from a tape of all of them that recorded the layer."""
    names = [[layers_of(detector, layer or detector.edge_layer, level)[0] for level in found.levels.tolist()]
             for found in detections]
    lengths = [edge_lengths(geometry.to_canvas(found.boxes)).clip(1)  # canvas pixels, at least one
               for geometry, found in zip(canvas.geometries, detections, strict=True)]
    evidence = [np.zeros((len(found), 4)) for found in detections]
    signed: list[list[list[Heatmap]]] = [[[] for _ in range(len(found))] for found in detections]
    boxes = side_by_side(detections)
    for column, edge in enumerate(EDGES):
        for name in dict.fromkeys(names[image][index] for image, index in boxes):
            members = [(image, index) for image, index in boxes if names[image][index] == name]
            keys = [keys_of(detections[image])[index] for image, index in members]
            gradients = tape.gradients(name, keys, TARGETS[edge], [image for image, _ in members])
            for (image, index), gradient in zip(members, gradients, strict=True):
                product = tape.activations[name].detach()[image] * (0 if gradient is None else gradient[0])
                evidence[image][index, column] = float(product.abs().sum()) / lengths[image][index, column]
                if maps:
                    values = product.sum(0).float().cpu().numpy()
                    status = UNREACHABLE if gradient is None else (OK if values.any() else ZERO)
                    signed[image][index].append(
                        Heatmap(values, tape.grid(name), canvas.geometries[image], name, status))
    measured = []
    for image, found in enumerate(detections):
        prediction = tape.prediction.of_image(image)
        spread = prediction.edge_spread(found.rows.tolist())
        measured.append(Edges(
            evidence[image], sibling_spread(prediction, found), None if spread is None else spread / lengths[image],
            tuple(names[image]), tuple(tuple(each) for each in signed[image]) if maps else None))
    return measured


def sibling_spread(prediction: Prediction, detections: Detections) -> NDArray[np.float64]:
    """Standard deviation of each edge among the rows that say the same object, over width or height, ``[N, 4]``.

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
