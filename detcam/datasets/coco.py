"""COCO's ``instances.json``, read by faster-coco-eval."""

import json
from pathlib import Path
from typing import Any

import numpy as np

from detcam.datasets.ground_truth import DataSet, GroundTruth, Mask
from detcam.errors import DataError

SHAPE = "expected COCO instances with the lists 'images', 'annotations' and 'categories'"


def read_coco(annotations: Path, images: Path | None = None) -> DataSet:
    """Read COCO instances.

    Args:
        annotations: the JSON file.
        images: the folder that the file names are relative to; None takes ``images`` beside the file.

    Raises:
        DataError: the file is missing or no COCO file, or a box is malformed.
    """
    coco = _index(annotations)
    folder = images or annotations.parent / "images"
    if not folder.is_dir():
        raise DataError(f"{folder}: no such folder of photographs")
    try:
        words = {int(each["id"]): str(each["name"]) for each in coco.dataset["categories"]}
        photographs = tuple(_photograph(coco, record, folder, words) for record in coco.dataset["images"])
    except (KeyError, TypeError, ValueError) as error:
        raise DataError(f"{annotations}: {SHAPE}; cannot read {type(error).__name__} {error}") from None
    return DataSet(photographs, tuple(words.values()))


def _index(annotations: Path) -> Any:
    """The library's index of a checked file."""
    try:
        from faster_coco_eval import COCO
    except ImportError:
        raise DataError("reading COCO annotations needs faster-coco-eval: pip install 'detcam[data]', or '.[data]' in "
                        "a clone") from None
    try:
        content = json.loads(annotations.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise DataError(f"{annotations}: no such annotation file") from None
    except (json.JSONDecodeError, UnicodeDecodeError, OSError) as error:
        raise DataError(f"{annotations}: not a JSON file ({error}); {SHAPE}") from None
    lists = ("images", "annotations", "categories")
    if not isinstance(content, dict) or not all(isinstance(content.get(key), list) for key in lists):
        found = ", ".join(list(content)[:6]) if isinstance(content, dict) else type(content).__name__
        raise DataError(f"{annotations}: {SHAPE}, found {found or 'nothing'}")
    try:
        return COCO(content)
    except (KeyError, TypeError) as error:
        raise DataError(f"{annotations}: {SHAPE}; {type(error).__name__} {error}") from None


def _photograph(coco: Any, record: dict[str, Any], folder: Path, words: dict[int, str]) -> GroundTruth:
    found = coco.imgToAnns.get(record["id"], [])
    boxes = np.array([each["bbox"] for each in found], dtype=np.float64).reshape(-1, 4)  # x, y, width, height
    boxes[:, 2:] += boxes[:, :2]
    return GroundTruth(
        file=folder / record["file_name"],
        boxes=boxes,
        class_names=tuple(words[int(each["category_id"])] for each in found),
        crowd=np.array([bool(each.get("iscrowd", 0)) for each in found], dtype=bool),
        masks=_masks(coco, record, found),
        source=str(record.get("source", "")),
    )


def _masks(coco: Any, record: dict[str, Any], found: list[dict[str, Any]]) -> tuple[Mask | None, ...]:
    """Polygons or run lengths as masks; none for a photograph whose record has no size, which they need."""
    if not all(record.get(side) for side in ("height", "width")) or not any(each.get("segmentation") for each in found):
        return ()
    height, width = int(record["height"]), int(record["width"])
    encoded = [coco.annToRLE(each) if each.get("segmentation") else None for each in found]
    return tuple(None if each is None else Mask(height, width, _bytes(each["counts"])) for each in encoded)


def _bytes(counts: bytes | str) -> bytes:
    """Compressed run lengths: words where the file itself had them, as JSON has no bytes."""
    return counts.encode() if isinstance(counts, str) else bytes(counts)
