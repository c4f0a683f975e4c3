"""True boxes of photographs, in the formats that data sets come in: one file and one line of the table each."""

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
"""Format to its reader ``(annotations, images or None) -> DataSet``, imported when it is first asked for."""

ENDINGS = {".json": "coco", ".yaml": "yolo", ".yml": "yolo"}


def read_data_set(annotations: str | Path, images: str | Path | None = None, *,
                  format: str | Callable[[Path, Path | None], DataSet] | None = None, partial: bool = False) -> DataSet:
    """Read photographs with their true boxes.

    Args:
        annotations: COCO's ``instances.json``, YOLO's ``data.yaml``, or Pascal VOC's folder: of XML files, or the one
            that holds ``Annotations`` and ``JPEGImages``.
        images: the folder of photographs; None takes the format's own place.
        format: a name of :data:`FORMATS`, or a reader itself; None goes by the file's ending, or by what
            the folder holds.
        partial: leave out photographs that the annotations list and the folder lacks, as long as it has any of them.

    Raises:
        DataError: no such format, the annotations or photographs are not as that format has them, or photographs are
            lacking.
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
    there = tuple(each for each in data.photographs if each.file.is_file())
    if len(there) < len(data) and not (partial and there):
        lacking = next(each.file for each in data.photographs if not each.file.is_file())
        raise DataError(f"{lacking.parent}: lacks {len(data) - len(there)} of the {len(data)} photographs that {path} "
                        f"lists, {lacking.name} first")
    return replace(data, photographs=there)


def _format_of(path: Path) -> str:
    """The format of a file by its ending, of a folder by what it holds."""
    if path.is_dir():
        if is_voc(path):
            return "voc"
        raise DataError(f"{path}: holds neither XML files nor Annotations, so it is no Pascal VOC data set; for "
                        f"another format give its file ({', '.join(ENDINGS)})")
    if path.suffix.lower() not in ENDINGS:
        raise DataError(f"{path}: cannot tell its format by its ending; expected one of {', '.join(ENDINGS)}, or the "
                        "folder of a Pascal VOC data set")
    return ENDINGS[path.suffix.lower()]
