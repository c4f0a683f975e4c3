"""COCO's format: ``instances.json``, read by faster-coco-eval."""

import json
from pathlib import Path
from typing import Any

import numpy as np

from detcam.datasets.ground_truth import DataSet, GroundTruth, Mask
from detcam.errors import DataError

FORMAT = "expected COCO instances with the lists 'images', 'annotations' and 'categories'"


def read_coco(annotations: Path, images: Path | None = None) -> DataSet:
    """Read COCO instances: boxes, class names, crowds and masks.

    COCO's boxes are x, y, width, height; here they become xyxy, source pixels.

    Args:
        annotations: the JSON file.
        images: the folder that the file names are relative to; None takes ``images`` beside the file.

    Raises:
        DataError: the file is missing or is not COCO instances, a box is malformed, there is no such folder, or
            faster-coco-eval is not installed.
    """
    coco = _index(annotations)
    folder = images or annotations.parent / "images"
    if not folder.is_dir():
        raise DataError(f"{folder}: no such folder of photographs")
    try:
        names = {int(category["id"]): str(category["name"]) for category in coco.dataset["categories"]}
        photographs = tuple(_photograph(coco, record, folder, names) for record in coco.dataset["images"])
    except (KeyError, TypeError, ValueError) as error:
        raise DataError(f"{annotations}: {FORMAT}; cannot read {type(error).__name__} {error}") from None
    return DataSet(photographs, tuple(names.values()))


def _index(annotations: Path) -> Any:
    """faster-coco-eval's index of a file that has been checked."""
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
        raise DataError(f"{annotations}: not a JSON file ({error}); {FORMAT}") from None
    lists = ("images", "annotations", "categories")
    if not isinstance(content, dict) or not all(isinstance(content.get(key), list) for key in lists):
        keys = ", ".join(list(content)[:6]) if isinstance(content, dict) else type(content).__name__
        raise DataError(f"{annotations}: {FORMAT}, found {keys or 'nothing'}")
    try:
        return COCO(content)
    except (KeyError, TypeError) as error:
        raise DataError(f"{annotations}: {FORMAT}; {type(error).__name__} {error}") from None


def _photograph(coco: Any, record: dict[str, Any], folder: Path, names: dict[int, str]) -> GroundTruth:
    objects = coco.imgToAnns.get(record["id"], [])
    boxes = np.array([one["bbox"] for one in objects], dtype=np.float64).reshape(-1, 4)  # x, y, width, height
    boxes[:, 2:] += boxes[:, :2]
    return GroundTruth(
        file=folder / record["file_name"],
        boxes=boxes,
        class_names=tuple(names[int(one["category_id"])] for one in objects),
        crowd=np.array([bool(one.get("iscrowd", 0)) for one in objects], dtype=bool),
        masks=_masks(coco, record, objects),
        source=str(record.get("source", "")),
    )


def _masks(coco: Any, record: dict[str, Any], objects: list[dict[str, Any]]) -> tuple[Mask | None, ...]:
    """Polygons or run lengths as masks; none where the photograph's record lacks its size, which masks need."""
    has_size = all(record.get(side) for side in ("height", "width"))
    if not has_size or not any(one.get("segmentation") for one in objects):
        return ()
    height, width = int(record["height"]), int(record["width"])
    encoded = [coco.annToRLE(one) if one.get("segmentation") else None for one in objects]
    return tuple(None if rle is None else Mask(height, width, _bytes(rle["counts"])) for rle in encoded)


def _bytes(counts: bytes | str) -> bytes:
    """Compressed run lengths as bytes; they are a string where the JSON file itself holds them."""
    return counts.encode() if isinstance(counts, str) else bytes(counts)
