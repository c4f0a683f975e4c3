"""Which numbers correlate with the localization error: rank correlations over matched boxes."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from detcam.detectors.base import Detector
from detcam.errors import DataError
from detcam.evaluation.matched_boxes import MeasuredBoxes, evidence_at
from detcam.imaging.boxes import EDGES
from detcam.measures.reference import SOUND, Reference
from detcam.stats.bootstrap import RESAMPLES
from detcam.stats.rank_correlation import rank_correlation, worst_edge_rate

BOX = "box"
EDGE_ERROR = "edge error"
OVERLAP_ERROR = "1 - IoU"
OUTWARD = "signed edge error"

Row = dict[str, Any]


def correlations(boxes: MeasuredBoxes, percentile_layer: str | None = None, resamples: int = RESAMPLES,
                 seed: int = 0) -> list[Row]:
    """The rank correlation of every number with its error, for each edge and for the box.

    Args:
        boxes: the matched boxes.
        percentile_layer: adds the percentile of the evidence at this layer among the sound boxes of the other
            photographs; None adds nothing.
        resamples: how often photographs are drawn with replacement.
        seed: of the draws and of the random baseline.

    Returns:
        Rows with ``number``, ``edge`` (``"box"`` for the mean of the four edges, and for a number of the box),
        ``against`` (the error), ``rho`` with its interval ``low`` and ``high``, ``rho_size_adjusted`` with
        ``low_adjusted`` and ``high_adjusted``, and ``n``, the number of boxes.
    """
    def row(number: str, edge: str, against: str, values: NDArray[Any], error: NDArray[Any]) -> Row:
        rho = rank_correlation(values, error, boxes.sizes, boxes.photograph, resamples, seed)
        return {
            "number": number, "edge": edge, "against": against,
            "rho": rho.raw.value, "rho_size_adjusted": rho.size_adjusted.value,
            "low": rho.raw.low, "high": rho.raw.high,
            "low_adjusted": rho.size_adjusted.low, "high_adjusted": rho.size_adjusted.high, "n": rho.n,
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
    """The rank correlation of every edge number with the error, for small, medium and large boxes: a third each.

    Both are means over the four edges.

    Args:
        boxes: the matched boxes.
        resamples: how often photographs are drawn with replacement.
        seed: of the draws.

    Returns:
        Rows with ``number``, ``from_px`` and ``to_px`` (the sizes: square root of the area, canvas pixels), ``rho``
        with its interval ``low`` and ``high``, and ``n``, the number of boxes.
    """
    limits = np.quantile(boxes.sizes, [0, 1 / 3, 2 / 3, 1])
    thirds = np.searchsorted(limits[1:3], boxes.sizes, side="right")
    rows = []
    for name, values in boxes.edge_numbers.items():
        for third in range(3):
            of_size = thirds == third
            rho = rank_correlation(values[of_size].mean(1), boxes.errors[of_size].mean(1), boxes.sizes[of_size],
                                   boxes.photograph[of_size], resamples, seed)
            rows.append({"number": name, "from_px": float(limits[third]), "to_px": float(limits[third + 1]),
                         "rho": rho.raw.value, "low": rho.raw.low, "high": rho.raw.high, "n": rho.n})
    return rows


def worst_edge_rates(boxes: MeasuredBoxes, percentile_layer: str | None = None, resamples: int = RESAMPLES,
                     seed: int = 0) -> list[Row]:
    """How often each edge number is largest on the worst edge of a bad box; pure chance gives 0.25.

    A bad box has an edge with an error of more than 10 %.

    Args:
        boxes: the matched boxes.
        percentile_layer: as in :func:`correlations`: adds the percentile of the evidence at this layer.
        resamples: how often photographs are drawn with replacement.
        seed: of the draws.

    Returns:
        Rows with ``number``, ``rate`` with its interval ``low`` and ``high``, and ``n``, the number of bad boxes.
    """
    rows = []
    for name, values in _edge_numbers(boxes, percentile_layer).items():
        rate, n = worst_edge_rate(values, boxes.errors, boxes.photograph, SOUND, resamples, seed)
        rows.append({"number": name, "rate": rate.value, "low": rate.low, "high": rate.high, "n": n})
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
    """The percentile of each edge's evidence among the sound boxes of the other photographs, from 0 to 100.

    Args:
        boxes: the matched boxes.
        layer: the layer of the evidence.

    Returns:
        float64 ``[N, 4]``; NaN where no other photograph has a sound box.
    """
    evidence = boxes.edge_numbers[evidence_at(layer)]
    percentiles = np.full(evidence.shape, np.nan)
    for photograph in np.unique(boxes.photograph):
        inside = boxes.photograph == photograph
        others = boxes.sound & ~inside
        if others.any():
            reference = Reference("", "", (), (), layer, "", boxes.sizes[others], evidence[others])
            percentiles[inside] = reference.percentile(boxes.canvas_boxes[inside], evidence[inside])
    return percentiles


def reference_of(boxes: MeasuredBoxes, detector: Detector, classes: Sequence[str], layer: str,
                 source: str) -> Reference:
    """A reference of the sound boxes, to which percentiles refer.

    Args:
        boxes: the matched boxes.
        detector: their detector.
        classes: the class names that were measured.
        layer: the layer of the evidence.
        source: the photographs, in words.

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


def correlation_table(rows: Sequence[Row], worst: Sequence[Row]) -> list[tuple[str, ...]]:
    """The rows as a table of text: a heading, then a line for each number; 95 % intervals in square brackets.

    Args:
        rows: from :func:`correlations`.
        worst: from :func:`worst_edge_rates`.
    """
    rates = {row["number"]: row for row in worst}
    lines: dict[tuple[str, str], dict[str, Row]] = {}
    for row in rows:
        lines.setdefault((row["number"], row["against"]), {})[row["edge"]] = row
    heading = ("number", "against", *EDGES, BOX, "box, adjusted for size", "worst edge named", "boxes")
    table: list[tuple[str, ...]] = [heading]
    for (number, against), by_edge in lines.items():
        box, rate = by_edge.get(BOX), rates.get(number) if against == EDGE_ERROR else None
        table.append((
            number, against, *(_text(by_edge[edge]["rho"]) if edge in by_edge else "" for edge in EDGES),
            _interval(box, "rho", "low", "high") if box else "",
            _interval(box, "rho_size_adjusted", "low_adjusted", "high_adjusted") if box else "",
            f"{rate['rate']:.0%} [{rate['low']:.0%}, {rate['high']:.0%}] of {rate['n']}" if rate and rate["n"] else "",
            str(max(row["n"] for row in by_edge.values())),
        ))
    return table


def _text(value: float) -> str:
    return "-" if np.isnan(value) else f"{value:.2f}"


def _interval(row: Row, value: str, low: str, high: str) -> str:
    return "-" if np.isnan(row[value]) else f"{_text(row[value])} [{_text(row[low])}, {_text(row[high])}]"
