"""Which photographs a command line means."""

import glob
import sys
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path

from detcam.errors import InputError
from detcam.imaging.image import SUFFIXES

SAMPLES = "sample_images"
KINDS = "jpg, png, webp, bmp, tif or gif"


def collect(arguments: Sequence[str]) -> list[Path]:
    """The photographs that files, folders and patterns name, in that order, each once.

    A folder stands for the photographs right inside it, sorted by name. A file is taken whatever its ending.

    Raises:
        InputError: there is no such file, or a folder or pattern holds no photographs.
    """
    found: dict[Path, Path] = {}
    for argument in arguments:
        for path in _photographs(argument):
            found.setdefault(path.resolve(), path)
    return list(found.values())


def _photographs(argument: str) -> list[Path]:
    if not argument.strip():
        raise InputError("an empty name for a photograph: give a file, a folder or a pattern")
    path = Path(argument)
    try:
        if path.is_dir():
            return _in_folder(path)
        if path.is_file():
            return [path]
        if path.exists():
            raise InputError(f"{argument}: neither a file nor a folder")
    except (OSError, ValueError) as error:  # no permission, a name that is too long, a null byte
        if isinstance(error, InputError):
            raise
        raise InputError(f"{argument!r}: cannot be opened ({getattr(error, 'strerror', None) or error})") from None
    if not glob.has_magic(argument):
        raise InputError(f"{argument}: no such file or folder")
    matches = [Path(each) for each in sorted(glob.glob(argument, recursive=True))]
    matches = [each for each in matches if each.suffix.lower() in SUFFIXES and each.is_file()]
    if not matches:
        raise InputError(f"{argument}: no photograph ({KINDS}) fits this pattern")
    return matches


def _in_folder(folder: Path) -> list[Path]:
    inside = sorted(folder.iterdir())
    found = [each for each in inside
             if each.suffix.lower() in SUFFIXES and not each.name.startswith(".") and each.is_file()]
    if not found:
        what = "holds no photograph itself; name its folders" if any(each.is_dir() for each in inside) else (
            "holds no photograph")
        raise InputError(f"{folder}: the folder {what} (expected {KINDS})")
    return found


def samples() -> list[Path]:
    """What is explained when no photograph is named: ``sample_images/`` and ultralytics' installed ``bus.jpg``.

    The folder is looked for beside the script, beside the package and in the current folder.

    Raises:
        InputError: none of them is there.
    """
    places = [Path(sys.argv[0]).resolve().parent.parent, Path(__file__).resolve().parents[2], Path.cwd()]
    folder = next((place / SAMPLES for place in places if (place / SAMPLES).is_dir()), None)
    found = _in_folder(folder) if folder is not None else []
    package = find_spec("ultralytics")  # finds it without importing it
    if package is not None and package.origin is not None:
        bus = Path(package.origin).parent / "assets" / "bus.jpg"
        found += [bus] if bus.is_file() else []
    if not found:
        raise InputError("no photograph named, and no sample_images/ here: name a photograph, a folder or a pattern")
    return found
