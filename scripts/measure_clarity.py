"""Does a clear outline on a classifier's map tell a good box from a bad one? Rank correlations with the true error.

    python scripts/measure_clarity.py --images val/images --annotations val/instances.json --model yolov8n.pt
"""

import sys

if __name__ == "__main__":  # before the other imports, which take seconds
    from detcam.cli.main import run_script

    sys.exit(run_script(__file__))

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer

from detcam.attribution.attribute import attribute
from detcam.attribution.layers.names import AUTO
from detcam.attribution.methods.registry import get_method
from detcam.attribution.target import TARGETS
from detcam.cli.console import tracked
from detcam.cli.option_groups import grouped
from detcam.cli.options import DataOptions, DetectorOptions
from detcam.cli.reports import ReportOptions, plain, print_lines
from detcam.datasets.ground_truth import GroundTruth
from detcam.detectors.base import Detector
from detcam.diagnosis.classes import check_classes
from detcam.evaluation.matched_boxes import MeasuredBoxes, concatenate, measure_matched
from detcam.imaging.image import load_image
from detcam.measures.outline_clarity import clarity, outline_share, photograph_edges
from detcam.stats.bootstrap import RESAMPLES
from detcam.stats.rank_correlation import rank_correlation

SCHEMA = 1
MAPS = ("guided_gradcam", "guided_backprop", "gradient")
Row = dict[str, Any]


@grouped
def main(
    where: DataOptions, options: DetectorOptions, files: ReportOptions,
    classifier: Annotated[str, typer.Option(help="A classifier of torchvision's or timm's.")] = "squeezenet1_1",
    classifier_weights: Annotated[Path | None, typer.Option(help="Its state dict, if not the published one.")] = None,
    resamples: Annotated[int, typer.Option(min=100, help="How often the photographs are drawn.")] = RESAMPLES,
    seed: Annotated[int, typer.Option(help="Where the draws start from.")] = 0,
) -> None:
    """Print each number's rank correlation with 1 - IoU, raw and adjusted for the size of the box."""
    wanted, min_score = where.wanted, where.min_score
    files.check()
    data = where.read()
    chosen = where.photographs(data)
    detector = options.load()
    seeing = DetectorOptions(classifier, classifier_weights, device=options.device, top_k=1).load()
    check_classes(detector, data, wanted)
    boxes = concatenate([_measured(detector, seeing, truth, wanted, min_score, number, seed)
                         for number, truth in enumerate(tracked(chosen))])
    rows = _rows(boxes, resamples, seed)
    heading = {"schema_version": SCHEMA, "detector": detector.name, "weights": detector.fingerprint,
               "classifier": seeing.name, "classifier_weights": seeing.fingerprint, "classes": wanted,
               "min_score": min_score, "resamples": resamples, "seed": seed, "photographs": len(chosen),
               "matched_boxes": len(boxes)}
    lines = [("number", "rho with 1 - IoU", "adjusted for size", "boxes"), *(_line(row) for row in rows)]
    print_lines(lines, f"{seeing.name} beside {detector.name}: {len(boxes)} boxes on {len(chosen)} photographs")
    files.write(lines, {**heading, "rows": rows})


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
    others = {"1 - score": 1 - boxes.scores, "smallness of the box": 1 / boxes.sizes,
              "random": np.random.default_rng(seed).random(len(boxes))}
    rows = []
    for name, values in {**boxes.box_numbers, **others}.items():
        found = rank_correlation(values[known], 1 - boxes.overlap[known], boxes.sizes[known], boxes.photograph[known],
                                 resamples, seed)
        rows.append({"number": name, "against": "1 - IoU",
                     **{f"{word}{end}": plain(float(getattr(each, part)), 4) for word, part in
                        (("rho", "value"), ("low", "low"), ("high", "high"))
                        for end, each in (("", found.raw), ("_adjusted", found.size_adjusted))}, "n": found.n})
    return rows


def _line(row: Row) -> tuple[str, ...]:
    def words(end: str) -> str:
        if row[f"rho{end}"] is None:
            return "-"
        return f"{row[f'rho{end}']:.2f} [{row[f'low{end}']:.2f}, {row[f'high{end}']:.2f}]"

    return row["number"], words(""), words("_adjusted"), str(row["n"])
