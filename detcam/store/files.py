"""Writing files whole or not at all, under names that are safe whatever a photograph is called."""

import os
import re
import unicodedata
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import BinaryIO

from detcam.errors import OutputError

MAX_STEM = 100  # bytes of a stem: file systems allow 255 for a name, and endings and counters are added
RESERVED = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)", re.IGNORECASE)  # names that Windows keeps for devices


def safe_stem(name: str) -> str:
    """A name made of letters, digits, ``_`` and ``-`` after what a photograph is called, without folder and ending.

    Args:
        name: a path or any other words; it is never trusted.
    """
    last = PureWindowsPath(PurePosixPath(name).name).name
    stem = last.rpartition(".")[0] or last
    stem = re.sub(r"[^\w-]+", "_", unicodedata.normalize("NFC", stem)).strip("_-")
    stem = stem.encode("utf-8", "ignore")[:MAX_STEM].decode("utf-8", "ignore")
    if not stem:
        return "photograph"
    return f"photograph_{stem}" if RESERVED.fullmatch(stem) else stem


def unique_stems(names: list[str]) -> list[str]:
    """A safe stem for each name, no two the same, also where a file system ignores case: ``bus``, ``bus-2``, …"""
    taken: set[str] = set()
    found = []
    for name in names:
        stem = candidate = safe_stem(name)
        count = 1
        while candidate.casefold() in taken:
            count += 1
            candidate = f"{stem}-{count}"
        taken.add(candidate.casefold())
        found.append(candidate)
    return found


@contextmanager
def written_whole(path: Path) -> Iterator[BinaryIO]:
    """A binary file that takes the place of ``path`` when the block ends, and leaves nothing behind if it fails.

    Raises:
        OutputError: it cannot be written.
    """
    unfinished = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        try:
            with open(unfinished, "wb") as file:
                yield file
            os.replace(unfinished, path)
        finally:
            unfinished.unlink(missing_ok=True)
    except OSError as error:
        raise OutputError(f"{path}: cannot be written ({error.strerror or error})") from None


def output_folder(folder: Path) -> Path:
    """Make a folder for output and try whether it can be written to.

    Raises:
        OutputError: it cannot.
    """
    trial = folder / f".detcam.{os.getpid()}.tmp"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        try:
            trial.write_bytes(b"")
        finally:
            trial.unlink(missing_ok=True)
    except OSError as error:
        raise OutputError(f"{folder}: output cannot be written there ({error.strerror or error}); name another "
                          "folder") from None
    return folder
