"""Detections with a true box: their localization errors, and every number that is measured on them."""

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
    """Detections of one or more photographs that match a true box.

    Attributes:
        photograph: ``[N]`` the index of the photograph that each box is on.
        canvas_boxes: ``[N, 4]`` xyxy, canvas pixels.
        scores: ``[N]``.
        overlap: ``[N]`` IoU with the true box.
        outward: ``[N, 4]`` signed error of each edge, as a share of the true width or height; positive outside the
            true edge.
        edge_numbers: the numbers of the edges by name, ``[N, 4]`` each.
        box_numbers: the numbers of the boxes by name, ``[N]`` each.
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
        """``[N, 4]`` absolute error of each edge, as a share of the true width or height."""
        return np.abs(self.outward)

    @property
    def sizes(self) -> Array:
        """``[N]`` square root of each box's area, canvas pixels."""
        return np.sqrt(areas(self.canvas_boxes).clip(1)).astype(np.float64)

    @property
    def sound(self) -> NDArray[np.bool_]:
        """``[N]`` True where no edge has an error of more than 10 % of the true width or height."""
        return np.asarray(self.errors.max(1) <= SOUND)


def evidence_at(layer: str) -> str:
    """The name among the numbers of the evidence at a layer."""
    return f"evidence @ {layer}"


def measure_photograph(detector: Detector, truth: GroundTruth, classes: Sequence[str], min_score: float,
                       method: Method, layers: Sequence[str], photograph: int = 0) -> MeasuredBoxes:
    """Detect, match and measure one photograph.

    Args:
        detector: the detector that is measured.
        truth: the photograph with its true boxes.
        classes: class names, the same for the detector and the true boxes.
        min_score: detections with a score above this.
        method: the method of the class heatmap, on which the shares and the heat gap are measured, at each box's own
            level.
        layers: the layers at which the evidence on the edges is measured: names, ``"auto"``, or ``"pixels"`` for the
            sum of absolute gradients at the pixels.
        photograph: its index.

    Raises:
        ImageError: the photograph cannot be read.
        LayerError: the detector has no such layer.
    """
    def numbers(canvas: Canvas, detections: Detections, matched: NDArray[np.int64]) -> dict[str, dict[str, Array]]:
        return _numbers(detector, canvas, detections, matched, method, layers)

    return measure_matched(detector, truth, classes, min_score, photograph, numbers)


def measure_matched(detector: Detector, truth: GroundTruth, classes: Sequence[str], min_score: float, photograph: int,
               numbers: Callable[[Canvas, Detections, NDArray[np.int64]], dict[str, dict[str, Array]]]
               ) -> MeasuredBoxes:
    """Detect and match one photograph, and measure the matched detections with a function.

    Args:
        detector: the detector that is measured.
        truth: the photograph with its true boxes.
        classes: class names, the same for the detector and the true boxes.
        min_score: detections with a score above this.
        photograph: its index.
        numbers: ``(canvas, all detections, indices of the matched ones)`` to ``{"edge_numbers": …, "box_numbers": …}``,
            ``[N, 4]`` and ``[N]`` by name, of the N matched detections.

    Raises:
        ImageError: the photograph cannot be read.
    """
    image = load_image(truth.file)
    detections = detector.detect(image, min_score)
    detections = detections[np.isin(detections.labels, detector.labels_of(classes))]
    matched, true_boxes = matched_boxes(detector, detections, truth, classes)
    canvas = detector.canvas(image)
    boxes = detections.boxes[matched]
    lengths = edge_lengths(true_boxes).clip(1)
    return MeasuredBoxes(
        photograph=np.full(len(matched), photograph),
        canvas_boxes=canvas.geometries[0].to_canvas(boxes).astype(np.float64),
        scores=detections.scores[matched],
        overlap=np.diagonal(iou(boxes, true_boxes)).astype(np.float64),
        outward=outward(boxes, true_boxes) / lengths,
        **numbers(canvas, detections, matched),
    )


