"""Does another form of the evidence on an edge know more of its true error? Every form at every layer, side by side.

    python scripts/measure_evidence.py --images val/images --annotations val/instances.json --model yolov8n.pt
"""

import sys

if __name__ == "__main__":  # before the other imports, which take seconds
    from detcam.cli.main import run_script

    sys.exit(run_script(__file__))

from collections.abc import Sequence
from typing import Annotated, Any

import numpy as np
import typer

from detcam.cli.console import tracked
from detcam.cli.option_groups import grouped
from detcam.cli.options import DataOptions, DetectorOptions
from detcam.cli.reports import ReportOptions, print_lines
from detcam.datasets.ground_truth import GroundTruth
from detcam.detectors.base import Detector
from detcam.diagnosis.classes import check_classes
from detcam.evaluation.evidence_forms import FORMS, SCALES, evidence_in_forms
from detcam.evaluation.matched_boxes import MeasuredBoxes, concatenate, measure_matched
from detcam.evaluation.measurement import check_layers
from detcam.imaging.boxes import edge_lengths
from detcam.stats.bootstrap import RESAMPLES, Estimate
from detcam.stats.rank_correlation import correlation_gain, rank_correlation, worst_edge_rate

SCHEMA = 1
FIRST_SCALE = next(iter(SCALES))
HEADING = ("form", "layer", "scale", "rho", "adjusted for size", "gain", "worst edge named")


@grouped
def main(
    where: DataOptions, options: DetectorOptions, files: ReportOptions,
    edge_layer: Annotated[list[str] | None, typer.Option(
        help="Layer of the evidence; repeatable. With the first one the others are compared.")] = None,
    seed: Annotated[int, typer.Option(help="Where noise and draws start from.")] = 0,
) -> None:
    """Print what each form of the evidence knows of the true error, and how much more than the first one."""
    wanted, min_score = where.wanted, where.min_score
    files.check()
    data = where.read()
    chosen = where.photographs(data)
    detector = options.load()
    check_classes(detector, data, wanted)
    layers = edge_layer or [detector.edge_layer]
    check_layers(detector, layers)
    boxes = concatenate([_measure(detector, truth, wanted, min_score, layers, seed, index)
                         for index, truth in enumerate(tracked(chosen))])
    rows = compare(boxes, seed)
    lines = [HEADING, *(_line(row) for row in rows)]
    print_lines(lines, f"{detector.name}: what each form of the evidence on the edges knows of the true error, "
                       f"{rows[0]['boxes']} boxes",
                "Rank correlation of the box's mean with its mean edge error; in square brackets what 95 % of draws of "
                "the photographs give. Gain: adjusted for size, over the first row, paired.")
    files.write(lines, {
        "schema_version": SCHEMA, "detector": detector.name, "architecture": detector.architecture,
        "weights": detector.fingerprint, "classes": wanted, "min_score": min_score, "edge_layers": layers,
        "photographs": len(chosen), "boxes": len(boxes), "seed": seed, "rows": rows})


def _measure(detector: Detector, truth: GroundTruth, classes: Sequence[str], min_score: float, layers: Sequence[str],
             seed: int, index: int) -> MeasuredBoxes:
    def numbers(canvas: Any, found: Any, own: Any) -> dict[str, Any]:
        made: dict[str, Any] = {}
        for layer in layers:
            raw = evidence_in_forms(detector, canvas, found[own], layer, seed=seed)
            made |= {f"{form} @ {layer}": values for form, values in raw.items()}
        return {"edge_numbers": made, "box_numbers": {}}

    return measure_matched(detector, truth, classes, min_score, index, numbers)


def compare(boxes: MeasuredBoxes, seed: int) -> list[dict[str, Any]]:
    """A row for each form, layer and scale; other scales than the first only of the first form."""
    lengths = edge_lengths(boxes.canvas_boxes).clip(1)
    first = next(iter(boxes.edge_numbers))
    start = SCALES[FIRST_SCALE](boxes.edge_numbers[first], lengths)
    error = boxes.errors.mean(1)
    rows = []
    for name, raw in boxes.edge_numbers.items():
        for scale in SCALES if name.startswith(next(iter(FORMS)) + " @") else [FIRST_SCALE]:
            values = SCALES[scale](raw, lengths)
            found = rank_correlation(values.mean(1), error, boxes.sizes, boxes.photograph, RESAMPLES, seed)
            named, bad = worst_edge_rate(values, boxes.errors, boxes.photograph, resamples=RESAMPLES, seed=seed)
            gain = correlation_gain(values.mean(1), start.mean(1), error, boxes.sizes, boxes.photograph, seed=seed)
            form, _, layer = name.rpartition(" @ ")
            rows.append({"form": form, "layer": layer, "scale": scale, "rho": _plain(found.raw),
                         "adjusted": _plain(found.size_adjusted), "gain": _plain(gain), "worst_edge": _plain(named),
                         "boxes": found.n, "bad_boxes": bad})
    return rows


def _plain(estimate: Estimate) -> list[float | None]:
    """Value, low and high with 3 decimals; None for what does not exist: JSON knows no NaN."""
    return [None if np.isnan(each) else round(each, 3) for each in (estimate.value, estimate.low, estimate.high)]


def _line(row: dict[str, Any]) -> tuple[str, ...]:
    return (row["form"], row["layer"], row["scale"],
            *(_words(row[key]) for key in ("rho", "adjusted", "gain", "worst_edge")))


def _words(interval: Sequence[float | None]) -> str:
    value, low, high = interval
    return "-" if value is None else f"{value:.2f} [{low:.2f}, {high:.2f}]"
