"""Writing explanations to a folder, one photograph at a time."""

import json
import os
import re
from collections.abc import Iterable, Sequence
from pathlib import Path
from time import monotonic
from types import TracebackType

import numpy as np

from detcam.errors import OutputError
from detcam.explanations.explanation import Explanation
from detcam.store.encode import to_record
from detcam.store.files import output_folder, unique_stems, written_whole
from detcam.store.versions import SCHEMA

JSON_NAME = "explanations.json"
PATIENCE = 20  # the JSON is rewritten after so many times the duration of the last rewrite: 5 % of a run at most
NUMBERS = re.compile(r"\[\n[-+\d.eE,\s]+\]")  # a list of numbers over several lines; strings hold no line breaks


class Writer:
    """Writes explanations one by one, so that an interrupted run keeps what is finished. Use it in a ``with`` block.

    Args:
        folder: created if it does not exist.

    Raises:
        OutputError: files cannot be written to the folder.
    """

    def __init__(self, folder: str | Path) -> None:
        self.folder = output_folder(Path(folder))
        self._images: list[str] = []
        self._failures: list[dict[str, str]] = []
        self._class_names: list[dict[int, str]] = []
        self._names: list[str] = []
        self._begun = self._pending = False
        self._last, self._cost = 0.0, 0.0

    def __enter__(self) -> "Writer":
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None,
                 trace: TracebackType | None) -> None:
        self.close()

    @property
    def path(self) -> Path:
        """The path of ``explanations.json``."""
        return self.folder / JSON_NAME

    def add(self, explanation: Explanation, figures: Sequence[str] = (), stem: str | None = None) -> Path:
        """Write one photograph's explanation.

        Args:
            explanation: of one photograph.
            figures: file names of its figures in the same folder, to be recorded.
            stem: the name of its ``.npz`` without the ending; None takes the photograph's name.

        Returns:
            The path of the ``.npz``.

        Raises:
            OutputError: a file cannot be written.
        """
        if not self._begun:
            self._write()  # an earlier run's JSON must not name heatmaps that are about to be replaced
        self._names.append(stem or explanation.image.name)
        path = self.folder / f"{unique_stems(self._names)[-1]}.npz"
        record, arrays = to_record(explanation)
        with written_whole(path) as file:
            np.savez_compressed(file, **arrays)  # type: ignore[arg-type]
        if explanation.class_names not in self._class_names:
            self._class_names.append(explanation.class_names)
        record |= {"relative_path": self._relative_path(explanation.image.name), "heatmap_file": path.name,
                   "figures": list(figures), "class_names_index": self._class_names.index(explanation.class_names)}
        self._images.append(NUMBERS.sub(_on_one_line, json.dumps(record, allow_nan=False, indent=1)))
        try:
            self._changed()
        except OutputError:  # free space, so that the photographs before can still be recorded
            self._images.pop()
            path.unlink(missing_ok=True)
            raise
        return path

    def fail(self, file: str, error: str) -> None:
        """Record a photograph that could not be explained, and its error message.

        Raises:
            OutputError: ``explanations.json`` cannot be written.
        """
        self._failures.append({"file": file, "error": error})
        self._changed()

    def __len__(self) -> int:
        """The number of photographs whose explanations are recorded."""
        return len(self._images)

    def close(self) -> None:
        """Write ``explanations.json`` if there is anything new, even if Ctrl-C interrupts the writing.

        Raises:
            OutputError: the file cannot be written.
        """
        if not self._pending:
            return
        try:
            self._write()
        except KeyboardInterrupt:
            self._write()
            raise

    def _changed(self) -> None:
        self._pending = True
        if monotonic() - self._last >= PATIENCE * self._cost:
            self._write()

    def _write(self) -> None:
        start = monotonic()
        tables = [{str(label): word for label, word in names.items()} for names in self._class_names]
        with written_whole(self.path) as file:
            file.write(f'{{"schema_version": {SCHEMA},\n"class_names": {json.dumps(tables)},\n"images": ['.encode())
            for order, text in enumerate(self._images):
                file.write((",\n" if order else "\n").encode() + text.encode())
            file.write(f'],\n"failures": {json.dumps(self._failures, indent=1)}}}\n'.encode())
        self._begun, self._pending = True, False
        self._last = monotonic()
        self._cost = self._last - start

    def _relative_path(self, name: str) -> str | None:
        """The photograph's path relative to the output folder; None if it is no file."""
        try:
            return os.path.relpath(name, self.folder) if os.path.isfile(name) else None
        except ValueError:  # another drive
            return None


def _on_one_line(numbers: re.Match[str]) -> str:
    return "[" + " ".join(numbers.group()[1:-1].split()) + "]"


def save(explanations: Explanation | Iterable[Explanation], folder: str | Path) -> Path:
    """Write explanations to a folder.

    Args:
        explanations: one, or several.
        folder: created if it does not exist; an ``explanations.json`` in it is replaced.

    Returns:
        The path of ``explanations.json``.

    Raises:
        OutputError: a file cannot be written.
    """
    with Writer(folder) as writer:
        writer._write()  # no explanation is a result too
        for explanation in [explanations] if isinstance(explanations, Explanation) else explanations:
            writer.add(explanation)
    return writer.path
