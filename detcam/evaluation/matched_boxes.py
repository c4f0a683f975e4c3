"""Detected boxes that found a true box, with how far they are off and every number that was measured on them."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from detcam.attribution.attribute import attribute
from detcam.attribution.gradients.tape import PIXELS, Tape
from detcam.attribution.layers.names import AUTO
from detcam.attribution.method import Method
from detcam.attribution.target import TARGETS
from detcam.attribution.task import keys_of
from detcam.datasets.ground_truth import GroundTruth
from detcam.datasets.matching import match_by_class
from detcam.detectors.base import Detector
from detcam.detectors.canvas import Canvas
from detcam.detectors.detections import Detections
from detcam.imaging.boxes import EDGES, areas, edge_lengths, iou, outward
from detcam.imaging.image import load_image
from detcam.measures.edge_evidence import heat_gap, measure_edges
from detcam.measures.reference import SOUND
from detcam.measures.shares import REGIONS, shares

Array = NDArray[np.float64]
SHARES = (*REGIONS, "peak_inside")


@dataclass(frozen=True)
class MeasuredBoxes:
    """Detections matched with true boxes, of one or more photographs.

    Attributes:
        photograph: ``[N]`` which photograph each box is on.
        canvas_boxes: ``[N, 4]`` xyxy, canvas pixels.
        scores: ``[N]``.
        overlap: ``[N]`` IoU with the true box.
        outward: ``[N, 4]`` how far each edge lies outside the true one, as a share of the true width or height.
        edge_numbers: name to ``[N, 4]``.
        box_numbers: name to ``[N]``.
    """

    photograph: NDArray[np.int64]
    canvas_boxes: Array
    scores: Array
    overlap: Array
    outward: Array
    edge_numbers: dict[str, Array]
    box_numbers: dict[str, Array]

    def __len__(self) -> int:
        return len(self.scores)

    @property
    def errors(self) -> Array:
        """``[N, 4]`` distance of each edge from the true one, as a share of the true width or height."""
        return np.abs(self.outward)

    @property
    def sizes(self) -> Array:
        """``[N]`` square root of each box's area, canvas pixels."""
        return np.sqrt(areas(self.canvas_boxes).clip(1)).astype(np.float64)

    @property
    def sound(self) -> NDArray[np.bool_]:
        """``[N]`` no edge is further off than 10 % of the true width or height."""
        return np.asarray(self.errors.max(1) <= SOUND)


def evidence_at(layer: str) -> str:
    """The name of the evidence at a layer among the numbers."""
    return f"evidence @ {layer}"


def measure_photograph(detector: Detector, truth: GroundTruth, classes: Sequence[str], min_score: float,
                       method: Method, layers: Sequence[str], photograph: int = 0) -> MeasuredBoxes:
    """Detect, match and measure one photograph.

    Args:
        detector: what is validated.
        truth: the photograph and its true boxes.
        classes: class names, the same for the detector and the true boxes.
        min_score: detections with a score above this.
        method: whose heat the shares and the gap are measured on, at each box's own level.
        layers: where the evidence on the edges is measured: names, ``"auto"``, or ``"pixels"`` for the sum of
            absolute gradients at the pixels.
        photograph: its index.

    Raises:
        InputError: the photograph cannot be read, or a layer does not exist.
    """
    def numbers(canvas: Canvas, found: Detections, own: NDArray[np.int64]) -> dict[str, dict[str, Array]]:
        return _numbers(detector, canvas, found, own, method, layers)

    return matched_on(detector, truth, classes, min_score, photograph, numbers)


