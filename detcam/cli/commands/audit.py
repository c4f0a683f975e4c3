"""``detcam audit``: what it will cost, progress and the time left, the summary, and which photographs to look at."""

from __future__ import annotations

import json
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, Annotated, Any

import typer

from detcam.cli.console import counted, note, note_failures, progress_bar, short_name
from detcam.cli.option_groups import Part, grouped
from detcam.cli.options import Annotations, DetectorOptions, DiagnosisOptions
from detcam.errors import DetcamError, InputError, printable
from detcam.interruption import Interrupted

if TYPE_CHECKING:
    from detcam.audits.audit import Outcome
    from detcam.datasets.ground_truth import DataSet
    from detcam.detectors.base import Detector

SUMMARY = "summary.json"
EDGE_PASSES = 4  # partial backward passes a box
HIDDEN = 15  # changed copies a box: a corner, a window and an edge with three controls each, and three pairs of halves

KeepHeatmaps = Annotated[bool, typer.Option(help="Keep the raw heatmaps.")]
Batch = Annotated[int | None, typer.Option(
    min=1, help="Photographs in one forward pass, where their canvases are of one size. Default: 8 on a GPU, 1 "
                "elsewhere, where more are hardly faster.")]


@grouped
def audit(
    images: Annotated[Path, typer.Argument(help="The folder of photographs.")], annotations: Annotations,
    detector: Annotated[DetectorOptions, Part(without=("top_k",))], how: DiagnosisOptions,
    heatmaps: KeepHeatmaps = True, batch: Batch = None,
    out: Annotated[Path, typer.Option(help="Output folder; an audit that was interrupted there is resumed.")] = Path(
        "audit"),
) -> None:
    """Audit a data set: a row for each detection and missed object, and how errors relate to attention."""
    check_folder(images)

    from detcam.datasets.formats import read_data_set
    from detcam.diagnosis.classes import shared_classes

    options = how.keywords()
    data = read_data_set(annotations, images, partial=True)
    model = detector.load()
    classes = how.classes or shared_classes(model.class_names, data.class_names)
    outcome = watched_audit(model, data, out, options | {"classes": classes, "heatmaps": heatmaps, "batch": batch})
    raise typer.Exit(report(outcome, out))


def check_folder(images: Path) -> None:
    """See that there is such a folder of photographs.

    Raises:
        InputError: there is none.
    """
    if not images.is_dir():
        raise InputError(f"{images}: no such folder")


def watched_audit(detector: Detector, data: DataSet, out: Path, options: dict[str, Any]) -> Outcome:
    """:func:`detcam.audits.audit.audit`, with its cost and its progress on stderr.

    Raises:
        Interrupted: the user stopped it; the same command resumes it.
    """
    from detcam.audits.audit import audit

    asked = False  # whether anything is left to be done, which an audit says after all that may be wrong with it

    with progress_bar() as progress:
        task = progress.add_task("", total=len(data))

        def step(path: Path, done: int) -> None:
            nonlocal asked
            if not asked:
                progress.console.print(printable(cost_words(detector, data, options)), markup=False, highlight=False)
            asked = True
            progress.update(task, completed=done, description=short_name(path))

        outcome = audit(detector, data, out, step=step, **options)
    if outcome.before:
        note(f"resumed: {outcome.before} of {counted(outcome.photographs, 'photograph')} were done before")
    note_failures(outcome.failures.items(), outcome.photographs)
    if outcome.interrupted:
        raise Interrupted(f"{outcome.done} of {counted(outcome.photographs, 'photograph')} are in {outcome.table}; the "
                          "same command resumes the audit")
    return outcome


def report(outcome: Outcome, out: Path) -> int:
    """Print the summary of a whole audit and write ``summary.json`` and the figures; the exit code."""
    from rich.console import Console

    from detcam.cli.tables import print_summary

    summary, figures = write_summary(outcome, out)
    print_summary(summary, Console())
    beside = ", ".join([SUMMARY, *(each.name for each in figures)])
    print(f"{outcome.rows} rows in {printable(str(outcome.table))}; {beside} and the heatmaps are beside it")
    return 1 if outcome.failures else 0


def write_summary(outcome: Outcome, out: Path) -> tuple[dict[str, Any], list[Path]]:
    """Write ``summary.json`` and the figures; the summary, and where the figures are."""
    from detcam.audits.first_to_inspect import detections_to_inspect
    from detcam.audits.summary import summarise
    from detcam.audits.table import read_table
    from detcam.store.files import written_whole
    from detcam.views.audit.summary_page import save_figures

    summary = summarise(read_table(outcome.table), outcome.done, len(outcome.failures))
    with written_whole(out / SUMMARY) as file:
        file.write(json.dumps(summary, indent=1, allow_nan=False).encode())
    return summary, save_figures(summary, out, detections_to_inspect(summary, out, outcome.files))


def cost_words(detector: Detector, data: DataSet, options: dict[str, Any]) -> str:
    """What an audit will cost, before it starts: passes, and by a photograph that can be read about how long."""
    objects = sum(int((~each.crowd & ~each.difficult).sum()) for name in options["classes"]
                  for each in (truth.of_class(name) for truth in data.photographs))
    parts = [f"{len(data)} forward passes for the boxes, a backward pass for each one's map"]
    passes = len(data) + objects / 2
    if options.get("edges"):
        parts.append(f"{EDGE_PASSES} backward passes a box for --edges")
        passes += objects * EDGE_PASSES / 2
    if options.get("intervene"):
        parts.append(f"about {HIDDEN} forward passes a box for --intervene")
        passes += objects * HIDDEN
    seconds = _seconds(detector, data)
    about = "" if seconds is None else f"; about {_duration(passes * seconds)} if it draws a box an object"
    return f"{counted(len(data), 'photograph')}, {counted(objects, 'object')}: {', '.join(parts)}{about}"


def _seconds(detector: Detector, data: DataSet) -> float | None:
    """How long a photograph takes to detect on, once warm."""
    from detcam.imaging.image import load_image

    for truth in data.photographs[:5]:
        try:
            image = load_image(truth.file)
            detector.detect(image)
            begun = perf_counter()
            detector.detect(image)
            return perf_counter() - begun
        except DetcamError:
            continue
    return None


def _duration(seconds: float) -> str:
    if seconds < 90:
        return f"{max(seconds, 1):.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"
