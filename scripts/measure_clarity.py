"""Does a clear outline on a classifier's map tell a good box from a bad one? Rank correlations with the true error.

    python scripts/measure_clarity.py --images val/images --annotations val/instances.json --model yolov8n.pt
"""

import json
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer
from rich.console import Console
from rich.progress import track
from rich.table import Table

from detcam.attribution.attribute import attribute
from detcam.attribution.layers.names import AUTO
from detcam.attribution.methods.registry import get_method
from detcam.attribution.target import TARGETS
from detcam.cli.options import ClassNames, Device, Model, Weights, load_detector
from detcam.cli.script import run_script
from detcam.datasets.formats import read_data_set
from detcam.datasets.ground_truth import GroundTruth
from detcam.detectors.base import Detector
from detcam.detectors.loading.load import SHIPPED
from detcam.diagnosis.classes import check_classes
from detcam.evaluation.matched_boxes import MeasuredBoxes, concatenate, measure_matched
from detcam.imaging.image import load_image
from detcam.measures.outline_clarity import clarity, outline_share, photograph_edges
from detcam.stats.bootstrap import RESAMPLES
from detcam.stats.rank_correlation import rank_correlation

SCHEMA = 1
MAPS = ("guided_gradcam", "guided_backprop", "gradient")
Row = dict[str, Any]


def measure_clarity(
    images: Annotated[Path, typer.Option(help="Folder of photographs.")],
    annotations: Annotated[Path, typer.Option(help="COCO instances.json, YOLO data.yaml or VOC folder.")],
    model: Model = SHIPPED, weights: Weights = None, device: Device = "cpu",
    classifier: Annotated[str, typer.Option(help="A classifier of torchvision's or timm's.")] = "squeezenet1_1",
    classifier_weights: Annotated[Path | None, typer.Option(help="Its state dict, if not the published one.")] = None,
    class_names: ClassNames = None,
    classes: Annotated[list[str] | None, typer.Option("--class", help="Class to measure; repeatable.")] = None,
    min_score: Annotated[float, typer.Option(min=0, max=1, help="Detections with a score above this.")] = 0.25,
    limit: Annotated[int | None, typer.Option(min=1, help="Only so many photographs with true boxes.")] = None,
    resamples: Annotated[int, typer.Option(min=100, help="How often the photographs are drawn.")] = RESAMPLES,
    seed: Annotated[int, typer.Option(help="Where the draws start from.")] = 0,
    json_file: Annotated[Path | None, typer.Option("--json", help="Write every row here.")] = None,
    markdown: Annotated[Path | None, typer.Option(help="Write the table as Markdown here.")] = None,
) -> None:
    """Print each number's rank correlation with 1 - IoU, raw and adjusted for the size of the box."""
    wanted = classes or ["person"]
    data = read_data_set(annotations, images)
    chosen = [each for each in data.photographs if any(len(each.of_class(name)) for name in wanted)][:limit]
    detector = load_detector(model, weights, class_names, None, None, device, None, False)
    seeing = load_detector(classifier, classifier_weights, None, None, None, device, None, False, top_k=1)
    check_classes(detector, data, wanted)
    boxes = concatenate([_measured(detector, seeing, truth, wanted, min_score, number, seed)
                         for number, truth in enumerate(track(chosen, console=Console(stderr=True)))])
    rows = _rows(boxes, resamples, seed)
    heading = {"schema_version": SCHEMA, "detector": detector.name, "weights": detector.fingerprint,
               "classifier": seeing.name, "classifier_weights": seeing.fingerprint, "classes": wanted,
               "min_score": min_score, "resamples": resamples, "seed": seed, "photographs": len(chosen),
               "matched_boxes": len(boxes)}
    _print(rows, heading)
    if json_file is not None:
        json_file.write_text(json.dumps({**heading, "rows": rows}, indent=1) + "\n", encoding="utf-8")
    if markdown is not None:
        lines = [_line(row) for row in rows]
        table = [("number", "rho with 1 - IoU", "adjusted for size", "boxes"), ("---",) * 4, *lines]
        markdown.write_text("".join(f"| {' | '.join(line)} |\n" for line in table), encoding="utf-8")


def _measured(detector: Detector, classifier: Detector, truth: GroundTruth, classes: Sequence[str], min_score: float,
              number: int, seed: int) -> MeasuredBoxes:
    image = load_image(truth.file)
    canvas, likeliest = classifier.canvas(image), classifier.detect(image)[:1]
    maps = {name: attribute(classifier, canvas, likeliest, get_method(name), AUTO, TARGETS["logit"], seed)[0]
            for name in MAPS}
    maps["the photograph's own edges"] = photograph_edges(canvas)

    def numbers(_: Any, found: Any, own: Any) -> dict[str, dict[str, Any]]:
        boxes = found.boxes[own]
        both = {f"{word} on {name}": measure(heatmap, boxes) for name, heatmap in maps.items()
                for word, measure in (("clarity", clarity), ("outline share", outline_share))}
        return {"edge_numbers": {}, "box_numbers": both}

    return measure_matched(detector, truth, classes, min_score, number, numbers)


def _rows(boxes: MeasuredBoxes, resamples: int, seed: int) -> list[Row]:
    """A row a number: its correlation with the error, among the boxes that the classifier sees."""
    known = np.isfinite(next(iter(boxes.box_numbers.values())))
    plain = {"1 - score": 1 - boxes.scores, "smallness of the box": 1 / boxes.sizes,
             "random": np.random.default_rng(seed).random(len(boxes))}
    rows = []
    for name, values in {**boxes.box_numbers, **plain}.items():
        found = rank_correlation(values[known], 1 - boxes.overlap[known], boxes.sizes[known], boxes.photograph[known],
                                 resamples, seed)
        rows.append({"number": name, "against": "1 - IoU",
                     **{f"{word}{end}": _rounded(getattr(each, part)) for word, part in
                        (("rho", "value"), ("low", "low"), ("high", "high"))
                        for end, each in (("", found.raw), ("_adjusted", found.size_adjusted))}, "n": found.n})
    return rows


def _rounded(value: float) -> float | None:
    return round(value, 4) if math.isfinite(value) else None


def _line(row: Row) -> tuple[str, ...]:
    def words(end: str) -> str:
        if row[f"rho{end}"] is None:
            return "-"
        return f"{row[f'rho{end}']:.2f} [{row[f'low{end}']:.2f}, {row[f'high{end}']:.2f}]"

    return row["number"], words(""), words("_adjusted"), str(row["n"])


def _print(rows: list[Row], heading: Row) -> None:
    table = Table(title=f"{heading['classifier']} beside {heading['detector']}: {heading['matched_boxes']} boxes on "
                        f" {heading['photographs']} photographs")
    for title in ("number", "rho with 1 - IoU", "adjusted for size", "boxes"):
        table.add_column(title, overflow="fold")
    for row in rows:
        table.add_row(*_line(row))
    Console().print(table)


if __name__ == "__main__":
    run_script(measure_clarity)
