"""Which numbers know of the true error: each one's rank correlation with how far the boxes are really off."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from detcam.attribution.gradients.tape import PIXELS
from detcam.attribution.layers.names import layers_of
from detcam.attribution.method import Method
from detcam.datasets.ground_truth import GroundTruth
from detcam.detectors.base import Detector
from detcam.errors import DataError
from detcam.evaluation.matched_boxes import MeasuredBoxes, concatenate, evidence_at, measure_photograph
from detcam.imaging.boxes import EDGES
from detcam.measures.reference import SOUND, Reference
from detcam.stats.bootstrap import RESAMPLES
from detcam.stats.rank_correlation import rank_correlation, worst_edge_rate

BOX = "box"
EDGE_ERROR = "edge error"
OVERLAP_ERROR = "1 - IoU"
OUTWARD = "signed edge error"

Row = dict[str, Any]


@dataclass(frozen=True)
class Measurement:
    """Every matched box of a data set, and the photographs that failed.

    Attributes:
        boxes: what was measured.
        photographs: how many photographs were looked at.
        failures: photograph to what went wrong.
    """

    boxes: MeasuredBoxes
    photographs: int
    failures: dict[str, str]


def check_layers(detector: Detector, layers: Sequence[str]) -> None:
    """See that the detector has the layers of the evidence; ``pixels`` is one too.

    Raises:
        LayerError: it does not.
    """
    for layer in layers:
        if layer != PIXELS:
            layers_of(detector, layer, 0)


def measure(detector: Detector, data: Sequence[GroundTruth], classes: Sequence[str], min_score: float, method: Method,
            layers: Sequence[str], on_done: Callable[[], None] = lambda: None) -> Measurement:
    """Measure every photograph; a bad one is noted and passed over.

    Args:
        detector, classes, min_score, method, layers: as :func:`measure_photograph` takes them.
        data: the photographs with their true boxes.
        on_done: called after each photograph.

    Raises:
        DataError: no detection found a true box.
    """
    parts, failures = [], {}
    for index, truth in enumerate(data):
        try:
            parts.append(measure_photograph(detector, truth, classes, min_score, method, layers, index))
        except Exception as error:  # a long run goes on: photographs fail in many ways
            failures[str(truth.file)] = " ".join(str(error).split()) or type(error).__name__
        on_done()
    if not sum(len(each) for each in parts):
        reason = f"; {len(failures)} failed, the first: {next(iter(failures.values()))}" if failures else ""
        raise DataError(f"no {' or '.join(classes)} found above score {min_score} matches a true box on "
                        f"{len(data)} photographs{reason}")
    return Measurement(concatenate(parts), len(data), failures)


def correlations(boxes: MeasuredBoxes, percentile_layer: str | None = None, resamples: int = RESAMPLES,
                 seed: int = 0) -> list[Row]:
    """A row for each number and edge; ``box`` is the mean of the four edges, or a number of the box as a whole.

    Each row has ``number``, ``edge``, ``against`` (the error it is compared with), ``rho``, ``rho_size_adjusted``,
    ``low`` and ``high`` (the interval of rho), ``low_adjusted`` and ``high_adjusted``, and ``n`` boxes.

    Args:
        boxes: what was measured.
        percentile_layer: also the percentile of the evidence at this layer among the sound boxes of the other
            photographs.
        resamples: how often the photographs are drawn.
        seed: where the draws and the random number start from.
    """
    def row(number: str, edge: str, against: str, values: NDArray[Any], error: NDArray[Any]) -> Row:
        found = rank_correlation(values, error, boxes.sizes, boxes.photograph, resamples, seed)
        return {
            "number": number, "edge": edge, "against": against,
            "rho": found.raw.value, "rho_size_adjusted": found.size_adjusted.value,
            "low": found.raw.low, "high": found.raw.high,
            "low_adjusted": found.size_adjusted.low, "high_adjusted": found.size_adjusted.high, "n": found.n,
        }

    rows = []
    for name, values in _edge_numbers(boxes, percentile_layer).items():
        sides = [(edge, values[:, k], boxes.errors[:, k]) for k, edge in enumerate(EDGES)]
        rows += [row(name, edge, EDGE_ERROR, *pair) for edge, *pair in sides]
        rows.append(row(name, BOX, EDGE_ERROR, values.mean(1), boxes.errors.mean(1)))
    gap = boxes.edge_numbers["heat gap"]
    rows += [row("heat gap", edge, OUTWARD, gap[:, k], boxes.outward[:, k]) for k, edge in enumerate(EDGES)]
    for name, values in _box_numbers(boxes, seed).items():
        rows.append(row(name, BOX, OVERLAP_ERROR, values, 1 - boxes.overlap))
    return rows


def correlations_by_size(boxes: MeasuredBoxes, resamples: int = RESAMPLES, seed: int = 0) -> list[Row]:
    """For each number of edges, what it knows about the smallest, middle and largest third of the boxes.

    Rows have ``number`` (the mean of the four edges), ``from_px`` and ``to_px`` (square root of the area on the
    canvas), and ``rho``, ``low``, ``high`` and ``n`` as :func:`correlations` has them.
    """
    limits = np.quantile(boxes.sizes, [0, 1 / 3, 2 / 3, 1])
    thirds = np.searchsorted(limits[1:3], boxes.sizes, side="right")
    rows = []
    for name, values in boxes.edge_numbers.items():
        for third in range(3):
            own = thirds == third
            found = rank_correlation(values[own].mean(1), boxes.errors[own].mean(1), boxes.sizes[own],
                                     boxes.photograph[own], resamples, seed)
            rows.append({"number": name, "from_px": float(limits[third]), "to_px": float(limits[third + 1]),
                         "rho": found.raw.value, "low": found.raw.low, "high": found.raw.high, "n": found.n})
    return rows


def worst_edges(boxes: MeasuredBoxes, percentile_layer: str | None = None, resamples: int = RESAMPLES,
                seed: int = 0) -> list[Row]:
    """For each number of edges, how often its largest value is on the worst edge of a bad box (chance: 0.25).

    Rows have ``number``, ``rate``, ``low``, ``high`` and ``n`` bad boxes: those with an edge error over 10 %.
    """
    rows = []
    for name, values in _edge_numbers(boxes, percentile_layer).items():
        found, n = worst_edge_rate(values, boxes.errors, boxes.photograph, SOUND, resamples, seed)
        rows.append({"number": name, "rate": found.value, "low": found.low, "high": found.high, "n": n})
    return rows


def _edge_numbers(boxes: MeasuredBoxes, percentile_layer: str | None) -> dict[str, NDArray[np.float64]]:
    numbers = dict(boxes.edge_numbers)
    if percentile_layer is not None:
        numbers[f"percentile of {evidence_at(percentile_layer)}"] = held_out_percentiles(boxes, percentile_layer)
    return numbers


def _box_numbers(boxes: MeasuredBoxes, seed: int) -> dict[str, NDArray[np.float64]]:
    evidence = {name: values.mean(1) for name, values in boxes.edge_numbers.items() if "heat" not in name}
    baselines = {"1 - score": 1 - boxes.scores, "smallness of the box": 1 / boxes.sizes,
                 "random": np.random.default_rng(seed).random(len(boxes))}
    return evidence | boxes.box_numbers | baselines


def held_out_percentiles(boxes: MeasuredBoxes, layer: str) -> NDArray[np.float64]:
    """Percentile of each edge's evidence among the sound boxes of the other photographs, ``[N, 4]``."""
    evidence = boxes.edge_numbers[evidence_at(layer)]
    found = np.full(evidence.shape, np.nan)
    for photograph in np.unique(boxes.photograph):
        own = boxes.photograph == photograph
        others = boxes.sound & ~own
        if others.any():
            reference = Reference("", "", (), (), layer, "", boxes.sizes[others], evidence[others])
            found[own] = reference.percentile(boxes.canvas_boxes[own], evidence[own])
    return found


