"""Reading explanations from a folder; damaged files and changed photographs are errors."""

import json
import zipfile
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from detcam.errors import DataError, ImageError
from detcam.explanations.explanation import Explanation
from detcam.imaging.image import Image, load_image
from detcam.store.decode import from_record
from detcam.store.encode import pixels_sha256
from detcam.store.versions import VERSIONS, upgraded_image
from detcam.store.write import JSON_NAME

DAMAGE = (KeyError, TypeError, ValueError, IndexError, AttributeError, AssertionError)


def load_explanations(path: str | Path, *, images: Mapping[str, Any] | None = None,
                      image_root: str | Path | None = None) -> list[Explanation]:
    """Read explanations from a folder, equal to those that were written, also by earlier versions of detcam.

    Args:
        path: the folder, or its ``explanations.json``.
        images: photographs by their recorded name (``file``), for those that came from arrays or have moved; anything
            that :func:`detcam.load_image` takes.
        image_root: a folder in which to look for the photographs first.

    Raises:
        DataError: a file is missing, damaged or of an unknown version, or a photograph is missing or has changed.
    """
    where = Path(path)
    where = where / JSON_NAME if where.is_dir() else where
    content = _read_json(where)
    explanations = []
    for number, record in enumerate(content["images"], 1):
        try:
            record = upgraded_image(record, content["schema_version"])
            class_names = content["class_names"][record["class_names_index"]]
            names = {int(label): str(name) for label, name in class_names.items()}
            image = _photograph(record, where.parent, images or {}, image_root)
            with _Arrays(where.parent, record["heatmap_file"]) as arrays:
                explanations.append(from_record(record, image, names, arrays.read))
        except DataError:
            raise
        except DAMAGE as error:
            raise DataError(f"{where}: record {number} is damaged ({type(error).__name__}: {error}); explain the "
                            "photograph again") from None
    return explanations


def _read_json(path: Path) -> dict[str, Any]:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise DataError(f"{path}: no such file; expected the folder that detcam wrote") from None
    except (OSError, ValueError, RecursionError) as error:
        raise DataError(f"{path}: cannot be read as JSON ({error})") from None
    if not isinstance(content, dict) or not isinstance(content.get("images"), list):
        raise DataError(f"{path}: holds no explanations; expected a file that detcam wrote")
    version = content.get("schema_version")
    if version not in VERSIONS:
        raise DataError(f"{path}: explanations of version {version!r}, expected {' or '.join(map(str, VERSIONS))}: "
                        "explain the photographs again with this version of detcam")
    return content


def _photograph(record: dict[str, Any], folder: Path, images: Mapping[str, Any], root: str | Path | None) -> Image:
    """The photograph of a record, from the first place that has it.

    Raises:
        DataError: it is missing or has changed.
    """
    name = str(record["file"])
    if name in images:
        return _checked(images[name], name, record)
    places = [] if root is None else [Path(root, name), Path(root, Path(name).name)]
    places.append(Path(name))
    if record.get("relative_path"):
        places.append(folder / str(record["relative_path"]))
    for place in places:
        if place.is_file():
            return _checked(place, name, record)
    raise DataError(f"{name}: the photograph is missing; pass images={{{name!r}: …}}, or its folder as image_root=")


def _checked(source: Any, name: str, record: dict[str, Any]) -> Image:
    try:
        image = load_image(source)
    except ImageError as error:
        raise DataError(f"the photograph cannot be read again: {error}") from None
    if pixels_sha256(image) != record["pixels_sha256"]:
        raise DataError(f"{name}: the photograph has changed since it was explained ({record['width']} x "
                        f"{record['height']} px then, {image.width} x {image.height} px now): explain it again")
    return Image(image.rgb, name)


class _Arrays:
    """The ``.npz`` with the raw heatmaps of one photograph."""

    def __init__(self, folder: Path, name: Any) -> None:
        if not isinstance(name, str) or Path(name).name != name or "\\" in name or "\0" in name:
            raise DataError(f"{folder / JSON_NAME}: names {name!r} as a file of heatmaps; expected a plain file name")
        self._path = folder / name
        try:
            self._file = np.load(self._path, allow_pickle=False)
        except FileNotFoundError:
            raise DataError(f"{self._path}: the file of heatmaps is missing") from None
        except (OSError, ValueError, EOFError, zipfile.BadZipFile) as error:
            raise DataError(f"{self._path}: not a file of heatmaps ({error})") from None
        if not isinstance(self._file, np.lib.npyio.NpzFile):
            raise DataError(f"{self._path}: not a file of heatmaps; expected an .npz")

    def __enter__(self) -> "_Arrays":
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    def read(self, key: str) -> NDArray[np.float32]:
        """The values ``[gh, gw]`` of a key.

        Raises:
            DataError: they are missing or damaged.
        """
        try:
            values = self._file[key]
        except (KeyError, OSError, ValueError, EOFError, MemoryError, zipfile.BadZipFile, zlib.error) as error:
            raise DataError(f"{self._path}: heatmap {key!r} is missing or damaged ({error})") from None
        if values.dtype != np.float32 or values.ndim != 2 or 0 in values.shape:
            raise DataError(f"{self._path}: heatmap {key!r} is {values.dtype} {list(values.shape)}, "
                            "expected float32 [gh, gw]")
        return values
