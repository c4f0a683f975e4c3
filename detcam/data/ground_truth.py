"""What is truly on a photograph: the boxes that people drew."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from detcam.imaging.image import SUFFIXES


@dataclass(frozen=True)
class GroundTruth:
    """The true boxes of one photograph.

    Attributes:
        file: the photograph.
        boxes: ``[N, 4]`` xyxy, source pixels, float64.
        class_names: each box's class, in words.
        crowd: ``[N]`` True where the box holds a crowd instead of one object: neither found nor missed.
    """

    file: Path
    boxes: NDArray[np.float64]
    class_names: tuple[str, ...]
    crowd: NDArray[np.bool_]

    def __len__(self) -> int:
        return len(self.boxes)

    def of_class(self, name: str) -> "GroundTruth":
        """The boxes of one class."""
        own = np.array([each == name for each in self.class_names], bool)
        return GroundTruth(self.file, self.boxes[own], (name,) * int(own.sum()), self.crowd[own])


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