def matched_on(detector: Detector, truth: GroundTruth, classes: Sequence[str], min_score: float, photograph: int,
               numbers: Callable[[Canvas, Detections, NDArray[np.int64]], dict[str, dict[str, Array]]]
               ) -> MeasuredBoxes:
    """The detections of one photograph that found a true box, with what is measured on them.

    Args:
        detector, truth, classes, min_score, photograph: as :func:`measure_photograph` takes them.
        numbers: canvas, all detections and the indices of the matched ones to ``edge_numbers`` and ``box_numbers``.

    Raises:
        InputError: the photograph cannot be read, or a layer does not exist.
    """
    image = load_image(truth.file)
    found = detector.detect(image, min_score)
    found = found[np.isin(found.labels, detector.labels_of(classes))]
    own, true_boxes = matched_boxes(detector, found, truth, classes)
    canvas = detector.canvas(image)
    boxes = found.boxes[own]
    lengths = edge_lengths(true_boxes).clip(1)
    return MeasuredBoxes(
        photograph=np.full(len(own), photograph),
        canvas_boxes=canvas.geometries[0].to_canvas(boxes).astype(np.float64),
        scores=found.scores[own],
        overlap=np.diagonal(iou(boxes, true_boxes)).astype(np.float64),
        outward=outward(boxes, true_boxes) / lengths,
        **numbers(canvas, found, own),
    )


def matched_boxes(detector: Detector, found: Detections, truth: GroundTruth, classes: Sequence[str]
                  ) -> tuple[NDArray[np.int64], Array]:
    """Which detections found a true box of their class, ``[K]``, and that box, ``[K, 4]``."""
    words = dict(zip(detector.labels_of(classes), classes, strict=True))
    names = [words.get(label, "") for label in found.labels.tolist()]
    matched = match_by_class(found.boxes, found.scores, names, truth)
    own = np.flatnonzero(matched >= 0)
    return own, truth.boxes[matched[own]]


def _numbers(detector: Detector, canvas: Canvas, found: Detections, own: NDArray[np.int64], method: Method,
             layers: Sequence[str]) -> dict[str, dict[str, Array]]:
    """Everything that is measured: the heat among all detections, the edges of the matched ones alone."""
    heatmaps = attribute(detector, canvas, found, method, AUTO, TARGETS["logit"])
    shared = shares(heatmaps, found.boxes)
    gaps = np.array([heat_gap(heatmaps[i], found.boxes[i]) for i in own]).reshape(-1, 4)
    edge_numbers = {}
    measured = None
    for layer in layers:
        if layer == PIXELS:
            edge_numbers[evidence_at(layer)] = pixel_evidence(detector, canvas, found[own])
        else:
            measured = measure_edges(detector, canvas, found[own], layer)
            edge_numbers[evidence_at(layer)] = measured.evidence
    if measured is None:
        measured = measure_edges(detector, canvas, found[own])
    edge_numbers["sibling spread"] = measured.sibling_spread
    if measured.distribution_spread is not None:
        edge_numbers["distribution spread"] = measured.distribution_spread
    edge_numbers |= {"heat gap, absolute": np.abs(gaps), "heat gap": gaps}
    box_numbers = {f"share {name}": np.array([_number(getattr(shared[i], name)) for i in own]) for name in SHARES}
    return {"edge_numbers": edge_numbers, "box_numbers": box_numbers}


def _number(value: float | bool | None) -> float:
    return float("nan") if value is None else float(value)


def pixel_evidence(detector: Detector, canvas: Canvas, detections: Detections) -> Array:
    """Sum over the pixels of ``|gradient|`` of each edge, over the box's width or height, ``[N, 4]``."""
    lengths = edge_lengths(canvas.geometries[0].to_canvas(detections.boxes)).clip(1)
    sums = np.zeros((len(detections), 4))
    with Tape(detector, canvas.pixels, [PIXELS]) as tape:
        for column, edge in enumerate(EDGES):
            gradients = tape.gradients(PIXELS, keys_of(detections), TARGETS[edge])
            sums[:, column] = [0.0 if each is None else float(each.abs().sum()) for each in gradients]
    return sums / lengths


def concatenate(parts: Sequence[MeasuredBoxes]) -> MeasuredBoxes:
    """The boxes of several photographs, measured alike, as one."""
    def joined(name: str) -> NDArray[np.float64]:
        return np.concatenate([getattr(each, name) for each in parts])

    def tables(name: str) -> dict[str, Array]:
        return {key: np.concatenate([getattr(each, name)[key] for each in parts]) for key in getattr(parts[0], name)}

    return MeasuredBoxes(
        np.concatenate([each.photograph for each in parts]), joined("canvas_boxes"), joined("scores"),
        joined("overlap"), joined("outward"), tables("edge_numbers"), tables("box_numbers"))
