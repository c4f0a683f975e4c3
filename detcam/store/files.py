"""Writing files completely or not at all, under names that are safe whatever a photograph is called."""

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
    """A file name of letters, digits, ``_`` and ``-`` from a photograph's name, without its folder and ending.

    Args:
        name: a path or any other text; it is not trusted.
    """
    last = PureWindowsPath(PurePosixPath(name).name).name
    stem = last.rpartition(".")[0] or last
    stem = re.sub(r"[^\w-]+", "_", unicodedata.normalize("NFC", stem)).strip("_-")
    stem = stem.encode("utf-8", "ignore")[:MAX_STEM].decode("utf-8", "ignore")
    if not stem:
        return "photograph"
    return f"photograph_{stem}" if RESERVED.fullmatch(stem) else stem


def unique_stems(names: list[str]) -> list[str]:
    """A safe stem for each name, all different even where a file system ignores case: ``bus``, ``bus-2``, …"""
    taken: set[str] = set()
    stems = []
    for name in names:
        stem = candidate = safe_stem(name)
        count = 1
        while candidate.casefold() in taken:
            count += 1
            candidate = f"{stem}-{count}"
        taken.add(candidate.casefold())
        stems.append(candidate)
    return stems


@contextmanager
def written_whole(path: Path) -> Iterator[BinaryIO]:
    """A binary file that replaces ``path`` when the block ends; if the block fails, the file is removed.

    Raises:
        OutputError: the file cannot be written.
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
    """Make a folder for output, and check that files can be written to it.

    Returns:
        The folder.

    Raises:
        OutputError: they cannot.
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
