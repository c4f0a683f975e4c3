"""YOLO's format: a ``data.yaml`` with the class names, and a text file of relative boxes for each photograph."""

from pathlib import Path
from typing import Any

import numpy as np
import yaml  # type: ignore[import-untyped]
from numpy.typing import NDArray

from detcam.datasets.ground_truth import DataSet, GroundTruth, Mask, photograph_size, photographs_in
from detcam.errors import DataError

SPLITS = ("val", "test", "train")  # the first one in data.yaml is read when no folder is given


def read_yolo(annotations: Path, images: Path | None = None) -> DataSet:
    """Read a YOLO data set.

    The labels of ``…/images/x.jpg`` are in ``…/labels/x.txt``, or beside the photograph when no folder is called
    ``images``. Each line is one object: ``class x y width height``, where x and y are the box's centre, or
    ``class x1 y1 x2 y2 x3 y3 …``, the corners of a polygon, which becomes a mask and its bounding box. All
    are shares of the photograph's width and height; here boxes become xyxy, source pixels. A photograph without a label
    file has no boxes.

    Args:
        annotations: ``data.yaml``.
        images: the folder of photographs; None takes the first that ``data.yaml`` names of val, test and train.

    Raises:
        DataError: a file or folder is missing or does not follow the format.
    """
    settings = _settings(annotations)
    words = _names(settings, annotations)
    folder = images or _folder(settings, annotations)
    if not folder.is_dir():
        raise DataError(f"{folder}: no such folder of photographs")
    files = photographs_in(folder)
    if not files:
        raise DataError(f"{folder}: holds no photographs")
    return DataSet(tuple(_photograph(file, words) for file in files), tuple(words.values()))


def _settings(path: Path) -> dict[str, Any]:
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise DataError(f"{path}: no such file") from None
    except (yaml.YAMLError, UnicodeDecodeError, OSError) as error:
        raise DataError(f"{path}: not a YAML file ({' '.join(str(error).split())})") from None
    if not isinstance(content, dict) or "names" not in content:
        raise DataError(f"{path}: expected a YOLO data.yaml with 'names'")
    return content


def _names(settings: dict[str, Any], path: Path) -> dict[int, str]:
    names = settings["names"]
    try:
        pairs = names.items() if isinstance(names, dict) else enumerate(names)
        return {int(label): str(word) for label, word in pairs}
    except (TypeError, ValueError):
        raise DataError(f"{path}: 'names' is neither a list nor a table of class names") from None


def _folder(settings: dict[str, Any], path: Path) -> Path:
    for split in SPLITS:
        if isinstance(settings.get(split), str):
            return path.parent / str(settings.get("path", "")) / settings[split]
    raise DataError(f"{path}: names no folder of photographs as {', '.join(SPLITS)}: give the folder itself")


def label_file(photograph: Path) -> Path:
    """The label file of a photograph: its last folder called ``images`` becomes ``labels``, its ending ``.txt``."""
    parts = list(photograph.parts)
    for index in range(len(parts) - 2, -1, -1):
        if parts[index] == "images":
            parts[index] = "labels"
            break
    return Path(*parts).with_suffix(".txt")


def _photograph(file: Path, words: dict[int, str]) -> GroundTruth:
    labels, shapes = [], []
    for number, line in enumerate(_lines(label_file(file)), 1):
        try:
            label, *values = (float(word) for word in line.split())
            if int(label) not in words or len(values) < 4 or len(values) % 2 or not np.isfinite(values).all():
                raise ValueError
        except (ValueError, OverflowError):
            raise DataError(f"{label_file(file)}, line {number}: expected 'class x y width height' or a polygon of at "
                            f"least 3 corners, with a class of data.yaml, got {line[:60]!r}") from None
        labels.append(words[int(label)])
        shapes.append(np.array(values))
    if not shapes:
        return GroundTruth(file, np.zeros((0, 4)), (), np.zeros(0, bool))
    size = photograph_size(file)
    boxes = np.array([_box(shape) for shape in shapes], dtype=np.float64) * (size * 2)
    return GroundTruth(file, boxes, tuple(labels), np.zeros(len(boxes), bool), _masks(shapes, size))


def _masks(shapes: list[NDArray[np.float64]], size: tuple[int, int]) -> tuple[Mask | None, ...]:
    """The polygons' masks, None for a plain box; empty where all are plain boxes."""
    if all(len(shape) == 4 for shape in shapes):
        return ()
    width, height = size
    return tuple(None if len(shape) == 4 else Mask.of_polygon(shape.reshape(-1, 2) * size, height, width)
                 for shape in shapes)


def _lines(path: Path) -> list[str]:
    if not path.exists():
        return []
    try:
        return [line for line in path.read_text(encoding="utf-8").splitlines() if line.strip()]
    except (UnicodeDecodeError, OSError) as error:
        raise DataError(f"{path}: cannot be read as labels ({error})") from None


def _box(values: NDArray[np.float64]) -> list[float]:
    """Relative xyxy of ``x y width height``, or of a polygon's corners."""
    if len(values) == 4:
        x, y, width, height = values.tolist()
        return [x - width / 2, y - height / 2, x + width / 2, y + height / 2]
    points = values.reshape(-1, 2)
    return [*points.min(0).tolist(), *points.max(0).tolist()]

