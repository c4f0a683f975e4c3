"""Diagnoses of photographs as the terminal shows them: a sentence or two a box, figures, and the rows as JSON."""

import json
import sys
from collections.abc import Iterator, Sequence
from contextlib import redirect_stdout
from pathlib import Path
from typing import Any

from detcam.cli.run import check_output
from detcam.datasets.formats import read_data_set
from detcam.datasets.ground_truth import DataSet
from detcam.detectors.base import Detector
from detcam.diagnosis.diagnose import diagnose
from detcam.diagnosis.result import Diagnosis
from detcam.diagnosis.sentences.detections import sentences_of, sentences_of_missed
from detcam.diagnosis.table import Row, rows_of
from detcam.errors import STOPS, DataError, error_words, printable
from detcam.store.files import output_folder, unique_stems, written_whole
from detcam.views.diagnosis.pages import save_diagnosis

NAME = "diagnoses.json"


def annotated(photographs: Sequence[Path], annotations: Path) -> DataSet:
    """The true boxes of some photographs, in their order.

    Raises:
        DataError: the annotations say nothing of one of them.
    """
    data = [read_data_set(annotations, folder, partial=True)
            for folder in dict.fromkeys(path.parent for path in photographs)]
    known = {truth.file.resolve(): truth for each in data for truth in each.photographs}
    lacking = [path for path in photographs if path.resolve() not in known]
    if lacking:
        raise DataError(f"{lacking[0]}: {annotations} does not list it; a photograph is found by its name")
    return DataSet(tuple(known[path.resolve()] for path in photographs),
                   tuple(dict.fromkeys(name for each in data for name in each.class_names)))


def diagnose_job(detector: Detector, data: DataSet, out: Path, cmap: str, options: dict[str, Any]) -> int:
    """Diagnose photographs one by one and report; the exit code: 0, 1 where photographs failed.

    Args:
        detector: what is diagnosed.
        data: the photographs.
        out: where the figures and ``diagnoses.json`` go.
        cmap: colour map of the heat.
        options: further keyword arguments of :func:`detcam.diagnose`.
    """
    files = [truth.file for truth in data.photographs]
    check_output(out, files)
    output_folder(out)
    stems = unique_stems([str(file) for file in files])
    rows: list[Row] = []
    failures, figures = [], 0
    for truth, stem in zip(data.photographs, stems, strict=True):
        try:
            with redirect_stdout(sys.stderr):
                one = diagnose(detector, truth.file, truth, annotated=data.class_names, **options)
            figures += len(save_diagnosis(one, out / stem, cmap))
        except STOPS:
            raise
        except Exception as error:  # one photograph, whatever is wrong with it, never stops a run
            failures.append(f"{truth.file}: {error_words(error)}")
            continue
        count = len(one.detections)
        print(printable(f"{truth.file}: {count} detection{'s' * (count != 1)}, {len(truth)} true "
                        f"object{'s' * (len(truth) != 1)}"))
        for line in lines_of(one):
            print(printable(f"  {line}"))
        rows += [row | {"sentences": words} for row, words in zip(rows_of(one, str(truth.file)), _words(one),
                                                                  strict=True)]
        _write(rows, out / NAME)
    for line in failures:
        print(printable(f"detcam: failed: {line}"), file=sys.stderr)
    print(f"{figures} pages and {NAME} are in {printable(str(out))}")
    return 1 if failures else 0


def lines_of(one: Diagnosis) -> Iterator[str]:
    """A line a box in question and a missed object."""
    for box in range(len(one)):
        explained = one.boxes[box]
        yield (f"{explained.number}  {explained.class_name} {explained.score:.2f}, {one.type_of(box)}: "
               f"{' '.join(sentences_of(one, box))}")
    for k, missed in enumerate(one.missed):
        yield f"M  {one.truth.class_names[missed.truth]}, missed: {' '.join(sentences_of_missed(one, k))}"


def _words(one: Diagnosis) -> list[list[str]]:
    """The sentences of every row of the table."""
    return [sentences_of(one, box) for box in range(len(one))] + [
        sentences_of_missed(one, k) for k in range(len(one.missed))]


def _write(rows: list[Row], path: Path) -> None:
    with written_whole(path) as file:
        file.write(json.dumps(rows, indent=1, allow_nan=False).encode())

