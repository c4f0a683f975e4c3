"""A run as the terminal shows it: progress, a table, what failed, and where to look."""

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from detcam.attribution.method import Method
from detcam.attribution.progress import progress_listener
from detcam.cli.run import Outcome, run
from detcam.detectors.base import Detector
from detcam.errors import printable


def do(detector: Detector, photographs: Sequence[Path], out: Path, options: dict[str, Any],
       drawing: dict[str, Any]) -> int:
    """Explain photographs and report; the exit code: 0, 1 where photographs failed, 130 when interrupted.

    Args:
        detector, photographs, out, options, drawing: as :func:`detcam.cli.run.run` takes them.
    """
    with Progress(TextColumn("{task.description}", markup=False), BarColumn(), MofNCompleteColumn(),
                  TimeRemainingColumn(), console=Console(stderr=True), disable=not sys.stderr.isatty(),
                  transient=True) as progress:
        task = progress.add_task("", total=len(photographs), visible=len(photographs) > 1)
        passes = progress.add_task("forward passes", visible=False)
        begun = 0

        def step(path: Path) -> None:
            nonlocal begun
            progress.update(task, completed=begun, description=printable(path.name)[:40])
            begun += 1

        def passed(done: int, total: int) -> None:
            if done < total:
                progress.update(passes, completed=done, total=total, visible=True)
            else:  # what comes next is another piece of work
                progress.reset(passes, visible=False)

        with progress_listener(passed):
            outcome = run(detector, photographs, out, options, drawing, step)
    report(outcome, len(photographs), out, options)
    if outcome.interrupted:
        return 130
    return 1 if outcome.failures else 0


def report(outcome: Outcome, asked: int, out: Path, options: dict[str, Any]) -> None:
    """Print the table and where to look to stdout, what failed to stderr."""
    from detcam.views.terminal import print_table

    if outcome.explained:
        print_table(outcome.explained, Console())
    sys.stdout.flush()
    if outcome.failures:
        print(f"detcam: {len(outcome.failures)} of {_count(asked, 'photograph')} could not be explained:",
              file=sys.stderr)
        for path, words in outcome.failures:
            name = str(path)
            print(printable("  " + (words if words.startswith(name) else f"{name}: {words}")), file=sys.stderr)
    if outcome.interrupted:
        print(f"detcam: interrupted; {len(outcome.explained)} of {_count(asked, 'photograph')} finished",
              file=sys.stderr)
    if outcome.explained:
        boxes = sum(len(explanation) for explanation in outcome.explained)
        none = f" with a score above {options['min_score']}" if not boxes else ""
        places = sum(verdict is not None for explanation in outcome.explained for verdict in explanation.verdicts)
        what = _count(places, "place") if places else _count(boxes, "box") + none
        print(f"{_count(len(outcome.explained), 'photograph')}, {what}: "
              f"{_count(outcome.figures, 'figure')}, explanations.json and the raw heatmaps are in "
              f"{printable(str(out))}{'' if str(out).endswith('/') else '/'}")


def sheet_of(detector: Detector, photograph: Path, number: int, methods: Sequence[Method], out: Path, cmap: str,
             options: dict[str, Any]) -> None:
    """Draw one box under many methods; what is under way is shown on stderr, what was written said on stdout.

    Args:
        detector, photograph, number, methods: as
            :func:`detcam.explanations.compare_methods.compare_methods` takes them.
        out: the picture.
        cmap: colour map of the heat.
        options: further keyword arguments of :func:`detcam.explanations.compare_methods.compare_methods`.
    """
    from detcam.explanations.compare_methods import compare_methods
    from detcam.views.explanation.method_sheet import save_methods

    console = Console(stderr=True)
    with console.status("") as status:
        found = compare_methods(detector, photograph, number, methods, **options,
                       step=lambda method: status.update(printable(method.name)))
    save_methods(found, out, cmap=cmap)
    for name, why in found.refused.items():
        print(printable(f"left out: {name}: {why}"), file=sys.stderr)
    print(f"box {number} under {_count(len(found.seconds), 'method')}: {printable(str(out))}")


def panel_of(classifier: Detector, detector: Detector, photograph: Path, out: Path, cmap: str,
             min_score: float | None, max_boxes: int) -> None:
    """Draw a classifier's maps beside a detector's boxes; what was written is said on stdout.

    Args:
        classifier, detector, photograph, min_score, max_boxes: as
            :func:`detcam.explanations.classifier_panel.panel` takes them.
        out: the picture.
        cmap: colour map of the heat.
    """
    from detcam.explanations.classifier_panel import panel
    from detcam.views.explanation.panel import save_panel

    found = panel(classifier, detector, photograph, min_score=min_score, max_boxes=max_boxes)
    save_panel(found, out, cmap=cmap)
    one = found.classified[0]
    print(f"{one.class_name} {one.score:.2f} beside {_count(len(found.found), 'box')}: {printable(str(out))}")


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}{'es' if noun.endswith('x') else 's'}"
