"""Which of detcam's numbers know how far a box is off? Rank correlations with the true error, on annotated photographs.

    python scripts/validate_numbers.py --images val/images --annotations val/instances.json --model yolov8n.pt
"""

import json
import math
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.progress import MofNCompleteColumn, Progress
from rich.table import Table

from detcam.attribution.methods.registry import get_method
from detcam.cli.options import (
    ClassNames,
    Device,
    HeadChoice,
    ImageSize,
    Model,
    ScoreActivation,
    Unsafe,
    Weights,
    load_detector,
)
from detcam.cli.script import run_script
from detcam.datasets.formats import read_data_set
from detcam.datasets.ground_truth import GroundTruth
from detcam.detectors.base import Detector
from detcam.detectors.loading.load import SHIPPED
from detcam.diagnosis.classes import check_classes
from detcam.errors import OutputError
from detcam.evaluation.measurement import Measurement, check_layers, measure_data_set
from detcam.evaluation.validation import (
    correlation_table,
    correlations,
    correlations_by_size,
    reference_of,
    worst_edge_rates,
)
from detcam.stats.bootstrap import RESAMPLES

SCHEMA = 1


def validate(
    images: Annotated[Path, typer.Option(help="Folder of photographs.")],
    annotations: Annotated[Path, typer.Option(help="COCO instances.json, YOLO data.yaml or VOC folder.")],
    model: Model = SHIPPED, weights: Weights = None, class_names: ClassNames = None, head: HeadChoice = None,
    imgsz: ImageSize = None, device: Device = "cpu", score_activation: ScoreActivation = None, unsafe: Unsafe = False,
    classes: Annotated[list[str] | None, typer.Option("--class", help="Class to validate; repeatable.")] = None,
    min_score: Annotated[float, typer.Option(min=0, max=1, help="Detections with a score above this.")] = 0.25,
    method: Annotated[str, typer.Option(help="Whose heat the shares and the gap are measured on.")] = "hirescam",
    edge_layer: Annotated[list[str] | None, typer.Option(
        help="Layer of the evidence on the edges, 'auto' or 'pixels'; repeatable, to compare. The first one is the "
             "reference's.")] = None,
    limit: Annotated[int | None, typer.Option(min=1, help="Only so many photographs with true boxes.")] = None,
    resamples: Annotated[int, typer.Option(min=100, help="How often the photographs are drawn.")] = RESAMPLES,
    seed: Annotated[int, typer.Option(help="Where the draws start from.")] = 0,
    json_file: Annotated[Path | None, typer.Option("--json", help="Write every row here.")] = None,
    markdown: Annotated[Path | None, typer.Option(help="Write the table as Markdown here.")] = None,
    reference_out: Annotated[Path | None, typer.Option(help="Write the reference of sound boxes here.")] = None,
    source: Annotated[str | None, typer.Option(help="The photographs in words, for the reference.")] = None,
) -> None:
    """Print each number's rank correlation with the true error of the boxes."""
    wanted = classes or ["person"]
    _check_folders(json_file, markdown, reference_out)
    data = read_data_set(annotations, images)
    chosen = [each for each in data.photographs if any(len(each.of_class(name)) for name in wanted)][:limit]
    detector = load_detector(model, weights, class_names, head, imgsz, device, score_activation, unsafe)
    check_classes(detector, data, wanted)
    layers = edge_layer or [detector.edge_layer]
    check_layers(detector, layers)
    measured = _measure(detector, chosen, wanted, min_score, method, layers)
    rows = correlations(measured.boxes, layers[0], resamples, seed)
    worst = worst_edge_rates(measured.boxes, layers[0], resamples, seed)
    words = source or f"{', '.join(wanted)} boxes of {measured.photographs} photographs in {images.name}"
    settings = {"classes": wanted, "min_score": min_score, "method": method, "edge_layers": layers,
                "resamples": resamples, "seed": seed, "source": words}
    _report(detector, measured, settings, rows, worst, json_file, markdown)
    if reference_out is not None:
        reference = reference_of(measured.boxes, detector, wanted, layers[0], words)
        reference.save(reference_out)
        print(f"reference of {len(reference.sizes)} sound boxes: {reference_out}")
    for file, reason in measured.failures.items():
        print(f"failed: {file}: {reason}", file=sys.stderr)
    if measured.failures:
        raise typer.Exit(1)


def _check_folders(*paths: Path | None) -> None:
    for path in paths:
        if path is not None and not path.resolve().parent.is_dir():
            raise OutputError(f"{path}: its folder does not exist; make it first")


def _measure(detector: Detector, chosen: Sequence[GroundTruth], classes: list[str], min_score: float, method: str,
             layers: list[str]) -> Measurement:
    with Progress(*Progress.get_default_columns(), MofNCompleteColumn(), console=Console(stderr=True)) as progress:
        task = progress.add_task("measuring", total=len(chosen))
        return measure_data_set(detector, chosen, classes, min_score, get_method(method), layers,
                       lambda: progress.advance(task))


def _report(detector: Detector, measured: Measurement, settings: dict[str, Any], rows: list[dict[str, Any]],
            worst: list[dict[str, Any]], json_file: Path | None, markdown: Path | None) -> None:
    lines = correlation_table(rows, worst)
    _print(f"{detector.name}: rank correlation with the true error, {len(measured.boxes)} matched boxes on "
           f"{measured.photographs} photographs", lines)
    if markdown is not None:
        markdown.write_text(_markdown(lines), encoding="utf-8")
        print(f"table: {markdown}")
    if json_file is not None:
        _write_json(json_file, detector, measured, settings, rows, worst)
        print(f"rows: {json_file}")


def _print(title: str, lines: list[tuple[str, ...]]) -> None:
    heading, *body = lines
    table = Table(title=title, caption="In square brackets what 95 % of draws of the photographs give. The worst edge "
                                       "is named where the largest of the four values is on it: chance 25 %.")
    for column in heading:
        table.add_column(column, overflow="fold")
    for line in body:
        table.add_row(*line)
    Console().print(table)


def _markdown(lines: list[tuple[str, ...]]) -> str:
    heading, *body = lines
    rows = [heading, ("---",) * len(heading), *body]
    return "".join(f"| {' | '.join(row)} |\n" for row in rows)


def _write_json(path: Path, detector: Detector, measured: Measurement, settings: dict[str, Any],
                rows: list[dict[str, Any]], worst: list[dict[str, Any]]) -> None:
    content = {
        "schema_version": SCHEMA, "detector": detector.name, "architecture": detector.architecture,
        "weights": detector.fingerprint, **settings, "photographs": measured.photographs,
        "matched_boxes": len(measured.boxes), "sound_boxes": int(measured.boxes.sound.sum()),
        "failures": {Path(file).name: reason for file, reason in measured.failures.items()},
        "rows": [_rounded(row) for row in rows], "worst_edge": [_rounded(row) for row in worst],
        "by_size": [_rounded(row) for row in
                    correlations_by_size(measured.boxes, settings["resamples"], settings["seed"])],
    }
    path.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")


def _rounded(row: dict[str, Any]) -> dict[str, Any]:
    """The row with 4 decimals, and None for what does not exist: JSON knows no NaN."""
    return {key: (None if math.isnan(value) else round(value, 4)) if isinstance(value, float) else value
            for key, value in row.items()}


if __name__ == "__main__":
    run_script(validate)
