"""explain(): one photograph to every box beside its own heatmaps and numbers."""

from collections.abc import Sequence
from importlib.metadata import PackageNotFoundError, version
from typing import Any

import numpy as np
from numpy.typing import NDArray

from detcam.attribution.attribute import attribute, check_method, explained
from detcam.attribution.layers import DEPTH, layers_of_all
from detcam.attribution.methods import Method, get_method
from detcam.attribution.methods.table import CHANNEL, LAYER, MASKED
from detcam.attribution.sweep import sweep_of
from detcam.attribution.tape import Tape
from detcam.attribution.target import Target, difference, get_target, settled
from detcam.attribution.task import keys_of
from detcam.detectors.base import SIMILARITY, Canvas, Detector
from detcam.detectors.detections import Detections
from detcam.diagnosis.ask import Asked, ask
from detcam.diagnosis.edges import Edges, heat_gap, measure_edges
from detcam.diagnosis.place import places_of
from detcam.diagnosis.reference import Reference, shipped_reference
from detcam.diagnosis.shares import shares
from detcam.errors import InputError
from detcam.explanation import Explanation, Maps
from detcam.imaging import load_image

MAX_BOXES = 30


def explain(detector: Detector, image: Any, *, method: Any = None, layer: str | Sequence[str] = DEPTH,
            target: str | Target = "logit", min_score: float | None = None,
            classes: Sequence[str | int] | None = None, max_boxes: int | None = MAX_BOXES, edges: bool = True,
            edge_maps: bool = False, edge_layer: str | None = None, reference: Reference | None = None,
            seed: int = 0, at: Any = None, box: Any = None, sweep: bool | Sequence[int] = False,
            versus: int | None = None) -> Explanation:
    """Explain every box that the detector draws on a photograph, or why it draws none at a place.

    With ``at`` or ``box``, the raw row that speaks for each place is explained instead, detected or not, with a
    :class:`Verdict` on it, and beside it what took its place: the box that suppressed it, the class that won its row.

    Args:
        detector: from :func:`detcam.load`.
        image: a path, PIL image, NumPy array ``[H, W, 3]`` RGB or torch tensor ``[3, H, W]``.
        method: a name, a :class:`Method`, a function ``(activations, gradients) -> [h, w]``, or a list of those;
            None is ``"hirescam"``, and ``"drise"`` for a plain callable.
        layer: ``"depth"`` (the box's own level fused with shallower layers: the most faithful maps, docs/measurements),
            ``"auto"`` (the box's own level), a layer's name, or a list of names to fuse.
        target: ``"logit"``, ``"probability"``, ``"margin"`` (the logit minus the runner-up's, the background included
            where there is one), ``"left"``, ``"top"``, ``"right"``, ``"bottom"``, ``"width"``, ``"height"``,
            ``"objectness"`` where the head has one, ``"similarity"`` (the largest IoU with the box times score of any
            row), or a :class:`Target`. Where the detector's rows are others on every changed copy of a photograph,
            methods that change it explain the similarity instead of the logit or the probability.
        min_score: detections with a score above this; None is 0.25, and for a classifier 0.
        classes: only these class names or indices.
        max_boxes: at most so many, best score first; None for all.
        edges: measure what each edge rests on, where the detector's boxes have edges to explain.
        edge_maps: also keep each edge's signed map.
        edge_layer: where the evidence on an edge is taken; None is the detector's own choice.
        reference: sound boxes to compare the evidence with; None takes the one that ships for this detector, if any.
        seed: where a method's noise starts from.
        at: a point ``(x, y)`` in source pixels, or a list of points, to ask about.
        box: a box ``(x1, y1, x2, y2)`` in source pixels, or a list of boxes, to ask about.
        sweep: also keep the first layer method's maps at one layer for each change of the map's size, of every
            detection, or of those with these numbers (from 1).
        versus: explain of every box what speaks for it and not for the box with this number (from 1): the difference
            of the two targets.

    Raises:
        InputError: an argument, image, layer, method or class is not what was expected.
        MismatchError: the model's own detections are not the ones the adapter selects.
    """
    min_score = detector.min_score if min_score is None else min_score
    if not detector.has_edges and (edge_maps or edge_layer or reference):
        raise InputError(f"edge_maps, edge_layer and reference: the boxes of {detector.name} have no edges to explain")
    edges = edges and detector.has_edges
    methods = _methods(detector.default_method if method is None else method, min_score, max_boxes)
    for each in methods:
        check_method(detector, each)
    swept = swept_method(methods) if sweep else None
    what, photo = get_target(target, detector), load_image(image)
    places = places_of(at, box, photo)
    wanted = None if classes is None else detector.labels_of(classes)
    recorded = any(each.kind in (LAYER, CHANNEL) for each in methods)
    layers = layers_of_all(detector, layer, detector.levels) if recorded else []
    layers += layers_of_all(detector, edge_layer or detector.edge_layer, detector.levels) if edges else []
    canvas = detector.canvas(photo)
    with Tape(detector, canvas.pixels, layers) as tape:  # one forward pass for the boxes, their maps and their edges
        detector.check(photo, tape.prediction, canvas)
        detections = numbered_detections(detector.select(tape.prediction, canvas, min_score)[0], wanted)
        found = len(detections)
        asked = ask(detector, tape.prediction, canvas, photo, places, detections, min_score, wanted) if places else None
        detections = detections[: max_boxes or found] if asked is None else asked.detections
        numbered = tuple(range(1, len(detections) + 1)) if asked is None else asked.numbered
        what = settled(what, detector, canvas, keys_of(detections), tape.prediction)
        if versus is not None:
            what = difference(what, keys_of(detections), _places([versus], numbered, "versus")[0], f"box {versus}")
        maps = [_maps(tape, canvas, detector, detections, each, layer, what, seed, asked) for each in methods]
        measured = measure_edges(detector, canvas, detections, edge_layer, edge_maps, tape) if edges else None
    known = reference or (shipped_reference(*_reference_key(detector, edge_layer)) if edges else None)
    on_canvas = canvas.geometries[0].to_canvas(detections.boxes)
    gaps = [heat_gap(heatmap, box) for heatmap, box in zip(maps[0].heatmaps, detections.boxes, strict=True)]
    return Explanation(
        image=photo, detections=detections, class_names=detector.class_names, maps=tuple(maps), edges=measured,
        percentiles=_percentiles(detector, known, measured, detections, on_canvas),
        heat_gap=np.array(gaps).reshape(-1, 4), provenance=provenance_of(detector, known, min_score, seed),
        numbered=numbered, found=found, verdicts=() if asked is None else asked.verdicts,
        sweep=None if swept is None else sweep_of(
            detector, canvas, detections, swept, what,
            only=None if isinstance(sweep, bool) else _places(sweep, numbered, "sweep")),
    )


