"""The main job: photograph after photograph to figures, ``explanations.json`` and raw heatmaps, and what it says."""

import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, redirect_stdout
from dataclasses import dataclass, field, replace
from glob import escape
from pathlib import Path
from typing import Any

import numpy as np

from detcam.attribution.heatmap import Heatmap
from detcam.attribution.progress import progress_listener
from detcam.cli.console import counted, note_failures, progress_bar, short_name
from detcam.detectors.base import Detector
from detcam.errors import STOPS, error_words, printable
from detcam.explanations.explain import explain
from detcam.explanations.explanation import Explanation
from detcam.imaging.image import Image
from detcam.interruption import Interrupted, stop_if_asked
from detcam.store.files import unique_stems
from detcam.store.write import Writer


@dataclass
class Outcome:
    """What a run has done so far.

    Attributes:
        explained: the explanations, without their pixels and heat, which would not fit into memory for long.
        figures: how many figures were written.
        failures: each photograph that could not be explained, and why.
        interrupted: whether the user stopped it.
    """

    explained: list[Explanation] = field(default_factory=list)
    figures: int = 0
    failures: list[tuple[Path, str]] = field(default_factory=list)
    interrupted: bool = False


def explain_and_report(detector: Detector, photographs: Sequence[Path], out: Path, options: dict[str, Any],
                       drawing: dict[str, Any]) -> int:
    """Explain photographs and say what came of it; the exit code: 0, or 1 where photographs failed.

    Args:
        detector, photographs, out, options, drawing: as :func:`explain_photographs` takes them.

    Raises:
        Interrupted: the user stopped it; what is finished is written and reported.
    """
    with progress_bar() as progress:
        task = progress.add_task("", total=len(photographs), visible=len(photographs) > 1)
        passes = progress.add_task("forward passes", visible=False)
        begun = 0

        def step(path: Path) -> None:
            nonlocal begun
            progress.update(task, completed=begun, description=short_name(path))
            begun += 1

        def passed(done: int, total: int) -> None:
            if done < total:
                progress.update(passes, completed=done, total=total, visible=True)
            else:  # what comes next is another piece of work
                progress.reset(passes, visible=False)

        with progress_listener(passed):
            outcome = explain_photographs(detector, photographs, out, options, drawing, step)
    _report(outcome, len(photographs), out, options)
    if outcome.interrupted:
        raise Interrupted(f"{len(outcome.explained)} of {counted(len(photographs), 'photograph')} finished")
    return 1 if outcome.failures else 0


def _report(outcome: Outcome, asked: int, out: Path, options: dict[str, Any]) -> None:
    """Print the table and where the files are to stdout, what failed to stderr."""
    from rich.console import Console

    from detcam.views.terminal import print_table

    if outcome.explained:
        print_table(outcome.explained, Console())
    sys.stdout.flush()
    note_failures(outcome.failures, asked, "could not be explained")
    if outcome.explained:
        boxes = sum(len(explanation) for explanation in outcome.explained)
        none = f" with a score above {options['min_score']}" if not boxes else ""
        places = sum(verdict is not None for explanation in outcome.explained for verdict in explanation.verdicts)
        what = counted(places, "place") if places else counted(boxes, "box") + none
        print(f"{counted(len(outcome.explained), 'photograph')}, {what}: "
              f"{counted(outcome.figures, 'figure')}, explanations.json and the raw heatmaps are in "
              f"{printable(str(out))}{'' if str(out).endswith('/') else '/'}")


def explain_photographs(detector: Detector, photographs: Sequence[Path], out: Path, options: dict[str, Any],
                        drawing: dict[str, Any], step: Callable[[Path], None] = lambda path: None) -> Outcome:
    """Explain photographs one by one; each one's files are written whole before the next begins.

    Args:
        detector: what is explained.
        photographs: files.
        out: the output folder.
        options: keyword arguments of :func:`detcam.explain`.
        drawing: keyword arguments of :func:`detcam.views.explanation.figure.save_figures`.
        step: called with a photograph before it is explained.

    Raises:
        OutputError: something cannot be written.
        MismatchError, WeightsError, LayerError, MethodError, ClassNameError: the detector cannot be explained in this
            way at all.
        PlaceError: a place that was asked about is not in the photograph.
    """
    outcome = Outcome()
    stems = unique_stems([str(path) for path in photographs])
    with Writer(out) as writer:
        try:
            for path, stem in zip(photographs, stems, strict=True):
                stop_if_asked()
                step(path)
                try:
                    _one(detector, path, stem, writer, options, drawing, outcome)
                except STOPS:
                    raise
                except Exception as error:  # one photograph, whatever is wrong with it, never stops a run
                    words = error_words(error)
                    outcome.failures.append((path, words))
                    writer.fail(str(path), words)
        except KeyboardInterrupt:
            outcome.interrupted = True
    return outcome


def _one(detector: Detector, path: Path, stem: str, writer: Writer, options: dict[str, Any],
         drawing: dict[str, Any], outcome: Outcome) -> None:
    from detcam.views.explanation.figure import save_figures
    from detcam.views.explanation.sweep import save_sweeps
    from detcam.views.page.colours import HEAT

    with redirect_stdout(sys.stderr):  # libraries that print do not belong into the table
        explanation = explain(detector, path, **options)
    with _whole_or_none(writer, stem):
        figures = save_figures(explanation, writer.folder / stem, **drawing)
        figures += save_sweeps(explanation, writer.folder / stem, cmap=drawing.get("cmap", HEAT))
        writer.add(explanation, [figure.name for figure in figures], stem)
    outcome.explained.append(without_heat(explanation))
    outcome.figures += len(figures)


@contextmanager
def _whole_or_none(writer: Writer, stem: str) -> Iterator[None]:
    """Leave no page of a photograph that is not recorded in the end: a full disk needs the room for what is finished.

    Pages that took the place of earlier ones stay.
    """
    def pages() -> set[Path]:
        return {*writer.folder.glob(f"{escape(stem)}.png"), *writer.folder.glob(f"{escape(stem)}.*.png")}

    before, recorded = pages(), len(writer)
    try:
        yield
    except BaseException:
        if len(writer) == recorded:
            for page in pages() - before:
                page.unlink(missing_ok=True)
        raise


def without_heat(explanation: Explanation) -> Explanation:
    """The explanation's numbers, to be shown: a black photograph and empty heatmaps take no memory."""
    shape = explanation.image.rgb.shape
    black = np.broadcast_to(np.zeros((), np.uint8), shape)

    def emptied(heatmap: Heatmap) -> Heatmap:
        return replace(heatmap, values=np.zeros((1, 1), np.float32))

    maps = tuple(replace(each, heatmaps=tuple(emptied(heatmap) for heatmap in each.heatmaps))
                 for each in explanation.maps)
    edges = None if explanation.edges is None else replace(explanation.edges, maps=None)
    return replace(explanation, image=Image(black, printable(explanation.image.name)), maps=maps, edges=edges,
                   sweep=None)
