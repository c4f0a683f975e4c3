"""Which photographs a command line means, and where what is made of them may go."""

from __future__ import annotations

import glob
import sys
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from detcam.errors import DataError, InputError, OutputError
from detcam.imaging.file_types import SUFFIXES

if TYPE_CHECKING:
    from detcam.datasets.ground_truth import DataSet

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


def one_photograph(argument: str) -> Path:
    """The one photograph that an argument names.

    Raises:
        InputError: there is no such file, or there are several.
    """
    found = collect([argument])
    if len(found) > 1:
        raise InputError(f"{argument}: {len(found)} photographs, expected one")
    return found[0]


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


def annotated(photographs: Sequence[Path], annotations: Path) -> DataSet:
    """The true boxes of some photographs, in their order.

    Raises:
        DataError: the annotations say nothing of one of them.
    """
    from detcam.datasets.formats import read_data_set
    from detcam.datasets.ground_truth import DataSet

    data = [read_data_set(annotations, folder, partial=True)
            for folder in dict.fromkeys(path.parent for path in photographs)]
    known = {truth.file.resolve(): truth for each in data for truth in each.photographs}
    lacking = [path for path in photographs if path.resolve() not in known]
    if lacking:
        raise DataError(f"{lacking[0]}: {annotations} does not list it; a photograph is found by its name")
    return DataSet(tuple(known[path.resolve()] for path in photographs),
                   tuple(dict.fromkeys(name for each in data for name in each.class_names)))


def check_output(out: Path, photographs: Sequence[Path]) -> None:
    """Refuse to write over anything that detcam did not make.

    Raises:
        OutputError: photographs lie in the output folder, or other files have the names that are needed.
    """
    from detcam.store.files import unique_stems
    from detcam.store.write import JSON_NAME

    home = out.resolve()
    if any(path.resolve().parent == home for path in photographs):
        raise OutputError(f"{out}: holds the photographs themselves; name another folder with --out")
    if (out / JSON_NAME).exists():
        return
    for stem in unique_stems([str(path) for path in photographs]):
        for ending in (".png", ".npz", ".sweep-1.png"):
            if (out / (stem + ending)).exists():
                raise OutputError(f"{out / (stem + ending)}: exists, and detcam did not make this folder; name another "
                                  "folder with --out")