def _methods(method: Any, min_score: float, max_boxes: int | None) -> list[Method]:
    if not 0 <= min_score < 1:
        raise InputError(f"min_score {min_score}: expected a number from 0 to 1")
    if max_boxes is not None and max_boxes < 1:
        raise InputError(f"max_boxes {max_boxes}: expected at least 1")
    methods = [get_method(each) for each in (method if isinstance(method, (list, tuple)) else [method])]
    if not methods:
        raise InputError("no method named: give at least one")
    return methods


def numbered_detections(found: Detections, labels: Sequence[int] | None) -> Detections:
    """The detections of the wanted classes, best score first: the order in which figures number them."""
    if labels is not None:
        found = found[np.isin(found.labels, labels)]
    return found[np.argsort(-found.scores, kind="stable")]


def target_words(detector: Detector, method: Method, target: Target) -> str:
    """What a method explains, whatever target the others have."""
    return SIMILARITY if method.kind == MASKED else explained(detector, method, target).name


def _maps(tape: Tape, canvas: Canvas, detector: Detector, detections: Detections, method: Method,
          layer: str | Sequence[str], target: Target, seed: int, asked: Asked | None) -> Maps:
    heatmaps = tuple(attribute(detector, canvas, detections, method, layer, target, seed, tape))
    where = shares(heatmaps, detections.boxes) if asked is None else asked.shares(heatmaps)
    own = explained(detector, method, target)
    named = tuple(own.name_of(*key) for key in keys_of(detections)) if own.names else ()
    return Maps(method.name, target_words(detector, method, target), heatmaps, tuple(where), dict(method.settings),
                named, own.poles if any(heatmap.signed for heatmap in heatmaps) else None)


def swept_method(methods: Sequence[Method]) -> Method:
    """The method that a sweep takes: the first layer method.

    Raises:
        InputError: all of them explain pixels.
    """
    for method in methods:
        if method.kind == LAYER:
            return method
    raise InputError(f"a sweep goes through layers, and {methods[0].name!r} knows no layers: add a layer method, such "
                     "as 'hirescam'")


def _places(numbers: Sequence[int], numbered: Sequence[int], asked_by: str) -> list[int]:
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
    versions = {}
    for package in ("detcam", "torch", "torchvision", "ultralytics", "numpy"):
        try:
            versions[package] = version(package)
        except PackageNotFoundError:
            continue
    return {
        "detector": detector.name, "family": detector.family, "architecture": detector.architecture,
        "task": detector.task, "weights": detector.fingerprint, "device": str(detector.device), "min_score": min_score,
        "seed": seed,
        "reference": None if reference is None else {
            "source": reference.source, "same_weights": reference.fingerprint == detector.fingerprint},
        "versions": versions,
    }
