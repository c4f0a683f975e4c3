"""How well a detector finds one class: AP50, AP50:95, recall and mean IoU of what was found, by height."""

import sys

if __name__ == "__main__":  # before the other imports, which take seconds
    from detcam.cli.main import run_script

    sys.exit(run_script(__file__))

import math
from typing import Annotated

import typer

from detcam.audits.average_precision import DRAWS, LEAST_SCORE, Case, Figure, case_of, evaluate
from detcam.cli.console import note_failures, progress_bar, tracked
from detcam.cli.option_groups import Part, grouped
from detcam.cli.options import DataOptions, DetectorOptions
from detcam.cli.reports import ReportOptions, print_lines
from detcam.diagnosis.classes import check_classes
from detcam.errors import ImageError, InputError
from detcam.evaluation.precision_by_score import AboveScore, precision_by_score
from detcam.training.samples import split_photographs

SCHEMA = 1


@grouped
def main(
    where: Annotated[DataOptions, Part(("images", "annotations"))], options: DetectorOptions,
    files: Annotated[ReportOptions, Part(("json_file",))],
    class_name: Annotated[str, typer.Option("--class", help="The class to evaluate.")] = "person",
    draws: Annotated[int, typer.Option(min=0, help="How often the photographs are drawn, for the intervals.")] = DRAWS,
    seed: Annotated[int, typer.Option(help="Seed of the draws.")] = 0,
    held_out: Annotated[int | None, typer.Option(
        min=1, help="Only the photographs that training with this --held-out and seed 0 leaves out.")] = None,
) -> None:
    """Print how well a detector finds one class, by height on a 300 px canvas, and how often it is right by score."""
    files.check()
    data = where.read()
    detector = options.load()
    check_classes(detector, data, [class_name])
    chosen = data.photographs if held_out is None else tuple(split_photographs(
        [each.of_class(class_name) for each in data.photographs], held_out, 0)[1])
    cases: list[Case] = []
    failures: dict[str, str] = {}
    for truth in tracked(chosen):
        try:
            cases.append(case_of(detector, truth, class_name))
        except ImageError as error:
            failures[truth.file.name] = str(error)
    if not cases:
        raise InputError(f"{where.images}: none of the {len(chosen)} photographs could be read")
    with progress_bar() as progress:
        task = progress.add_task("draws", total=draws)
        figures = evaluate(cases, draws, seed, lambda: progress.advance(task))
    by_score = precision_by_score(cases, draws=draws or 1, seed=seed)
    _print(figures, by_score, f"{detector.name}: {class_name} on {len(cases)} photographs, scores from {LEAST_SCORE}")
    files.write([], {"schema_version": SCHEMA, "detector": detector.name, "weights": detector.fingerprint,
                     "class": class_name, "photographs": len(cases), "min_score": LEAST_SCORE, "draws": draws,
                     "seed": seed, "failures": failures, "figures": [each.as_json() for each in figures],
                     "by_score": [each.as_json() for each in by_score]})
    note_failures(failures.items(), len(chosen), "could not be read")
    raise typer.Exit(1 if failures else 0)


def _print(figures: list[Figure], by_score: list[AboveScore], title: str) -> None:
    heading = ("height", "objects", "photos", "AP50", "95 %", "AP50:95", "recall", "IoU")
    lines = [(each.heights, str(each.objects), str(each.photographs), _words(each.ap50), _span(each.interval),
              *map(_words, [each.ap, each.recall, each.mean_iou])) for each in figures]
    print_lines([heading, *lines], title, "Heights on a canvas of 300 x 300 px; others are ignored. 95 %: AP50 of that "
                "share of draws of the photographs. IoU: of the found ones, in the mean.", numbers=True)
    lines = [(f"{each.score:g}", str(each.detections), _words(each.precision), _span(each.interval),
              _words(each.recall)) for each in by_score]
    print_lines([("score above", "detections", "precision", "95 %", "recall"), *lines],
                "Detections above a score, of all heights: how many are right at IoU 0.5", numbers=True)


def _span(interval: tuple[float, float] | None) -> str:
    return "-" if interval is None else " to ".join(_words(end) for end in interval)


def _words(value: float) -> str:
    return "-" if math.isnan(value) else f"{value:.3f}"
