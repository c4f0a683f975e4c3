"""The ground truth of a photograph: its annotated boxes, classes and masks."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from PIL import Image as PilImage

from detcam.errors import DataError
from detcam.imaging.decode import upright_size
from detcam.imaging.file_types import SUFFIXES


@dataclass(frozen=True)
class Mask:
    """An object's pixels, run-length encoded in COCO's way.

    Attributes:
        height, width: of the photograph, source pixels.
        counts: COCO's compressed run lengths.
    """

    height: int
    width: int
    counts: bytes

    @classmethod
    def of_pixels(cls, pixels: ArrayLike) -> "Mask":
        """The mask of ``[height, width]`` pixels, True on the object."""
        encoded = _library().encode(np.asarray(pixels, dtype=np.uint8))
        height, width = encoded["size"]
        return cls(int(height), int(width), bytes(encoded["counts"]))

    @classmethod
    def of_polygon(cls, points: NDArray[np.floating], height: int, width: int) -> "Mask":
        """The mask of a polygon with corners ``[N, 2]``, x and y in source pixels, clipped to the photograph."""
        (encoded,) = _library().frPyObjects([np.asarray(points, np.float64).ravel().tolist()], height, width)
        return cls(height, width, bytes(encoded["counts"]))

    def decode(self) -> NDArray[np.bool_]:
        """The pixels ``[height, width]``, True on the object."""
        decoded = _library().decode({"size": [self.height, self.width], "counts": self.counts})
        return np.asarray(decoded, dtype=bool)


def _library() -> Any:
    """COCO's mask functions, an optional dependency."""
    try:
        from faster_coco_eval.core import mask
    except ImportError:
        raise DataError("masks and polygons need faster-coco-eval: pip install 'detcam[data]', or '.[data]' in a "
                        "clone") from None
    return mask


@dataclass(frozen=True)
class GroundTruth:
    """The true boxes of one photograph.

    Attributes:
        file: the photograph.
        boxes: ``[N, 4]`` xyxy, source pixels, float64.
        class_names: the class of each box, by name.
        crowd: ``[N]`` True for a box around a crowd instead of one object: it counts as neither found nor missed.
        masks: the mask of each object, None for one without; empty if the annotations have no masks.
        source: where the photograph comes from, if the annotations say so; otherwise empty.
        difficult: ``[N]`` True for an object that the annotations mark as difficult: it counts as neither found nor
            missed.
    """

    file: Path
    boxes: NDArray[np.float64]
    class_names: tuple[str, ...]
    crowd: NDArray[np.bool_]
    masks: tuple[Mask | None, ...] = ()
    source: str = ""
    difficult: NDArray[np.bool_] = field(default_factory=lambda: np.zeros(0, bool))

    def __post_init__(self) -> None:
        if not len(self.difficult):  # not given: none is difficult
            object.__setattr__(self, "difficult", np.zeros(len(self.boxes), bool))

    def __len__(self) -> int:
        return len(self.boxes)

    def __getitem__(self, index: Sequence[int] | NDArray[Any]) -> "GroundTruth":
        """Some of the boxes: their indices, or ``[N]`` booleans, True for those to keep."""
        chosen = np.arange(len(self))[index]
        return replace(self, boxes=self.boxes[chosen], class_names=tuple(self.class_names[i] for i in chosen),
                       crowd=self.crowd[chosen], difficult=self.difficult[chosen],
                       masks=tuple(self.masks[i] for i in chosen) if self.masks else ())

    def of_class(self, name: str) -> "GroundTruth":
        """The boxes of one class."""
        return self[np.array([class_name == name for class_name in self.class_names], bool)]


@dataclass(frozen=True)
class DataSet:
    """Photographs with their true boxes.

    Attributes:
        photographs: one entry for each photograph, with or without boxes.
        class_names: every class of the annotations.
    """

    photographs: tuple[GroundTruth, ...]
    class_names: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.photographs)


def photographs_in(folder: Path) -> list[Path]:
    """The photographs in a folder, sorted by name."""
    return sorted(path for path in folder.iterdir() if path.suffix.lower() in SUFFIXES)


def photograph_size(file: Path) -> tuple[int, int]:
    """Width and height of a photograph with its EXIF orientation applied, pixels, read from its header alone.

    Raises:
        DataError: the header cannot be read.
    """
    try:
        with PilImage.open(file) as opened:
            height, width = upright_size(opened)
            return width, height
    except (OSError, SyntaxError, ValueError, PilImage.DecompressionBombError) as error:
        raise DataError(f"{file}: its size cannot be read ({error})") from None
