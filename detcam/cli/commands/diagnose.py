"""``detcam diagnose``: what is wrong with every box of some photographs, and where the detector looked."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from contextlib import redirect_stdout
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from detcam.cli.console import counted, note_failures
from detcam.cli.option_groups import Part, grouped
from detcam.cli.options import Annotations, ColourMap, DetectorOptions, DiagnosisOptions
from detcam.cli.photographs import annotated, check_output, collect
from detcam.errors import STOPS, error_words, printable
from detcam.interruption import Interrupted, stop_if_asked

if TYPE_CHECKING:
    from detcam.datasets.ground_truth import DataSet, GroundTruth
    from detcam.detectors.base import Detector
    from detcam.diagnosis.result import Diagnosis
    from detcam.diagnosis.table import Row

NAME = "diagnoses.json"


@grouped
def diagnose(
    images: Annotated[list[str], typer.Argument(help="Photographs, folders of them, or patterns.")],
    annotations: Annotations, detector: Annotated[DetectorOptions, Part(without=("top_k",))], how: DiagnosisOptions,
    cmap: ColourMap = "inferno", out: Annotated[Path, typer.Option(help="Output folder.")] = Path("diagnoses"),
) -> None:
    """Say what is wrong with every box of a photograph, why objects were missed, and where the detector looked."""
    photographs = collect(images)

    from detcam.diagnosis.classes import shared_classes
    from detcam.store.files import output_folder
    from detcam.views.page.colours import colour_map

    colour_map(cmap)
    options = how.keywords()
    data = annotated(photographs, annotations)
    check_output(out, photographs)
    output_folder(out)
    model = detector.load()
    options["classes"] = how.classes or shared_classes(model.class_names, data.class_names)
    raise typer.Exit(diagnose_photographs(model, data, out, cmap, options))


def diagnose_photographs(detector: Detector, data: DataSet, out: Path, cmap: str, options: dict[str, Any]) -> int:
    """Diagnose photographs one by one and report; the exit code: 0, or 1 where photographs failed.

    Args:
        detector: what is diagnosed.
        data: the photographs.
        out: where the figures and ``diagnoses.json`` go.
        cmap: colour map of the heat.
        options: further keyword arguments of :func:`detcam.diagnose`.

    Raises:
        Interrupted: the user stopped it; what is finished is written.
    """
    from detcam.diagnosis.diagnose import diagnose
    from detcam.store.files import unique_stems
    from detcam.views.diagnosis.pages import save_diagnosis

    stems = unique_stems([str(truth.file) for truth in data.photographs])
    rows: list[Row] = []
    failures, figures, done = [], 0, 0
    try:
        for truth, stem in zip(data.photographs, stems, strict=True):
            stop_if_asked()
            try:
                with redirect_stdout(sys.stderr):
                    one = diagnose(detector, truth.file, truth, annotated=data.class_names, **options)
                figures += len(save_diagnosis(one, out / stem, cmap))
            except STOPS:
                raise
            except Exception as error:  # one photograph, whatever is wrong with it, never stops a run
                failures.append((str(truth.file), error_words(error)))
                continue
            _print(one, truth)
            rows += _rows(one, truth)
            _write(rows, out / NAME)
            done += 1
    except KeyboardInterrupt:
        raise Interrupted(f"{done} of {counted(len(data), 'photograph')} finished") from None
    note_failures(failures, len(data), "could not be diagnosed")
    print(f"{counted(figures, 'page')} and {NAME} are in {printable(str(out))}")
    return 1 if failures else 0


def _print(one: Diagnosis, truth: GroundTruth) -> None:
    print(printable(f"{truth.file}: {counted(len(one.detections), 'detection')}, {counted(len(truth), 'true object')}"))
    for line in lines_of(one):
        print(printable(f"  {line}"))


def _rows(one: Diagnosis, truth: GroundTruth) -> list[Row]:
    """The rows of the table, each with its sentences."""
    from detcam.diagnosis.table import rows_of

    return [row | {"sentences": words} for row, words in zip(rows_of(one, str(truth.file)), _words(one), strict=True)]


def lines_of(one: Diagnosis) -> Iterator[str]:
    """A line a box in question and a missed object."""
    from detcam.diagnosis.sentences.detections import sentences_of, sentences_of_missed

    for box in range(len(one)):
        explained = one.boxes[box]
        yield (f"{explained.number}  {explained.class_name} {explained.score:.2f}, {one.type_of(box)}: "
               f"{' '.join(sentences_of(one, box))}")
    for k, missed in enumerate(one.missed):
        yield f"M  {one.truth.class_names[missed.truth]}, missed: {' '.join(sentences_of_missed(one, k))}"


def _words(one: Diagnosis) -> list[list[str]]:
    """The sentences of every row of the table."""
    from detcam.diagnosis.sentences.detections import sentences_of, sentences_of_missed

    return [sentences_of(one, box) for box in range(len(one))] + [
        sentences_of_missed(one, k) for k in range(len(one.missed))]


def _write(rows: list[Row], path: Path) -> None:
    from detcam.store.files import written_whole

    with written_whole(path) as file:
        file.write(json.dumps(rows, indent=1, allow_nan=False).encode())
