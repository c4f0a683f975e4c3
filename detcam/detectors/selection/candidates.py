"""Pairs of a row and a label, which are what a detector selects from: an SSD may keep one row under two labels."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True)
class Pairs:
    """Pairs of a row and a label, in the order in which the library has them.

    Attributes:
        rows: ``[P]`` indices of rows.
        labels: ``[P]`` class labels.
        scores: ``[P]`` probabilities, 0..1.
    """

    rows: Tensor
    labels: Tensor
    scores: Tensor

    def __len__(self) -> int:
        return len(self.scores)

    def __getitem__(self, index: Tensor) -> "Pairs":
        """The pairs at some indices ``[K]``, in that order."""
        return Pairs(self.rows[index], self.labels[index], self.scores[index])

    def find(self, row: int, label: int) -> int | None:
        """The index of a pair, or None where it is not among them."""
        places = torch.where((self.rows == row) & (self.labels == label))[0]
        return int(places[0]) if len(places) else None

    def pair(self, index: int) -> tuple[int, int]:
        """The row and the label at ``index``."""
        return int(self.rows[index]), int(self.labels[index])


def every_pair(scores: Tensor, labels: Sequence[int]) -> Pairs:
    """Every row under each of some labels, row after row.

    Args:
        scores: ``[A, C]`` probabilities, a column a class.
        labels: the columns.
    """
    columns = torch.tensor(list(labels), device=scores.device)
    rows = torch.arange(len(scores), device=scores.device)
    return Pairs(rows.repeat_interleave(len(columns)), columns.repeat(len(scores)), scores[:, columns].flatten())


def classes_of(pairs: Pairs) -> int:
    """How many labels each row has in pairs that :func:`every_pair` made."""
    return int((pairs.rows == pairs.rows[0]).sum())
