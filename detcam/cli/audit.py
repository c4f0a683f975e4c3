"""An audit as the terminal shows it: what it will cost, progress and the time left, the summary, and where to look."""

import json
import sys
from pathlib import Path
from time import perf_counter
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from detcam.audits.audit import Outcome, audit
from detcam.audits.first_to_inspect import detections_to_inspect
from detcam.audits.summary import summarise
from detcam.audits.table import read_table
from detcam.cli.tables import print_summary
from detcam.datasets.ground_truth import DataSet
from detcam.detectors.base import Detector
from detcam.errors import DetcamError, printable
from detcam.imaging.image import load_image
from detcam.store.files import written_whole

SUMMARY = "summary.json"
EDGE_PASSES = 4  # partial backward passes a box
HIDDEN = 15  # changed copies a box: a corner, a window and an edge with three controls each, and three pairs of halves


def audit_job(detector: Detector, data: DataSet, out: Path, options: dict[str, Any]) -> int:
    """Audit a data set and report; the exit code: 0, 1 where photographs failed, 130 when interrupted.

    Args:
        detector, data, out: as :func:`detcam.audits.audit.audit` takes them.
        options: its further keyword arguments.
    """
    return report(watched_audit(detector, data, out, options), out)


def watched_audit(detector: Detector, data: DataSet, out: Path, options: dict[str, Any]) -> Outcome:
    """:func:`detcam.audits.audit.audit` with what it will cost and its progress on stderr, and what came of it."""
    asked = False  # whether anything is left to be done, which an audit says after all that may be wrong with it

    with Progress(TextColumn("{task.description}", markup=False), BarColumn(), MofNCompleteColumn(),
                  TimeRemainingColumn(elapsed_when_finished=True), console=Console(stderr=True),
                  disable=not sys.stderr.isatty(), transient=True) as progress:
        task = progress.add_task("", total=len(data))

        def step(path: Path, done: int) -> None:
            nonlocal asked
            if not asked:
                progress.console.print(printable(cost_words(detector, data, options)), markup=False, highlight=False)
            asked = True
            progress.update(task, completed=done, description=printable(path.name)[:40])

        outcome = audit(detector, data, out, step=step, **options)
    _say(outcome)
    return outcome


def _say(outcome: Outcome) -> None:
    """What was there before, what failed, and whether it was interrupted, on stderr."""
    if outcome.before:
        print(f"detcam: {outcome.before} of {outcome.photographs} photographs were done before and are not repeated",
              file=sys.stderr)
    if outcome.failures:
        print(f"detcam: {len(outcome.failures)} of {outcome.photographs} photographs failed:", file=sys.stderr)
        for name, words in outcome.failures.items():
            print(printable(f"  {name}: {words}"), file=sys.stderr)
    if outcome.interrupted:
        print(f"detcam: interrupted; {outcome.done} of {outcome.photographs} photographs are in {outcome.table}; the "
              "same command goes on where it was left", file=sys.stderr)


def report(outcome: Outcome, out: Path) -> int:
    """Print the summary of a whole audit and write ``summary.json`` and the figures; the exit code."""
    if outcome.interrupted:
        return 130
    summary, figures = write_summary(outcome, out)
    print_summary(summary, Console())
    beside = ", ".join([SUMMARY, *(each.name for each in figures)])
    print(f"{outcome.rows} rows in {printable(str(outcome.table))}; {beside} and the heatmaps are beside it")
    return 1 if outcome.failures else 0


def write_summary(outcome: Outcome, out: Path) -> tuple[dict[str, Any], list[Path]]:
    """Write ``summary.json`` and the figures; the summary, and where the figures are."""
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
    return f"{len(data)} photographs, {objects} objects: {', '.join(parts)}{about}"


def _seconds(detector: Detector, data: DataSet) -> float | None:
    """How long a photograph takes to detect on, once warm."""
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