def matched_boxes(detector: Detector, detections: Detections, truth: GroundTruth, classes: Sequence[str]
                  ) -> tuple[NDArray[np.int64], Array]:
    """The detections that match a true box of their class.

    Args:
        detector: whose labels the detections have.
        detections: of one photograph.
        truth: its true boxes.
        classes: class names, the same for the detector and the true boxes.

    Returns:
        Their indices ``[K]``, and the true boxes ``[K, 4]``, xyxy, source pixels.
    """
    names_of = dict(zip(detector.labels_of(classes), classes, strict=True))
    names = [names_of.get(label, "") for label in detections.labels.tolist()]
    true_index = match_by_class(detections.boxes, detections.scores, names, truth)
    matched = np.flatnonzero(true_index >= 0)
    return matched, truth.boxes[true_index[matched]]


def _numbers(detector: Detector, canvas: Canvas, detections: Detections, matched: NDArray[np.int64], method: Method,
             layers: Sequence[str]) -> dict[str, dict[str, Array]]:
    """All numbers of the matched detections. Their heat's shares take all detections into account."""
    heatmaps = attribute(detector, canvas, detections, method, AUTO, TARGETS["logit"])
    all_shares = shares(heatmaps, detections.boxes)
    gaps = np.array([heat_gap(heatmaps[i], detections.boxes[i]) for i in matched]).reshape(-1, 4)
    edge_numbers = {}
    edges = None
    for layer in layers:
        if layer == PIXELS:
            edge_numbers[evidence_at(layer)] = pixel_evidence(detector, canvas, detections[matched])
        else:
            edges = measure_edges(detector, canvas, detections[matched], layer)
            edge_numbers[evidence_at(layer)] = edges.evidence
    if edges is None:
        edges = measure_edges(detector, canvas, detections[matched])
    edge_numbers["sibling spread"] = edges.sibling_spread
    if edges.distribution_spread is not None:
        edge_numbers["distribution spread"] = edges.distribution_spread
    edge_numbers |= {"heat gap, absolute": np.abs(gaps), "heat gap": gaps}
    box_numbers = {f"share {name}": np.array([_number(getattr(all_shares[i], name)) for i in matched])
                   for name in SHARES}
    return {"edge_numbers": edge_numbers, "box_numbers": box_numbers}


def _number(value: float | bool | None) -> float:
    return float("nan") if value is None else float(value)


def pixel_evidence(detector: Detector, canvas: Canvas, detections: Detections) -> Array:
    """The sum over all pixels of ``|gradient|`` of each edge, over the box's width or height.

    Args:
        detector: what is explained.
        canvas: one photograph.
        detections: its detections.

    Returns:
        float64 ``[N, 4]``: left, top, right, bottom.
    """
    lengths = edge_lengths(canvas.geometries[0].to_canvas(detections.boxes)).clip(1)
    sums = np.zeros((len(detections), 4))
    with Tape(detector, canvas.pixels, [PIXELS]) as tape:
        for column, edge in enumerate(EDGES):
            gradients = tape.gradients(PIXELS, keys_of(detections), TARGETS[edge])
            sums[:, column] = [0.0 if gradient is None else float(gradient.abs().sum()) for gradient in gradients]
    return sums / lengths


def concatenate(parts: Sequence[MeasuredBoxes]) -> MeasuredBoxes:
    """The boxes of several photographs, measured alike, as one object.

    Args:
        parts: at least one.
    """
    def joined(name: str) -> NDArray[np.float64]:
        return np.concatenate([getattr(part, name) for part in parts])

    def tables(name: str) -> dict[str, Array]:
        return {key: np.concatenate([getattr(part, name)[key] for part in parts]) for key in getattr(parts[0], name)}

    return MeasuredBoxes(
        np.concatenate([part.photograph for part in parts]), joined("canvas_boxes"), joined("scores"),
        joined("overlap"), joined("outward"), tables("edge_numbers"), tables("box_numbers"))
