"""Rows of one photograph, each beside its own heatmaps and numbers: what `explain` and `diagnose` have in common."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from typing import Any

import numpy as np
from numpy.typing import NDArray

from detcam.attribution.attribute import attribute, check_method, explained
from detcam.attribution.heatmap import Heatmap
from detcam.attribution.layer_maps import attribute_batch
from detcam.attribution.layers import DEPTH, layers_of_all
from detcam.attribution.methods import Method, get_method
from detcam.attribution.methods.table import CHANNEL, LAYER, MASKED
from detcam.attribution.tape import Tape
from detcam.attribution.target import Target, get_target
from detcam.attribution.task import keys_of
from detcam.detectors.base import REPLAYED, SIMILARITY, Canvas, Detector
from detcam.detectors.detections import Detections
from detcam.diagnosis.ask import Asked
from detcam.diagnosis.edges import Edges, edges_together, heat_gap
from detcam.diagnosis.reference import Reference, shipped_reference
from detcam.diagnosis.shares import shares
from detcam.errors import InputError
from detcam.explanation import Explanation, Maps
from detcam.imaging import Image


@dataclass(frozen=True)
class Setting:
    """What is done with every row, checked against the detector.

    Attributes:
        methods: at least one.
        layer, edge_maps, edge_layer, reference, seed: as :func:`detcam.explain.explain` takes them.
        target: what is explained.
        min_score: the detections are those with a score above it.
        edges: whether what each edge rests on is measured.
    """

    methods: tuple[Method, ...]
    layer: str | Sequence[str]
    target: Target
    min_score: float
    edges: bool
    edge_maps: bool
    edge_layer: str | None
    reference: Reference | None
    seed: int

    def layers(self, detector: Detector) -> list[str]:
        """Every layer that boxes of any level are explained at.

        Raises:
            LayerError: the detector has no such layer.
        """
        recorded = any(each.kind in (LAYER, CHANNEL) for each in self.methods)
        found = layers_of_all(detector, self.layer, detector.levels) if recorded else []
        edge_layer = self.edge_layer or detector.edge_layer
        return found + (layers_of_all(detector, edge_layer, detector.levels) if self.edges else [])

    def tape(self, detector: Detector, canvas: Canvas) -> Tape:
        """One forward pass of the canvas that serves the boxes, their maps and their edges, whatever they are."""
        return Tape(detector, canvas.pixels, self.layers(detector))

    def together(self, detector: Detector) -> bool:
        """Whether several photographs can be explained by one forward pass.

        Not where a method makes many copies of each anyway, where what is explained is chosen photograph by photograph,
        or where rows mean what they mean beside one photograph's own proposals.
        """
        return (all(each.kind == LAYER for each in self.methods) and self.target.settle is None
                and detector.rows != REPLAYED)


def setting_of(detector: Detector, method: Any = None, layer: str | Sequence[str] = DEPTH,
               target: str | Target = "logit", min_score: float | None = None, edges: bool = True,
               edge_maps: bool = False, edge_layer: str | None = None, reference: Reference | None = None,
               seed: int = 0) -> Setting:
    """A setting from what a user says, as :func:`detcam.explain.explain` takes it.

    Raises:
        InputError, MethodError: the detector has no edges, or not what a method or target needs.
    """
    min_score = detector.min_score if min_score is None else min_score
    if not detector.has_edges and (edge_maps or edge_layer or reference):
        raise InputError(f"edge_maps, edge_layer and reference: the boxes of {detector.name} have no edges to explain")
    if not 0 <= min_score < 1:
        raise InputError(f"min_score {min_score}: expected a number from 0 to 1")
    method = detector.default_method if method is None else method
    methods = tuple(get_method(each) for each in (method if isinstance(method, (list, tuple)) else [method]))
    if not methods:
        raise InputError("no method named: give at least one")
    for each in methods:
        check_method(detector, each)
    return Setting(methods, layer, get_target(target, detector), min_score, edges and detector.has_edges, edge_maps,
                   edge_layer, reference, seed)


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
                 detections: Detections, numbered: Sequence[int], found: int, asked: Asked | None, target: Target,
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
          boxes: NDArray[np.floating], asked: Asked | None) -> Maps:
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
    spoken_of = [detector.class_names.get(label) in reference.measured for label in detections.labels.tolist()]
    found[~np.array(spoken_of, dtype=bool)] = np.nan
    return found


def _reference_key(detector: Detector, edge_layer: str | None) -> tuple[str, str, tuple[str, ...], str]:
    return (detector.fingerprint, detector.architecture, tuple(detector.class_names.values()),
            edge_layer or detector.edge_layer)


def provenance_of(detector: Detector, reference: Reference | None, min_score: float, seed: int) -> dict[str, Any]:
    """What an explanation was made with."""
    return {
        "detector": detector.name, "family": detector.family, "architecture": detector.architecture,
        "task": detector.task, "weights": detector.fingerprint, "device": str(detector.device), "min_score": min_score,
        "seed": seed,
        "reference": None if reference is None else {
            "source": reference.source, "same_weights": reference.fingerprint == detector.fingerprint},
        "versions": dict(_versions()),
    }


@cache
def _versions() -> dict[str, str]:
    versions = {}
    for package in ("detcam", "torch", "torchvision", "ultralytics", "numpy"):
        try:
            versions[package] = version(package)
        except PackageNotFoundError:
            continue
    return versions
