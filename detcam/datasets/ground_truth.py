"""What is truly on a photograph: the boxes that people drew."""

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
    """An object's pixels, run-length encoded as COCO does: ``height`` and ``width`` of the photograph, ``counts``."""

    height: int
    width: int
    counts: bytes

    @classmethod
    def of_pixels(cls, pixels: ArrayLike) -> "Mask":
        """From ``[height, width]``, True on the object."""
        encoded = _library().encode(np.asarray(pixels, dtype=np.uint8))
        height, width = encoded["size"]
        return cls(int(height), int(width), bytes(encoded["counts"]))

    @classmethod
    def of_polygon(cls, points: NDArray[np.floating], height: int, width: int) -> "Mask":
        """From corners ``[N, 2]`` (x, y) in pixels; what lies outside the photograph is cut off."""
        (encoded,) = _library().frPyObjects([np.asarray(points, np.float64).ravel().tolist()], height, width)
        return cls(height, width, bytes(encoded["counts"]))

    def decode(self) -> NDArray[np.bool_]:
        """``[height, width]``, True on the object."""
        decoded = _library().decode({"size": [self.height, self.width], "counts": self.counts})
        return np.asarray(decoded, dtype=bool)


def _library() -> Any:
    """COCO's mask functions, an extra."""
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
        class_names: each box's class, in words.
        crowd: ``[N]`` True where the box holds a crowd instead of one object: neither found nor missed.
        masks: each object's pixels, None where the annotations do not say; empty where none of them does.
        source: where the annotations say the photograph comes from, or nothing.
        difficult: ``[N]`` True where the annotations call the object too hard to ask for: neither found nor missed.
    """

    file: Path
    boxes: NDArray[np.float64]
    class_names: tuple[str, ...]
    crowd: NDArray[np.bool_]
    masks: tuple[Mask | None, ...] = ()
    source: str = ""
    difficult: NDArray[np.bool_] = field(default_factory=lambda: np.zeros(0, bool))

    def __post_init__(self) -> None:
        if not len(self.difficult):  # not said: none is
            object.__setattr__(self, "difficult", np.zeros(len(self.boxes), bool))

    def __len__(self) -> int:
        return len(self.boxes)

    def __getitem__(self, index: Sequence[int] | NDArray[Any]) -> "GroundTruth":
        """Some of the boxes: their numbers, or ``[N]`` True for those that stay."""
        chosen = np.arange(len(self))[index]
        return replace(self, boxes=self.boxes[chosen], class_names=tuple(self.class_names[i] for i in chosen),
                       crowd=self.crowd[chosen], difficult=self.difficult[chosen],
                       masks=tuple(self.masks[i] for i in chosen) if self.masks else ())

    def of_class(self, name: str) -> "GroundTruth":
        """The boxes of one class."""
        return self[np.array([each == name for each in self.class_names], bool)]


@dataclass(frozen=True)
class DataSet:
    """Photographs with their true boxes.

    Attributes:
        photographs: one entry a photograph, those without any box too.
        class_names: every class that the annotations know.
    """

    photographs: tuple[GroundTruth, ...]
    class_names: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.photographs)


def photographs_in(folder: Path) -> list[Path]:
    """The photographs in a folder, by name."""
    return sorted(path for path in folder.iterdir() if path.suffix.lower() in SUFFIXES)


def photograph_size(file: Path) -> tuple[int, int]:
    """Width and height of the upright photograph, pixels, from its header alone.

    Raises:
        DataError: it cannot be read.
    """
    try:
        with PilImage.open(file) as opened:
            height, width = upright_size(opened)
            return width, height
    except (OSError, SyntaxError, ValueError, PilImage.DecompressionBombError) as error:
        raise DataError(f"{file}: its size cannot be read ({error})") from None
