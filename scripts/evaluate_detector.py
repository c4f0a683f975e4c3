"""How well a detector finds one class: AP50, AP50:95, recall and mean IoU of what was found, by height."""

import json
import math
import sys
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import MofNCompleteColumn, Progress
from rich.table import Table

from detcam.audits.average_precision import DRAWS, LEAST_SCORE, Case, Figure, case_of, evaluate
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
from detcam.detectors.loading.load import SHIPPED
from detcam.errors import ImageError, InputError

SCHEMA = 1


def main(
    images: Annotated[Path, typer.Option(help="Folder of photographs.")],
    annotations: Annotated[Path, typer.Option(help="COCO instances.json, YOLO data.yaml or VOC folder.")],
    model: Model = SHIPPED, weights: Weights = None, class_names: ClassNames = None, head: HeadChoice = None,
    imgsz: ImageSize = None, device: Device = "cpu", score_activation: ScoreActivation = None, unsafe: Unsafe = False,
    class_name: Annotated[str, typer.Option("--class", help="The class to evaluate.")] = "person",
    draws: Annotated[int, typer.Option(min=0, help="How often the photographs are drawn, for the interval.")] = DRAWS,
    seed: Annotated[int, typer.Option(help="Where the draws start from.")] = 0,
    json_file: Annotated[Path | None, typer.Option("--json", help="Write the figures here.")] = None,
) -> None:
    """Print how well a detector finds one class, by height on a 300 px canvas."""
    if json_file is not None and not json_file.parent.is_dir():
        raise InputError(f"{json_file}: no such folder")
    data = read_data_set(annotations, images)
    detector = load_detector(model, weights, class_names, head, imgsz, device, score_activation, unsafe)
    detector.labels_of([class_name])
    if class_name not in data.class_names:
        raise InputError(f"{annotations} knows no class {class_name!r}; it knows {', '.join(data.class_names)}")
    cases: list[Case] = []
    failures: dict[str, str] = {}
    with Progress(*Progress.get_default_columns(), MofNCompleteColumn(), console=Console(stderr=True)) as progress:
        task = progress.add_task("detecting", total=len(data))
        for truth in data.photographs:
            try:
                cases.append(case_of(detector, truth, class_name))
            except ImageError as error:
                failures[truth.file.name] = str(error)
            progress.advance(task)
        if not cases:
            raise InputError(f"{images}: none of the {len(data)} photographs could be read")
        task = progress.add_task("drawing", total=draws)
        figures = evaluate(cases, draws, seed, lambda: progress.advance(task))
    _print(figures, f"{detector.name}: {class_name} on {len(cases)} photographs, scores from {LEAST_SCORE}")
    if json_file is not None:
        content = {"schema_version": SCHEMA, "detector": detector.name, "weights": detector.fingerprint,
                   "class": class_name, "photographs": len(cases), "min_score": LEAST_SCORE, "draws": draws,
                   "seed": seed, "failures": failures, "figures": [each.as_json() for each in figures]}
        json_file.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")
    for words in failures.values():
        print(f"not read: {words}", file=sys.stderr)
    raise typer.Exit(1 if failures else 0)


def _print(figures: list[Figure], title: str) -> None:
    table = Table(title=title, padding=(0, 1, 0, 0), caption="Heights on a canvas of 300 x 300 px; others are ignored. "
                  "95 %: AP50 of that share of draws of the photographs. IoU: of the found ones, in the mean.")
    for column in ("height", "objects", "photos", "AP50", "95 %", "AP50:95", "recall", "IoU"):
        table.add_column(column, justify="left" if column == "height" else "right", no_wrap=True)
    for each in figures:
        interval = "-" if each.interval is None else " to ".join(_words(end) for end in each.interval)
        table.add_row(each.heights, str(each.objects), str(each.photographs), _words(each.ap50), interval,
                      *map(_words, [each.ap, each.recall, each.mean_iou]))
    Console().print(table)


def _words(value: float) -> str:
    return "-" if math.isnan(value) else f"{value:.3f}"


if __name__ == "__main__":
    run_script(main)