def reference_of(boxes: MeasuredBoxes, detector: Detector, classes: Sequence[str], layer: str,
                 source: str) -> Reference:
    """The sound boxes as the reference that percentiles are said against.

    Raises:
        DataError: there is no sound box.
    """
    sound = boxes.sound
    if not sound.any():
        raise DataError(f"none of the {len(boxes)} matched boxes is sound: no reference can be made of them")
    return Reference(
        fingerprint=detector.fingerprint, architecture=detector.architecture,
        classes=tuple(detector.class_names.values()), measured=tuple(classes), layer=layer, source=source,
        sizes=boxes.sizes[sound], evidence=boxes.edge_numbers[evidence_at(layer)][sound],
    )


def summary(rows: Sequence[Row], worst: Sequence[Row]) -> list[tuple[str, ...]]:
    """The rows as a table of words, one line a number: heading first; 95 % intervals in square brackets."""
    rates = {row["number"]: row for row in worst}
    lines: dict[tuple[str, str], dict[str, Row]] = {}
    for row in rows:
        lines.setdefault((row["number"], row["against"]), {})[row["edge"]] = row
    heading = ("number", "against", *EDGES, BOX, "box, adjusted for size", "worst edge named", "boxes")
    table: list[tuple[str, ...]] = [heading]
    for (number, against), by_edge in lines.items():
        box, rate = by_edge.get(BOX), rates.get(number) if against == EDGE_ERROR else None
        table.append((
            number, against, *(_said(by_edge[edge]["rho"]) if edge in by_edge else "" for edge in EDGES),
            _interval(box, "rho", "low", "high") if box else "",
            _interval(box, "rho_size_adjusted", "low_adjusted", "high_adjusted") if box else "",
            f"{rate['rate']:.0%} [{rate['low']:.0%}, {rate['high']:.0%}] of {rate['n']}" if rate and rate["n"] else "",
            str(max(row["n"] for row in by_edge.values())),
        ))
    return table


def _said(value: float) -> str:
    return "-" if np.isnan(value) else f"{value:.2f}"


def _interval(row: Row, value: str, low: str, high: str) -> str:
    return "-" if np.isnan(row[value]) else f"{_said(row[value])} [{_said(row[low])}, {_said(row[high])}]"
