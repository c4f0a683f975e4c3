"""Which of detcam's numbers know how far a box is off? Rank correlations with the true error, on annotated photographs.

    python scripts/validate_numbers.py --images val/images --annotations val/instances.json --model yolov8n.pt
"""

import sys

if __name__ == "__main__":  # before the other imports, which take seconds
    from detcam.cli.main import run_script

    sys.exit(run_script(__file__))

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from detcam.attribution.methods.registry import get_method
from detcam.cli.console import note_failures, progress_bar
from detcam.cli.option_groups import grouped
from detcam.cli.options import DataOptions, DetectorOptions
from detcam.cli.reports import ReportOptions, check_folders, plain, print_lines
from detcam.datasets.ground_truth import GroundTruth
from detcam.detectors.base import Detector
from detcam.diagnosis.classes import check_classes
from detcam.evaluation.measurement import Measurement, check_layers, measure_data_set
from detcam.evaluation.validation import (
    correlation_table,
    correlations,
    correlations_by_size,
    reference_of,
    worst_edge_rates,
)
from detcam.stats.bootstrap import RESAMPLES

SCHEMA, DIGITS = 1, 4


@grouped
def main(
    where: DataOptions, options: DetectorOptions, files: ReportOptions,
    method: Annotated[str, typer.Option(help="Whose heat the shares and the gap are measured on.")] = "hirescam",
    edge_layer: Annotated[list[str] | None, typer.Option(
        help="Layer of the evidence on the edges, 'auto' or 'pixels'; repeatable, to compare. The first one is the "
             "reference's.")] = None,
    resamples: Annotated[int, typer.Option(min=100, help="How often the photographs are drawn.")] = RESAMPLES,
    seed: Annotated[int, typer.Option(help="Where the draws start from.")] = 0,
    reference_out: Annotated[Path | None, typer.Option(help="Write the reference of sound boxes here.")] = None,
    source: Annotated[str | None, typer.Option(help="The photographs in words, for the reference.")] = None,
) -> None:
    """Print each number's rank correlation with the true error of the boxes."""
    wanted, min_score = where.wanted, where.min_score
    files.check()
    check_folders(reference_out)
    data = where.read()
    chosen = where.photographs(data)
    detector = options.load()
    check_classes(detector, data, wanted)
    layers = edge_layer or [detector.edge_layer]
    check_layers(detector, layers)
    measured = _measure(detector, chosen, wanted, min_score, method, layers)
    rows = correlations(measured.boxes, layers[0], resamples, seed)
    worst = worst_edge_rates(measured.boxes, layers[0], resamples, seed)
    words = source or f"{', '.join(wanted)} boxes of {measured.photographs} photographs in {where.images.name}"
    settings = {"classes": wanted, "min_score": min_score, "method": method, "edge_layers": layers,
                "resamples": resamples, "seed": seed, "source": words}
    _report(detector, measured, settings, rows, worst, files)
    if reference_out is not None:
        reference = reference_of(measured.boxes, detector, wanted, layers[0], words)
        reference.save(reference_out)
        print(f"reference of {len(reference.sizes)} sound boxes: {reference_out}")
    note_failures(measured.failures.items(), len(chosen))
    if measured.failures:
        raise typer.Exit(1)


def _measure(detector: Detector, chosen: Sequence[GroundTruth], classes: list[str], min_score: float, method: str,
             layers: list[str]) -> Measurement:
    with progress_bar() as progress:
        task = progress.add_task("measuring", total=len(chosen))
        return measure_data_set(detector, chosen, classes, min_score, get_method(method), layers,
                       lambda: progress.advance(task))


def _report(detector: Detector, measured: Measurement, settings: dict[str, Any], rows: list[dict[str, Any]],
            worst: list[dict[str, Any]], files: ReportOptions) -> None:
    lines = correlation_table(rows, worst)
    print_lines(lines, f"{detector.name}: rank correlation with the true error, {len(measured.boxes)} matched boxes on "
                       f"{measured.photographs} photographs",
                "In square brackets what 95 % of draws of the photographs give. The worst edge is named where the "
                "largest of the four values is on it: chance 25 %.")
    files.write(lines, _content(detector, measured, settings, rows, worst))


def _content(detector: Detector, measured: Measurement, settings: dict[str, Any], rows: list[dict[str, Any]],
             worst: list[dict[str, Any]]) -> dict[str, Any]:
    """What the JSON file holds."""
    return {
        "schema_version": SCHEMA, "detector": detector.name, "architecture": detector.architecture,
        "weights": detector.fingerprint, **settings, "photographs": measured.photographs,
        "matched_boxes": len(measured.boxes), "sound_boxes": int(measured.boxes.sound.sum()),
        "failures": {Path(file).name: reason for file, reason in measured.failures.items()},
        "rows": [plain(row, DIGITS) for row in rows], "worst_edge": [plain(row, DIGITS) for row in worst],
        "by_size": [plain(row, DIGITS) for row in
                    correlations_by_size(measured.boxes, settings["resamples"], settings["seed"])],
    }
