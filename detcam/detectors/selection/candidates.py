"""Pairs of a row and a label: what a detector selects from. An SSD may keep one row under two labels."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True)
class Pairs:
    """Pairs of a row and a label, in the order in which the library has them.

    Attributes:
        rows, labels: ``[P]`` indices.
        scores: ``[P]`` probabilities.
    """

    rows: Tensor
    labels: Tensor
    scores: Tensor

    def __len__(self) -> int:
        return len(self.scores)

    def __getitem__(self, index: Tensor) -> "Pairs":
        return Pairs(self.rows[index], self.labels[index], self.scores[index])

    def find(self, row: int, label: int) -> int | None:
        """Where a pair is, or None."""
        found = torch.where((self.rows == row) & (self.labels == label))[0]
        return int(found[0]) if len(found) else None

    def pair(self, index: int) -> tuple[int, int]:
        """The row and the label at ``index``."""
        return int(self.rows[index]), int(self.labels[index])


def every_pair(scores: Tensor, labels: Sequence[int]) -> Pairs:
    """All rows under each of some labels, row after row; ``scores`` are ``[A, C]``."""
    chosen = torch.tensor(list(labels), device=scores.device)
    rows = torch.arange(len(scores), device=scores.device)
    return Pairs(rows.repeat_interleave(len(chosen)), chosen.repeat(len(scores)), scores[:, chosen].flatten())


def classes_of(pairs: Pairs) -> int:
    """How many labels each row has in the pairs of :func:`every_pair`."""
    return int((pairs.rows == pairs.rows[0]).sum())
