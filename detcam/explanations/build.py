"""Rows of photographs to explanations: what `explain` and `diagnose` have in common."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from detcam.attribution.attribute import Attribution, attribute
from detcam.attribution.gradients.tape import Tape
from detcam.attribution.method import Method
from detcam.attribution.target import Target
from detcam.detectors.base import Detector
from detcam.detectors.canvas import Canvas
from detcam.detectors.detections import Detections
from detcam.explanations.explanation import Explanation, Maps
from detcam.explanations.provenance import provenance_of, reference_key
from detcam.explanations.settings import Setting
from detcam.imaging.image import Image
from detcam.measures.edge_evidence import Edges, heat_gap, measure_edges
from detcam.measures.reference import Reference, shipped_reference
from detcam.measures.shares import Shares, shares
from detcam.verdicts.search import BestRows


@dataclass(frozen=True)
class Traced:
    """What was back-propagated from rows of a photograph.

    Attributes:
        attributions: for each method of the setting the heatmaps of the rows.
        edges: what each row's edges rest on; None if that is not measured.
    """

    attributions: tuple[Attribution, ...]
    edges: Edges | None

    def __getitem__(self, index: NDArray[np.int64]) -> "Traced":
        """The part that is about some of the rows, by their indices."""
        return Traced(tuple(attribution.of(index.tolist()) for attribution in self.attributions),
                      None if self.edges is None else self.edges[index])


def trace(detector: Detector, tape: Tape, canvas: Canvas, detections: Sequence[Detections], setting: Setting,
          target: Target) -> list[Traced]:
    """Back-propagate rows of each photograph that a tape holds.

    Args:
        detector: what is explained.
        tape: from the setting, open.
        canvas: the photographs as the tape has them, more than one only where :meth:`Setting.together` allows it.
        detections: the rows of each photograph.
        setting: what is done.
        target: what is explained about them.
    """
    attributions = [attribute(detector, canvas, detections, method, setting.layer, target, setting.seed, tape)
                    for method in setting.methods]
    edges: Sequence[Edges | None] = [None] * len(detections)
    if setting.edges:
        edges = measure_edges(detector, canvas, detections, setting.edge_layer, setting.edge_maps, tape)
    return [Traced(tuple(of_photographs[image] for of_photographs in attributions), own)
            for image, own in enumerate(edges)]


def explained_by(traced: Traced, detector: Detector, canvas: Canvas, photo: Image, setting: Setting,
                 detections: Detections, numbered: Sequence[int], detection_count: int, asked: BestRows | None,
                 others: NDArray[np.floating] | None = None) -> Explanation:
    """The explanation of rows that were back-propagated.

    Args:
        traced: what came of it.
        detector: what is explained.
        canvas: the photograph alone.
        photo: the photograph.
        setting: what is done.
        detections: the rows; of ``asked``, where places were asked about.
        numbered: their numbers.
        detection_count: how many detections there are on the photograph.
        asked: what was asked about; None for plain detections.
        others: ``[K, 4]`` xyxy source pixels, boxes of the photograph that are not among the rows.
    """
    boxes = detections.boxes if others is None else np.concatenate([detections.boxes, others])
    maps = [maps_of(attribution, method, shares(attribution, boxes) if asked is None else asked.shares(attribution))
            for method, attribution in zip(setting.methods, traced.attributions, strict=True)]
    known = setting.reference or (
        shipped_reference(*reference_key(detector, setting.edge_layer)) if setting.edges else None)
    gaps = [heat_gap(heatmap, box) for heatmap, box in zip(maps[0].heatmaps, detections.boxes, strict=True)]
    return Explanation(
        image=photo, detections=detections, class_names=detector.class_names, maps=tuple(maps), edges=traced.edges,
        percentiles=_percentiles(detector, known, traced.edges, detections,
                                 canvas.geometries[0].to_canvas(detections.boxes)),
        heat_gap=np.array(gaps).reshape(-1, 4),
        provenance=provenance_of(detector, known, setting.min_score, setting.seed), numbered=tuple(numbered),
        detection_count=detection_count, verdicts=() if asked is None else asked.verdicts)


def numbered_detections(found: Detections, labels: Sequence[int] | None) -> Detections:
    """The detections of the wanted classes, best score first: the order in which figures number them."""
    if labels is not None:
        found = found[np.isin(found.labels, labels)]
    return found[np.argsort(-found.scores, kind="stable")]


def maps_of(attribution: Attribution, method: Method, where: Sequence[Shares]) -> Maps:
    """One method's heatmaps of a photograph's rows, with the shares of where each one's heat lies."""
    return Maps(method.name, attribution.target, attribution.heatmaps, tuple(where), dict(method.settings),
                attribution.targets, attribution.sign_meanings)


def _percentiles(detector: Detector, reference: Reference | None, measured: Edges | None, detections: Detections,
                 boxes: NDArray[np.floating]) -> NDArray[np.float64] | None:
    """Percentiles of the evidence among sound boxes, ``[N, 4]``; NaN for classes that were not measured.

    ``boxes`` are the detections' in canvas pixels.
    """
    if reference is None or measured is None:
        return None
    found = reference.percentile(boxes, measured.evidence)
    in_reference = [detector.class_names.get(label) in reference.measured for label in detections.labels.tolist()]
    found[~np.array(in_reference, dtype=bool)] = np.nan
    return found


