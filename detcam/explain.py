"""explain(): one photograph to every box beside its own heatmaps and numbers."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from importlib.metadata import PackageNotFoundError, version
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from detcam.attribution.attribute import attribute
from detcam.attribution.heatmap import Heatmap
from detcam.attribution.layers import DEPTH, layers_of_all
from detcam.attribution.methods import Method, get_method
from detcam.attribution.methods.table import LAYER, MASKED
from detcam.attribution.sweep import Sweep, sweep_of
from detcam.attribution.tape import Tape
from detcam.attribution.target import Target, get_target, settled
from detcam.attribution.task import keys_of
from detcam.detectors.base import Detector
from detcam.detectors.detections import Detections
from detcam.diagnosis.ask import ask
from detcam.diagnosis.edges import Edges, heat_gap, measure_edges
from detcam.diagnosis.place import places_of
from detcam.diagnosis.reference import Reference, shipped_reference
from detcam.diagnosis.shares import REGIONS, Shares, shares
from detcam.diagnosis.verdict import Verdict
from detcam.errors import InputError
from detcam.imaging import Image, load_image
from detcam.imaging.boxes import EDGES

MIN_SCORE = 0.25  # what ultralytics' predict takes
MAX_BOXES = 30
SIMILARITY = "similarity"  # what masked methods explain, whatever target the others have


@dataclass(frozen=True)
class Maps:
    """One method's heatmaps of all detections.

    Attributes:
        method: the method's name.
        target: what was explained.
        heatmaps: one a detection.
        shares: where each one's heat lies.
        settings: the method's settings, for the provenance.
        targets: what was explained about each detection, where ``target`` does not say all of it (the runner-up of a
            margin); otherwise empty.
    """

    method: str
    target: str
    heatmaps: tuple[Heatmap, ...]
    shares: tuple[Shares, ...]
    settings: dict[str, Any] = field(default_factory=dict)
    targets: tuple[str, ...] = ()

    def __getitem__(self, index: NDArray[np.int64]) -> "Maps":
        """The maps of some of the detections."""
        return replace(self, heatmaps=tuple(self.heatmaps[i] for i in index),
                       shares=tuple(self.shares[i] for i in index),
                       targets=tuple(self.targets[i] for i in index) if self.targets else ())

    def target_of(self, index: int) -> str:
        """What was explained about a detection, such as ``"margin over background"``."""
        return self.targets[index] if self.targets else self.target


@dataclass(frozen=True)
class DetectionExplanation:
    """One detection with its heatmap and numbers.

    Attributes:
        number: its number in the figure and the table, from 1.
        box: ``[4]`` xyxy, source pixels.
        label, class_name, score, row, level, cell: as in :class:`Detections`.
        heatmap: the first method's heatmap.
        heatmaps: every method's, by name.
        sweep: its maps by layer, from shallow to deep; empty unless a sweep was asked for.
        numbers: everything that was measured, flat, as ``to_frame()`` has it.
        verdict: where its place was asked about, what became of it.
        parent: the explanation it belongs to.
    """

    number: int
    box: NDArray[np.float64]
    label: int
    class_name: str
    score: float
    row: int
    level: int
    cell: tuple[int, int]
    heatmap: Heatmap
    heatmaps: dict[str, Heatmap]
    sweep: dict[str, Heatmap]
    numbers: dict[str, Any]
    verdict: Verdict | None
    parent: "Explanation" = field(repr=False, compare=False)


@dataclass(frozen=True)
class Explanation:
    """Every detection of a photograph beside its own heatmaps. Index it: a number for one, a slice for several.

    Attributes:
        image: the photograph.
        detections: its detections, best score first.
        class_names: label to word.
        maps: each method's heatmaps, in the order that the methods were asked for; never empty.
        edges: what each edge rests on; None if it was not asked for.
        percentiles: ``[N, 4]``: per cent of sound boxes of similar size with less evidence on that edge; NaN for
            classes that the reference does not speak of, None without a reference.
        heat_gap: ``[N, 4]``: how far each edge reaches beyond the first method's heat, over width or height.
        provenance: detector, weights, settings, versions and device.
        numbered: each detection's number in the figure and the table, from 1.
        found: how many detections there were before ``max_boxes`` cut them.
        verdicts: where places were asked about, what became of each row; None for what took a row's place. The rows
            need not be detections then. Empty otherwise.
        sweep: each detection's maps at many layers; None if it was not asked for.
    """

    image: Image
    detections: Detections
    class_names: dict[int, str]
    maps: tuple[Maps, ...]
    edges: Edges | None
    percentiles: NDArray[np.float64] | None
    heat_gap: NDArray[np.float64]
    provenance: dict[str, Any]
    numbered: tuple[int, ...]
    found: int
    verdicts: tuple[Verdict | None, ...] = ()
    sweep: Sweep | None = None

    def __len__(self) -> int:
        return len(self.detections)

    def __iter__(self) -> Iterator[DetectionExplanation]:
        return (self[index] for index in range(len(self)))

    def __getitem__(self, index: Any) -> Any:
        """One detection (:class:`DetectionExplanation`) for a number, an :class:`Explanation` for anything else.

        Raises:
            IndexError: there is no such detection.
        """
        if isinstance(index, (int, np.integer)):
            return self._one(range(len(self))[index])
        chosen = np.arange(len(self))[index]
        return replace(
            self, detections=self.detections[chosen], maps=tuple(each[chosen] for each in self.maps),
            edges=None if self.edges is None else self.edges[chosen],
            percentiles=None if self.percentiles is None else self.percentiles[chosen],
            heat_gap=self.heat_gap[chosen], numbered=tuple(self.numbered[i] for i in chosen),
            verdicts=tuple(self.verdicts[i] for i in chosen) if self.verdicts else (),
            sweep=None if self.sweep is None else self.sweep[chosen],
        )

    def _one(self, index: int) -> DetectionExplanation:
        found = self.detections
        label = int(found.labels[index])
        return DetectionExplanation(
            number=self.numbered[index], box=found.boxes[index], label=label,
            class_name=self.class_name(label), score=float(found.scores[index]), row=int(found.rows[index]),
            level=int(found.levels[index]), cell=(int(found.cells[index, 0]), int(found.cells[index, 1])),
            heatmap=self.maps[0].heatmaps[index],
            heatmaps={each.method: each.heatmaps[index] for each in self.maps},
            sweep={} if self.sweep is None else self.sweep.heatmaps[index], numbers=self.numbers(index),
            verdict=self.verdict(index), parent=self,
        )

    def class_name(self, label: int) -> str:
        """The word for a label."""
        return self.class_names.get(label, f"class {label}")

    def verdict(self, index: int) -> Verdict | None:
        """What became of a row, where its place was asked about."""
        return self.verdicts[index] if self.verdicts else None

    def numbers(self, index: int) -> dict[str, Any]:
        """Everything that was measured on one detection, flat; NaN where a number does not exist for it."""
        first = self.maps[0]
        heatmap = first.heatmaps[index]
        row: dict[str, Any] = {"method": first.method, "target": first.target_of(index), "layer": heatmap.layer,
                               "status": heatmap.status}
        row |= {f"scale_{name}": scale for name, scale in heatmap.scales.items()}  # of a fused map
        row |= {region: getattr(first.shares[index], region) for region in REGIONS}
        row["peak_inside"] = first.shares[index].peak_inside
        if self.edges is not None:
            row["edge_layer"] = self.edges.layer[index]
            tables = {"evidence": self.edges.evidence, "percentile": self.percentiles,
                      "sibling_spread": self.edges.sibling_spread,
                      "distribution_spread": self.edges.distribution_spread}
            for name, table in tables.items():
                if table is not None:
                    row |= {f"{edge}_{name}": float(table[index, column]) for column, edge in enumerate(EDGES)}
        row |= {f"{edge}_heat_gap": float(self.heat_gap[index, column]) for column, edge in enumerate(EDGES)}
        verdict = self.verdict(index)
        if self.verdicts:
            row |= {"asked": "" if verdict is None else str(verdict.place),
                    "verdict": "" if verdict is None else verdict.kind,
                    "why": "" if verdict is None else verdict.sentence}
        return row

    def to_frame(self) -> pd.DataFrame:
        """One line a detection: what it is, where it came from, and every number."""
        rows = []
        for one in self:
            x1, y1, x2, y2 = one.box.tolist()
            rows.append({"number": one.number, "class_name": one.class_name, "label": one.label, "score": one.score,
                         "x1": x1, "y1": y1, "x2": x2, "y2": y2, "row": one.row, "level": one.level} | one.numbers)
        return pd.DataFrame(rows)


def explain(detector: Detector, image: Any, *, method: Any = "hirescam", layer: str | Sequence[str] = DEPTH,
            target: str | Target = "logit", min_score: float = MIN_SCORE,
            classes: Sequence[str | int] | None = None, max_boxes: int | None = MAX_BOXES, edges: bool = True,
            edge_maps: bool = False, edge_layer: str | None = None, reference: Reference | None = None,
            seed: int = 0, at: Any = None, box: Any = None, sweep: bool | Sequence[int] = False) -> Explanation:
    """Explain every box that the detector draws on a photograph, or why it draws none at a place.

    With ``at`` or ``box``, the raw row that speaks for each place is explained instead, detected or not, with a
    :class:`Verdict` on it, and beside it what took its place: the box that suppressed it, the class that won its row.

    Args:
        detector: from :func:`detcam.load`.
        image: a path, PIL image, NumPy array ``[H, W, 3]`` RGB or torch tensor ``[3, H, W]``.
        method: a name, a :class:`Method`, a function ``(activations, gradients) -> [h, w]``, or a list of those.
        layer: ``"depth"`` (the box's own level fused with shallower layers: the most faithful maps, docs/measurements),
            ``"auto"`` (the box's own level), a layer's name, or a list of names to fuse.
        target: ``"logit"``, ``"probability"``, ``"margin"`` (the logit minus the runner-up's, the background included
            where there is one), ``"left"``, ``"top"``, ``"right"``, ``"bottom"``, or a :class:`Target`.
        min_score: detections with a score above this.
        classes: only these class names or indices.
        max_boxes: at most so many, best score first; None for all.
        edges: measure what each edge rests on.
        edge_maps: also keep each edge's signed map.
        edge_layer: where the evidence on an edge is taken; None is the detector's own choice.
        reference: sound boxes to compare the evidence with; None takes the one that ships for this detector, if any.
        seed: where a method's noise starts from.
        at: a point ``(x, y)`` in source pixels, or a list of points, to ask about.
        box: a box ``(x1, y1, x2, y2)`` in source pixels, or a list of boxes, to ask about.
        sweep: also keep the first layer method's maps at one layer for each change of the map's size, of every
            detection, or of those with these numbers (from 1).

    Raises:
        InputError: an argument, image, layer, method or class is not what was expected.
        MismatchError: the model's own detections are not the ones the adapter selects.
    """
    if not 0 <= min_score < 1:
        raise InputError(f"min_score {min_score}: expected a number from 0 to 1")
    if max_boxes is not None and max_boxes < 1:
        raise InputError(f"max_boxes {max_boxes}: expected at least 1")
    methods = [get_method(each) for each in (method if isinstance(method, (list, tuple)) else [method])]
    if not methods:
        raise InputError("no method named: give at least one")
    swept = swept_method(methods) if sweep else None
    what, photo = get_target(target, detector), load_image(image)
    places = places_of(at, box, photo)
    wanted = None if classes is None else detector.labels_of(classes)
    layers = layers_of_all(detector, layer, range(detector.n_levels)) if any(m.kind == LAYER for m in methods) else []
    layers += layers_of_all(detector, edge_layer or detector.edge_layer, range(detector.n_levels)) if edges else []
    canvas, maps = detector.canvas(photo), []
    with Tape(detector, canvas.pixels, layers) as tape:  # one forward pass for the boxes, their maps and their edges
        detector.check(photo, tape.prediction, canvas)
        detections = detector.select(tape.prediction, canvas, min_score)[0]
        if wanted is not None:
            detections = detections[np.isin(detections.labels, wanted)]
        detections = detections[np.argsort(-detections.scores, kind="stable")]
        found = len(detections)
        asked = ask(detector, tape.prediction, canvas, photo, places, detections, min_score, wanted) if places else None
        detections = detections[: max_boxes or found] if asked is None else asked.detections
        what = settled(what, detector, canvas, keys_of(detections), tape.prediction)
        named = tuple(what.name_of(*key) for key in keys_of(detections)) if what.names else ()
        for each in methods:
            heatmaps = tuple(attribute(detector, canvas, detections, each, layer, what, seed, tape))
            where = shares(heatmaps, detections.boxes) if asked is None else asked.shares(heatmaps)
            explained = SIMILARITY if each.kind == MASKED else what.name
            maps.append(Maps(each.name, explained, heatmaps, tuple(where), dict(each.settings), named))
        measured = measure_edges(detector, canvas, detections, edge_layer, edge_maps, tape) if edges else None
    known = reference or (shipped_reference(*_reference_key(detector, edge_layer)) if edges else None)
    on_canvas = canvas.geometries[0].to_canvas(detections.boxes)
    gaps = [heat_gap(heatmap, box) for heatmap, box in zip(maps[0].heatmaps, detections.boxes, strict=True)]
    numbered = tuple(range(1, len(detections) + 1)) if asked is None else asked.numbered
    return Explanation(
        image=photo, detections=detections, class_names=detector.class_names, maps=tuple(maps), edges=measured,
        percentiles=_percentiles(detector, known, measured, detections, on_canvas),
        heat_gap=np.array(gaps).reshape(-1, 4), provenance=_provenance(detector, known, min_score, seed),
        numbered=numbered, found=found, verdicts=() if asked is None else asked.verdicts,
        sweep=None if swept is None else sweep_of(detector, canvas, detections, swept, what,
                                                  only=_swept_boxes(sweep, numbered)),
    )


def swept_method(methods: Sequence[Method]) -> Method:
    """The method that a sweep takes: the first layer method.

    Raises:
        InputError: all of them explain pixels.
    """
    for method in methods:
        if method.kind == LAYER:
            return method
    raise InputError(f"a sweep goes through layers, and {methods[0].name!r} explains pixels: add a layer method, such "
                     "as 'hirescam'")


def _swept_boxes(sweep: bool | Sequence[int], numbered: Sequence[int]) -> list[int] | None:
    """Indices of the detections that were asked for by number; None for all."""
    if isinstance(sweep, bool):
        return None
    for number in sweep:
        if number not in numbered:
            known = f"the numbers are {', '.join(map(str, numbered))}" if numbered else (
                "nothing is explained on this photograph")
            raise InputError(f"sweep: there is no box {number}; {known}")
    return [numbered.index(number) for number in sweep]


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


def _provenance(detector: Detector, reference: Reference | None, min_score: float, seed: int) -> dict[str, Any]:
    versions = {}
    for package in ("detcam", "torch", "torchvision", "ultralytics", "numpy"):
        try:
            versions[package] = version(package)
        except PackageNotFoundError:
            continue
    return {
        "detector": detector.name, "family": detector.family, "architecture": detector.architecture,
        "weights": detector.fingerprint, "device": str(detector.device), "min_score": min_score, "seed": seed,
        "reference": None if reference is None else {
            "source": reference.source, "same_weights": reference.fingerprint == detector.fingerprint},
        "versions": versions,
    }
