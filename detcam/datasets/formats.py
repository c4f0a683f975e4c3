"""The table of data set formats: one file and one line each."""

from collections.abc import Callable
from dataclasses import replace
from importlib import import_module
from pathlib import Path

from detcam.datasets.ground_truth import DataSet, GroundTruth, Mask
from detcam.datasets.voc import is_voc
from detcam.errors import DataError, near

__all__ = ["FORMATS", "DataSet", "GroundTruth", "Mask", "read_data_set"]

FORMATS = {
    "coco": "detcam.datasets.coco:read_coco",
    "voc": "detcam.datasets.voc:read_voc",
    "yolo": "detcam.datasets.yolo:read_yolo",
}
"""Format name to its reader ``(annotations, images or None) -> DataSet``, imported when it is first used."""

ENDINGS = {".json": "coco", ".yaml": "yolo", ".yml": "yolo"}


def read_data_set(annotations: str | Path, images: str | Path | None = None, *,
                  format: str | Callable[[Path, Path | None], DataSet] | None = None, partial: bool = False) -> DataSet:
    """Read a data set: photographs with their true boxes.

    Args:
        annotations: COCO's ``instances.json``, YOLO's ``data.yaml``, or a Pascal VOC folder: the one with the XML
            files, or the one that holds ``Annotations`` and ``JPEGImages``.
        images: the folder of photographs; None takes the format's usual one.
        format: a name in :data:`FORMATS`, or a reader itself; None chooses by the file's ending, or by what the folder
            holds.
        partial: leave out photographs that are listed in the annotations but missing from the folder, instead of
            raising an error. At least one must be there.

    Raises:
        DataError: the format is unknown, the annotations or photographs do not follow it, or photographs are missing.
    """
    path = Path(annotations)
    if format is None:
        format = _format_of(path)
    if isinstance(format, str):
        if format not in FORMATS:
            raise DataError(f"unknown data set format {format!r}: {near(format, FORMATS)}")
        module, _, name = FORMATS[format].partition(":")
        format = getattr(import_module(module), name)
    assert callable(format)
    data = format(path, None if images is None else Path(images))
    there = tuple(truth for truth in data.photographs if truth.file.is_file())
    if len(there) < len(data) and not (partial and there):
        missing = next(truth.file for truth in data.photographs if not truth.file.is_file())
        raise DataError(f"{missing.parent}: lacks {len(data) - len(there)} of the {len(data)} photographs that {path} "
                        f"lists, {missing.name} first")
    return replace(data, photographs=there)


def _format_of(path: Path) -> str:
    """The format of a file by its ending, of a folder by its contents."""
    if path.is_dir():
        if is_voc(path):
            return "voc"
        raise DataError(f"{path}: holds neither XML files nor Annotations, so it is no Pascal VOC data set; for "
                        f"another format give its file ({', '.join(ENDINGS)})")
    if path.suffix.lower() not in ENDINGS:
        raise DataError(f"{path}: cannot tell its format by its ending; expected one of {', '.join(ENDINGS)}, or the "
                        "folder of a Pascal VOC data set")
    return ENDINGS[path.suffix.lower()]
