"""Rows of one photograph, each beside its own heatmaps and numbers: what `explain` and `diagnose` have in common."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from detcam.attribution.attribute import attribute, explained
from detcam.attribution.gradients.tape import Tape
from detcam.attribution.heatmap import Heatmap
from detcam.attribution.method import Method
from detcam.attribution.methods.table import MASKED
from detcam.attribution.runners.layer import attribute_batch
from detcam.attribution.target import Target
from detcam.attribution.task import keys_of
from detcam.detectors.base import SIMILARITY, Detector
from detcam.detectors.canvas import Canvas
from detcam.detectors.detections import Detections
from detcam.errors import InputError
from detcam.explanations.explanation import Explanation, Maps
from detcam.explanations.provenance import _reference_key, provenance_of
from detcam.explanations.settings import Setting
from detcam.imaging.image import Image
from detcam.measures.edge_evidence import Edges, edges_together, heat_gap
from detcam.measures.reference import Reference, shipped_reference
from detcam.measures.shares import shares
from detcam.verdicts.search import BestRows


@dataclass(frozen=True)
class Traced:
    """What was back-propagated from rows of a photograph.

    Attributes:
        heatmaps: for each method of the setting one a row.
        edges: what each row's edges rest on; None if that is not measured.
    """

    heatmaps: tuple[tuple[Heatmap, ...], ...]
    edges: Edges | None

    def __getitem__(self, index: NDArray[np.int64]) -> "Traced":
        """That of some of the rows."""
        return Traced(tuple(tuple(each[place] for place in index) for each in self.heatmaps),
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
        target: what is explained about them, settled.
    """
    maps = [heatmaps_of(detector, tape, canvas, detections, method, setting, target) for method in setting.methods]
    edges: Sequence[Edges | None] = [None] * len(detections)
    if setting.edges:
        edges = edges_together(tape, detector, canvas, detections, setting.edge_layer, setting.edge_maps)
    return [Traced(tuple(tuple(each[photograph]) for each in maps), own) for photograph, own in enumerate(edges)]


def heatmaps_of(detector: Detector, tape: Tape, canvas: Canvas, detections: Sequence[Detections], method: Method,
                setting: Setting, target: Target) -> list[list[Heatmap]]:
    """One method's heatmaps of rows of each photograph; the arguments are those of :func:`trace`."""
    if len(detections) == 1:
        return [attribute(detector, canvas, detections[0], method, setting.layer, target, setting.seed, tape)]
    return attribute_batch(detector, canvas, detections, method, setting.layer, target, tape)


def explained_by(traced: Traced, detector: Detector, canvas: Canvas, photo: Image, setting: Setting,
                 detections: Detections, numbered: Sequence[int], found: int, asked: BestRows | None, target: Target,
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
        found: how many detections there are on the photograph.
        asked: what was asked about; None for plain detections.
        target: what is explained about them, settled.
        others: ``[K, 4]`` xyxy source pixels, boxes of the photograph that are not among the rows.
    """
    boxes = detections.boxes if others is None else np.concatenate([detections.boxes, others])
    maps = [_maps(detector, heatmaps, detections, method, target, boxes, asked)
            for method, heatmaps in zip(setting.methods, traced.heatmaps, strict=True)]
    known = setting.reference or (
        shipped_reference(*_reference_key(detector, setting.edge_layer)) if setting.edges else None)
    gaps = [heat_gap(heatmap, box) for heatmap, box in zip(maps[0].heatmaps, detections.boxes, strict=True)]
    return Explanation(
        image=photo, detections=detections, class_names=detector.class_names, maps=tuple(maps), edges=traced.edges,
        percentiles=_percentiles(detector, known, traced.edges, detections,
                                 canvas.geometries[0].to_canvas(detections.boxes)),
        heat_gap=np.array(gaps).reshape(-1, 4),
        provenance=provenance_of(detector, known, setting.min_score, setting.seed), numbered=tuple(numbered),
        found=found, verdicts=() if asked is None else asked.verdicts)


def numbered_detections(found: Detections, labels: Sequence[int] | None) -> Detections:
    """The detections of the wanted classes, best score first: the order in which figures number them."""
    if labels is not None:
        found = found[np.isin(found.labels, labels)]
    return found[np.argsort(-found.scores, kind="stable")]


def target_words(detector: Detector, method: Method, target: Target) -> str:
    """What a method explains, whatever target the others have."""
    return SIMILARITY if method.kind == MASKED else explained(detector, method, target).name


def _maps(detector: Detector, heatmaps: tuple[Heatmap, ...], detections: Detections, method: Method, target: Target,
          boxes: NDArray[np.floating], asked: BestRows | None) -> Maps:
    where = shares(heatmaps, boxes) if asked is None else asked.shares(heatmaps)
    own = explained(detector, method, target)
    named = tuple(own.name_of(*key) for key in keys_of(detections)) if own.names else ()
    return Maps(method.name, target_words(detector, method, target), heatmaps, tuple(where), dict(method.settings),
                named, own.poles if any(heatmap.signed for heatmap in heatmaps) else None)


def places_of_numbers(numbers: Sequence[int], numbered: Sequence[int], asked_by: str) -> list[int]:
    """Indices of the detections with these numbers.

    Raises:
        InputError: there is no such number.
    """
    for number in numbers:
        if number not in numbered:
            known = f"the numbers are {', '.join(map(str, numbered))}" if numbered else (
                "nothing is explained on this photograph")
            raise InputError(f"{asked_by}: there is no box {number}; {known}")
    return [numbered.index(number) for number in numbers]


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


