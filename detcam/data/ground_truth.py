"""What is truly on a photograph: the boxes that people drew."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from detcam.imaging.image import SUFFIXES


@dataclass(frozen=True)
class Mask:
    """An object's pixels, run-length encoded as COCO does: ``height`` and ``width`` of the photograph, ``counts``."""

    height: int
    width: int
    counts: bytes

    def decode(self) -> NDArray[np.bool_]:
        """``[height, width]``, True on the object."""
        from faster_coco_eval.core import mask  # an extra: who has masks read them with it

        decoded: Any = mask.decode({"size": [self.height, self.width], "counts": self.counts})
        return np.asarray(decoded, dtype=bool)


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
    """

    file: Path
    boxes: NDArray[np.float64]
    class_names: tuple[str, ...]
    crowd: NDArray[np.bool_]
    masks: tuple[Mask | None, ...] = ()
    source: str = ""

    def __len__(self) -> int:
        return len(self.boxes)

    def __getitem__(self, index: Sequence[int] | NDArray[Any]) -> "GroundTruth":
        """Some of the boxes: their numbers, or ``[N]`` True for those that stay."""
        chosen = np.arange(len(self))[index]
        return replace(self, boxes=self.boxes[chosen], class_names=tuple(self.class_names[i] for i in chosen),
                       crowd=self.crowd[chosen], masks=tuple(self.masks[i] for i in chosen) if self.masks else ())

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
