"""True boxes of photographs, in the formats that data sets come in: one file and one line of the table each."""

from collections.abc import Callable
from importlib import import_module
from pathlib import Path

from detcam.data.ground_truth import DataSet, GroundTruth, Mask
from detcam.errors import DataError, near

__all__ = ["FORMATS", "DataSet", "GroundTruth", "Mask", "read_data_set"]

FORMATS = {
    "coco": "detcam.data.coco:read_coco",
    "yolo": "detcam.data.yolo:read_yolo",
}
"""Format to its reader ``(annotations, images or None) -> DataSet``, imported when it is first asked for."""

ENDINGS = {".json": "coco", ".yaml": "yolo", ".yml": "yolo"}


def read_data_set(annotations: str | Path, images: str | Path | None = None, *,
                  format: str | Callable[[Path, Path | None], DataSet] | None = None) -> DataSet:
    """Read photographs with their true boxes.

    Args:
        annotations: COCO's ``instances.json`` or YOLO's ``data.yaml``.
        images: the folder of photographs; None takes the format's own place.
        format: a name of :data:`FORMATS`, or a reader itself; None goes by the file's ending.

    Raises:
        DataError: no such format, or the annotations or photographs are not as that format has them.
    """
    path = Path(annotations)
    if format is None:
        if path.suffix.lower() not in ENDINGS:
            raise DataError(f"{path}: cannot tell its format by its ending; expected one of {', '.join(ENDINGS)}")
        format = ENDINGS[path.suffix.lower()]
    if isinstance(format, str):
        if format not in FORMATS:
            raise DataError(f"unknown data set format {format!r}: {near(format, FORMATS)}")
        module, _, name = FORMATS[format].partition(":")
        format = getattr(import_module(module), name)
    assert callable(format)
    return format(path, None if images is None else Path(images))
