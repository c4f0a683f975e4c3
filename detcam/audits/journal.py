"""What an audit has done so far, a line a photograph: killed at any moment, it is taken up where it was left."""

import json
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any

from detcam.errors import DataError, OutputError

SCHEMA = 1
NAME = "journal.jsonl"


@dataclass(frozen=True)
class Contents:
    """What a journal holds.

    Attributes:
        settings: what its rows depend on.
        done: the photographs that are done, and how many rows each has.
        failed: those that failed, and why.
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
    """What an audit has done, without changing anything.

    Raises:
        DataError: there is no journal, or it is not one of this version.
    """
    path = folder / NAME
    try:
        with open(path, "rb") as file:
            heading, *entries = [_short_of(json.loads(line)) for line in file if line.endswith(b"\n")]
        settings, version = dict(heading["settings"]), heading["schema_version"]
        last = {each["photograph"]: each for each in entries}  # a photograph that failed may be there again
    except OSError as error:
        raise DataError(f"{path}: cannot be read ({error.strerror or error})") from None
    except (ValueError, KeyError, TypeError):
        raise DataError(f"{path}: not the journal of an audit; run the audit again") from None
    if version != SCHEMA:
        raise DataError(f"{path}: of version {version}, expected {SCHEMA}; run the audit again")
    return Contents(settings, {name: each["rows"] for name, each in last.items() if each["failed"] is None},
                    {name: each["failed"] for name, each in last.items() if each["failed"] is not None})


def _short_of(entry: dict[str, Any]) -> dict[str, Any]:
    """A line of a journal, a photograph's with the number of its rows in their place: many do not fit into memory."""
    return entry | {"rows": len(entry["rows"])} if "rows" in entry else entry


class Journal:
    """The lines of an audit: a heading with its settings, then a photograph each, appended whole.

    Args:
        folder: the audit's output folder, which exists.
        settings: what the rows depend on. A journal of other settings is refused: its rows would not be comparable.

    Raises:
        OutputError: the journal is another audit's, or cannot be read or written.
    """

    def __init__(self, folder: Path, settings: dict[str, Any]) -> None:
        self.path = folder / NAME
        self._places: dict[str, int] = {}
        self.failed: dict[str, str] = {}
        heading = {"schema_version": SCHEMA, "settings": json.loads(json.dumps(settings))}
        try:
            self._file = open(self.path, "a+b")  # noqa: SIM115
            self._take_up(heading)
        except OSError as error:
            raise OutputError(f"{self.path}: cannot be used ({error.strerror or error})") from None

    def _take_up(self, heading: dict[str, Any]) -> None:
        """Read what is there, and drop a line that a crash left unfinished."""
        self._file.seek(0)
        first = self._file.readline()
        if not first.endswith(b"\n"):  # nothing yet, or not even a whole heading
            self._file.truncate(0)
            self._append(heading)
            return
        self._check(first, heading)
        place = self._file.tell()
        for line in iter(self._file.readline, b""):
            if not line.endswith(b"\n"):
                self._file.truncate(place)
                break
            self._note(json.loads(line), place)
            place = self._file.tell()

    def _check(self, line: bytes, heading: dict[str, Any]) -> None:
        try:
            known = json.loads(line)
            theirs, ours = known["settings"], heading["settings"]
            if known["schema_version"] != SCHEMA:
                raise OutputError(f"{self.path}: of version {known['schema_version']}, expected {SCHEMA}: name another "
                                  "folder with --out")
        except (ValueError, KeyError, TypeError):
            raise OutputError(f"{self.path}: not the journal of an audit; name another folder with --out") from None
        for name in {**ours, **theirs}:
            if ours.get(name) != theirs.get(name):
                raise OutputError(f"{self.path.parent}: holds an audit with another {name} "
                                  f"({_short(theirs.get(name))}, not {_short(ours.get(name))}); name another folder "
                                  "with --out, or delete it")

    def _note(self, entry: dict[str, Any], place: int) -> None:
        name = entry["photograph"]
        self.failed.pop(name, None)
        self._places.pop(name, None)
        if entry["failed"] is not None:
            self.failed[name] = entry["failed"]
        else:
            self._places[name] = place

    def _append(self, entry: dict[str, Any]) -> int:
        place = self._file.seek(0, os.SEEK_END)
        try:
            self._file.write(json.dumps(entry, allow_nan=False, ensure_ascii=True).encode() + b"\n")
            self._file.flush()
            os.fsync(self._file.fileno())
        except OSError as error:
            self._file.truncate(place)
            raise OutputError(f"{self.path}: cannot be written ({error.strerror or error})") from None
        return place

    def __contains__(self, photograph: str) -> bool:
        """Whether a photograph is done; one that failed is not."""
        return photograph in self._places

    def add(self, photograph: str, rows: Sequence[Sequence[Any]]) -> None:
        """Note the rows of a photograph: a list of values each.

        Raises:
            OutputError: it cannot be written; the line is not left half-written.
        """
        entry = {"photograph": photograph, "failed": None, "rows": [list(row) for row in rows]}
        self._note(entry, self._append(entry))

    def fail(self, photograph: str, words: str) -> None:
        """Note that a photograph failed, and why; it is tried again when the audit is taken up."""
        entry = {"photograph": photograph, "failed": words, "rows": []}
        self._note(entry, self._append(entry))

    def rows(self, photographs: Sequence[str]) -> Iterator[list[Any]]:
        """The rows of photographs that are done, in the order that is given, one in memory at a time."""
        for name in photographs:
            if name in self._places:
                self._file.seek(self._places[name])
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
