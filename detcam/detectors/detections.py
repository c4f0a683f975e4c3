"""The boxes that survive a detector's threshold and suppression, each with the row it came from."""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Detections:
    """What a detector reports for one photograph. Index it once and every field follows.

    Attributes:
        boxes: ``[N, 4]`` xyxy, source pixels, float64.
        labels: ``[N]`` class labels, keys of ``Detector.class_names``.
        scores: ``[N]`` probabilities, 0..1.
        rows: ``[N]`` each detection's row in the raw prediction. ``(row, label)`` is the key of a detection: a
            suppression per class can keep one row under two labels. -1 where the row is not known.
        levels: ``[N]`` the index of the feature level that each row belongs to; -1 where there are no levels.
        cells: ``[N, 2]`` the cell ``(y, x)`` of its level that each row belongs to; -1 where there are no levels.
    """

    boxes: NDArray[np.float64]
    labels: NDArray[np.int64]
    scores: NDArray[np.float64]
    rows: NDArray[np.int64]
    levels: NDArray[np.int64]
    cells: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.scores)

    def __getitem__(self, index: slice | Sequence[int] | NDArray[Any]) -> "Detections":
        """The detections at ``index`` (a slice, indices or a mask), in that order."""
        if isinstance(index, Sequence):
            index = np.asarray(index, dtype=np.int64)
        return Detections(**{field.name: getattr(self, field.name)[index] for field in fields(self)})
