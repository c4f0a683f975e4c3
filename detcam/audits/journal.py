"""What an audit has done so far, a line a photograph: killed at any moment, it resumes where it stopped."""

import json
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any

from detcam.audits.old_names import current_columns
from detcam.errors import DataError, OutputError

SCHEMA = 2
READABLE = (1, 2)  # version 1 has other names of columns, and the same values in the same order
NAME = "journal.jsonl"


@dataclass(frozen=True)
class Contents:
    """What a journal holds.

    Attributes:
        settings: what its rows depend on, columns as this version names them.
        done: name of each diagnosed photograph to its number of rows.
        failed: name of each photograph that failed to the reason.
    """

    settings: dict[str, Any]
    done: dict[str, int]
    failed: dict[str, str]


def is_audit(path: str | Path) -> bool:
    """Whether this is the folder of an audit."""
    try:
        return (Path(path) / NAME).is_file()
    except (OSError, ValueError):  # a model's word need not be a path at all
        return False


def read_journal(folder: Path) -> Contents:
    """Read an audit's journal without changing it.

    Raises:
        DataError: there is no journal, or this version cannot read it.
    """
    path = folder / NAME
    try:
        with open(path, "rb") as file:
            heading, *entries = [_with_row_count(json.loads(line)) for line in file if line.endswith(b"\n")]
        version, settings = heading["schema_version"], _current(heading["settings"])
        last = {entry["photograph"]: entry for entry in entries}  # a photograph that failed may be there again
    except OSError as error:
        raise DataError(f"{path}: cannot be read ({error.strerror or error})") from None
    except (ValueError, KeyError, TypeError):
        raise DataError(f"{path}: not the journal of an audit; run the audit again") from None
    if version not in READABLE:
        raise DataError(f"{path}: of version {version}, expected {_versions()}; run the audit again")
    return Contents(settings, {name: entry["rows"] for name, entry in last.items() if entry["failed"] is None},
                    {name: entry["failed"] for name, entry in last.items() if entry["failed"] is not None})


def _with_row_count(entry: dict[str, Any]) -> dict[str, Any]:
    """A line of a journal, its rows replaced by their number: all rows may not fit into memory."""
    return entry | {"rows": len(entry["rows"])} if "rows" in entry else entry


def _current(settings: dict[str, Any]) -> dict[str, Any]:
    """Settings of any readable version as this version writes them."""
    return settings | {"columns": current_columns(settings["columns"])} if "columns" in settings else dict(settings)


def _versions() -> str:
    return " or ".join(map(str, READABLE))


class Journal:
    """The lines of an audit: a heading with its settings, then one line a photograph, appended whole.

    Args:
        folder: the audit's output folder, which exists.
        settings: what the rows depend on. A journal with other settings is refused: its rows would not be comparable.

    Raises:
        OutputError: the journal is of another audit, or cannot be read or written.
    """

    def __init__(self, folder: Path, settings: dict[str, Any]) -> None:
        self.path = folder / NAME
        self._positions: dict[str, int] = {}
        self.failed: dict[str, str] = {}
        heading = {"schema_version": SCHEMA, "settings": json.loads(json.dumps(settings))}
        try:
            self._file = open(self.path, "a+b")  # noqa: SIM115
            self._resume(heading)
        except OSError as error:
            raise OutputError(f"{self.path}: cannot be used ({error.strerror or error})") from None

    def _resume(self, heading: dict[str, Any]) -> None:
        """Read what is there, and drop a line that a crash left unfinished."""
        self._file.seek(0)
        first = self._file.readline()
        if not first.endswith(b"\n"):  # nothing yet, or not even a whole heading
            self._file.truncate(0)
            self._append(heading)
            return
        self._check(first, heading)
        position = self._file.tell()
        for line in iter(self._file.readline, b""):
            if not line.endswith(b"\n"):
                self._file.truncate(position)
                break
            self._note(json.loads(line), position)
            position = self._file.tell()

    def _check(self, line: bytes, heading: dict[str, Any]) -> None:
        try:
            known = json.loads(line)
            version, theirs, ours = known["schema_version"], _current(known["settings"]), heading["settings"]
        except (ValueError, KeyError, TypeError):
            raise OutputError(f"{self.path}: not the journal of an audit; name another folder with --out") from None
        if version not in READABLE:
            raise OutputError(f"{self.path}: of version {version}, expected {_versions()}: name another folder with "
                              "--out")
        for name in {**ours, **theirs}:
            if ours.get(name) != theirs.get(name):
                raise OutputError(f"{self.path.parent}: holds an audit with another {name} "
                                  f"({_short(theirs.get(name))}, not {_short(ours.get(name))}); name another folder "
                                  "with --out, or delete it")

    def _note(self, entry: dict[str, Any], position: int) -> None:
        name = entry["photograph"]
        self.failed.pop(name, None)
        self._positions.pop(name, None)
        if entry["failed"] is not None:
            self.failed[name] = entry["failed"]
        else:
            self._positions[name] = position

    def _append(self, entry: dict[str, Any]) -> int:
        position = self._file.seek(0, os.SEEK_END)
        try:
            self._file.write(json.dumps(entry, allow_nan=False, ensure_ascii=True).encode() + b"\n")
            self._file.flush()
            os.fsync(self._file.fileno())
        except OSError as error:
            self._file.truncate(position)
            raise OutputError(f"{self.path}: cannot be written ({error.strerror or error})") from None
        return position

    def __contains__(self, photograph: str) -> bool:
        """Whether a photograph is done; one that failed is not."""
        return photograph in self._positions

    def add(self, photograph: str, rows: Sequence[Sequence[Any]]) -> None:
        """Note that a photograph is done, with its rows, each a list of values in the order of the columns.

        Raises:
            OutputError: it cannot be written; the line is not left half-written.
        """
        entry = {"photograph": photograph, "failed": None, "rows": [list(row) for row in rows]}
        self._note(entry, self._append(entry))

    def fail(self, photograph: str, reason: str) -> None:
        """Note that a photograph failed, and why; a resumed audit tries it again.

        Raises:
            OutputError: it cannot be written; the line is not left half-written.
        """
        entry = {"photograph": photograph, "failed": reason, "rows": []}
        self._note(entry, self._append(entry))

    def rows(self, photographs: Sequence[str]) -> Iterator[list[Any]]:
        """The rows of those photographs that are done, in the given order, one photograph in memory at a time."""
        for name in photographs:
            if name in self._positions:
                self._file.seek(self._positions[name])
                yield from json.loads(self._file.readline())["rows"]

    def close(self) -> None:
        self._file.close()

    def __enter__(self) -> "Journal":
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None,
                 trace: TracebackType | None) -> None:
        self.close()


def _short(value: Any) -> str:
    words = json.dumps(value, ensure_ascii=False)
    return words if len(words) <= 60 else f"{words[:57]}…"
