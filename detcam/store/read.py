"""Reading explanations back, and refusing what is damaged or no longer what was explained."""

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
from detcam.store.records import from_record, pixels_sha256
from detcam.store.write import JSON_NAME, SCHEMA

DAMAGE = (KeyError, TypeError, ValueError, IndexError, AttributeError, AssertionError)


def load_explanations(path: str | Path, *, images: Mapping[str, Any] | None = None,
                      image_root: str | Path | None = None) -> list[Explanation]:
    """Read explanations back, equal to those that were written.

    Args:
        path: the folder, or its ``explanations.json``.
        images: photographs by the name that was recorded (``file``), for those that came from arrays or have moved.
        image_root: a folder in which to look for the photographs first.

    Raises:
        DataError: a file is missing, damaged or of another version, or a photograph is gone or has changed.
    """
    where = Path(path)
    where = where / JSON_NAME if where.is_dir() else where
    content = _read_json(where)
    found = []
    for order, record in enumerate(content["images"]):
        try:
            names = {int(label): str(word) for label, word in content["class_names"][record["class_names"]].items()}
            image = _photograph(record, where.parent, images or {}, image_root)
            with _Arrays(where.parent, record["npz"]) as arrays:
                found.append(from_record(record, image, names, arrays.read))
        except DataError:
            raise
        except DAMAGE as error:
            raise DataError(f"{where}: record {order + 1} is damaged ({type(error).__name__}: {error}); explain the "
                            "photograph again") from None
    return found


def _read_json(path: Path) -> dict[str, Any]:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise DataError(f"{path}: no such file; expected the folder that detcam wrote") from None
    except (OSError, ValueError, RecursionError) as error:
        raise DataError(f"{path}: cannot be read as JSON ({error})") from None
    if not isinstance(content, dict) or not isinstance(content.get("images"), list):
        raise DataError(f"{path}: holds no explanations; expected a file that detcam wrote")
    if content.get("schema_version") != SCHEMA:
        raise DataError(f"{path}: explanations of version {content.get('schema_version')!r}, expected {SCHEMA}: "
                        "explain the photographs again with this version")
    return content


def _photograph(record: dict[str, Any], folder: Path, images: Mapping[str, Any], root: str | Path | None) -> Image:
    """The photograph of a record, from where it is found first.

    Raises:
        DataError: it is gone or has changed.
    """
    name = str(record["file"])
    if name in images:
        return _checked(images[name], name, record)
    places = [] if root is None else [Path(root, name), Path(root, Path(name).name)]
    places.append(Path(name))
    if record.get("file_from_here"):
        places.append(folder / str(record["file_from_here"]))
    for place in places:
        if place.is_file():
            return _checked(place, name, record)
    raise DataError(f"{name}: the photograph is gone; hand over images={{{name!r}: …}}, or image_root= where it lies")


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
    """The raw heatmaps of one photograph."""

    def __init__(self, folder: Path, name: Any) -> None:
        if not isinstance(name, str) or Path(name).name != name or "\\" in name or "\0" in name:
            raise DataError(f"{folder / JSON_NAME}: names {name!r} as a file of heatmaps; expected a plain file name")
        self._path = folder / name
        try:
            self._file = np.load(self._path, allow_pickle=False)
        except FileNotFoundError:
            raise DataError(f"{self._path}: the file of heatmaps is gone") from None
        except (OSError, ValueError, EOFError, zipfile.BadZipFile) as error:
            raise DataError(f"{self._path}: not a file of heatmaps ({error})") from None
        if not isinstance(self._file, np.lib.npyio.NpzFile):
            raise DataError(f"{self._path}: not a file of heatmaps; expected an .npz")

    def __enter__(self) -> "_Arrays":
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    def read(self, key: str) -> NDArray[np.float32]:
        """The heatmap ``[gh, gw]`` of a key."""
        try:
            values = self._file[key]
        except (KeyError, OSError, ValueError, EOFError, MemoryError, zipfile.BadZipFile, zlib.error) as error:
            raise DataError(f"{self._path}: heatmap {key!r} is missing or damaged ({error})") from None
        if values.dtype != np.float32 or values.ndim != 2 or 0 in values.shape:
            raise DataError(f"{self._path}: heatmap {key!r} is {values.dtype} {list(values.shape)}, "
                            "expected float32 [gh, gw]")
        return values
