"""What a detector says before any suppression, still differentiable, level by level."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from detcam.errors import InputError
from detcam.imaging.boxes import EDGES
from detcam.imaging.grid import Grid

Same = TypeVar("Same", bound="Prediction")


@dataclass(frozen=True)
class Level:
    """One feature level of the head: its raw output maps, on the autograd graph.

    Attributes:
        logits: class logits ``[B, n * C, h, w]`` for ``n`` rows a cell and ``C`` columns of logits a row.
        regression: raw box outputs ``[B, n * R, h, w]``, ``R`` of them a row.
        per_cell: ``n``, how many rows a cell has (SSD's default boxes; 1 for YOLO).
        start: the index of the level's first row among all ``A`` rows.
        grid: where the level's cells lie on the canvas, in canvas pixels.
    """

    logits: Tensor
    regression: Tensor
    per_cell: int
    start: int
    grid: Grid

    @property
    def shape(self) -> tuple[int, int]:
        """Height and width of the level in cells."""
        return int(self.logits.shape[-2]), int(self.logits.shape[-1])

    @property
    def rows(self) -> int:
        """How many rows the level has: ``h * w * n``."""
        return self.shape[0] * self.shape[1] * self.per_cell

    def cell(self, row: int) -> tuple[int, int, int]:
        """The cell ``(y, x)`` of a row of this level, and the row's index ``k`` in the cell: ``(y, x, k)``."""
        cell, k = divmod(row - self.start, self.per_cell)
        return (*divmod(cell, self.shape[1]), k)


@dataclass(frozen=True)
class Prediction:
    """Everything a model says about a batch of ``B`` canvases, before threshold and suppression.

    A *row* is an index into the ``A`` raw boxes of an image: ``row = start + (y * w + x) * n + k`` within its
    level. Nothing here is re-matched: a row keeps its meaning on every noisy or masked copy of the canvas.

    Attributes:
        boxes: ``[B, A, 4]`` xyxy canvas pixels, detached, not clipped.
        scores: ``[B, A, C]`` probabilities, detached, one column a class (background too where there is one).
        levels: the raw maps to differentiate; none for families without levels.
        activate: logits ``[..., C]`` to probabilities ``[..., C]``.
        decode: raw box outputs ``[N, R]`` and their rows ``[N]`` to boxes ``[N, 4]`` xyxy canvas pixels.
        spread: raw box outputs ``[N, R]`` and rows ``[N]`` to each edge's standard deviation ``[N, 4]`` in canvas
            pixels, for heads that predict a distribution (DFL); None for the others.
    """

    boxes: Tensor
    scores: Tensor
    levels: tuple[Level, ...]
    activate: Callable[[Tensor], Tensor]
    decode: Callable[[Tensor, Tensor], Tensor]
    spread: Callable[[Tensor, Tensor], Tensor] | None = None

    def of_image(self: Same, image: int) -> Same:
        """The prediction for one image of the batch alone, by its index, as if it had been asked alone.

        A subclass with further tensors takes the image's part of those too.
        """
        only = slice(image, image + 1)
        levels = tuple(replace(level, logits=level.logits[only], regression=level.regression[only])
                       for level in self.levels)
        return replace(self, boxes=self.boxes[only], scores=self.scores[only], levels=levels)

    def level_of(self, row: int) -> int:
        """The index of the level that a row belongs to; -1 where there are no levels.

        Raises:
            IndexError: there is no such row.
        """
        if not self.levels:
            return -1
        for i, level in enumerate(self.levels):
            if level.start <= row < level.start + level.rows:
                return i
        raise IndexError(f"row {row} is outside the {self.boxes.shape[1]} rows of this prediction")

    def cell_of(self, row: int) -> tuple[int, int]:
        """The cell ``(y, x)`` of its level that a row belongs to; -1 and -1 where there are no levels."""
        if not self.levels:
            return -1, -1
        return self.levels[self.level_of(row)].cell(row)[:2]

    def rows_at(self, level: int) -> Tensor:
        """The rows of image 0 that belong to a level, by its index, ``[N]``."""
        first = self.levels[level].start
        return torch.arange(first, first + self.levels[level].rows, device=self.scores.device)

    def box_of(self, row: int) -> Tensor:
        """A row's box in image 0, ``[4]`` xyxy canvas pixels, detached: to the last digit the edges of :meth:`edge`."""
        return self.boxes[0, row]

    def scores_of(self, label: int) -> Tensor:
        """Every row's probability of one class, ``[B, A]``, detached."""
        return self.scores[..., label]

    def profiles(self, rows: Tensor, labels: Sequence[int]) -> Tensor:
        """The probabilities of some classes at some rows of image 0, ``[N, L]``, detached."""
        return self.scores[0, rows][:, list(labels)]

    def boxes_and_scores(self, labels: Sequence[int]) -> Iterator[tuple[Tensor, Tensor]]:
        """All boxes ``[R, 4]`` xyxy canvas pixels of each image, and their probabilities of some classes ``[R, L]``."""
        return zip(self.boxes, self.scores[..., list(labels)], strict=True)

    def candidates(self, labels: Sequence[int]) -> tuple[Tensor, Tensor, Tensor]:
        """The rows ``[R]`` of image 0 that some classes may be detected in, with scores and labels ``[R, L]``."""
        scores = self.scores[0][:, list(labels)]
        return (torch.arange(len(scores), device=scores.device), scores,
                torch.tensor(list(labels), device=scores.device).expand_as(scores))

    def class_logits(self, row: int) -> Tensor:
        """A row's logits of all classes in every image, ``[B, C]``, read from its own level's map, on the graph."""
        level = self.levels[self.level_of(row)]
        return self._read(level.logits, level, row)

    def logit(self, row: int, label: int) -> Tensor:
        """A row's logit of one class in every image, ``[B]``, on the graph."""
        return self.class_logits(row)[:, label]

    def probability(self, row: int, label: int) -> Tensor:
        """A row's probability of one class in every image, ``[B]``, on the graph."""
        return self.activate(self.class_logits(row))[:, label]

    def edge(self, row: int, edge: str) -> Tensor:
        """One decoded edge of a row's box in every image, ``[B]``, canvas pixels, unclipped, on the graph."""
        raw = self.box_outputs(row)
        rows = torch.full((raw.shape[0],), row, device=raw.device)
        return self.decode(raw, rows)[:, EDGES.index(edge)]

    def box_outputs(self, row: int) -> Tensor:
        """A row's raw box outputs in every image, ``[B, R]``, on the graph; ``decode`` makes boxes of them."""
        level = self.levels[self.level_of(row)]
        return self._read(level.regression, level, row)

    def objectness(self, row: int) -> Tensor:
        """The logit of a row being an object of any class at all, in every image, ``[B]``, on the graph.

        Raises:
            InputError: the family's heads have no objectness.
        """
        raise InputError("target 'objectness': this detector's head has none; use 'logit'")

    def edge_spread(self, rows: Sequence[int]) -> NDArray[np.float64] | None:
        """Standard deviation of each edge of some rows of image 0, ``[N, 4]`` canvas pixels.

        None for heads that predict no distribution.
        """
        if self.spread is None:
            return None
        if not rows:
            return np.zeros((0, 4))
        with torch.no_grad():
            raw = torch.stack([self.box_outputs(row)[0] for row in rows])
            return self.spread(raw, torch.tensor(list(rows), device=raw.device)).cpu().double().numpy()

    @staticmethod
    def _read(values: Tensor, level: Level, row: int) -> Tensor:
        y, x, k = level.cell(row)
        width = values.shape[1] // level.per_cell
        return values[:, k * width : (k + 1) * width, y, x]


def flatten_rows(maps: Sequence[Tensor], per_cell: Sequence[int]) -> Tensor:
    """Maps ``[B, n * C, h, w]`` of all levels as one table of rows ``[B, A, C]``, in the order of rows.

    Args:
        maps: one a level.
        per_cell: ``n`` of each level, how many rows a cell has.
    """
    tables = []
    for values, n in zip(maps, per_cell, strict=True):
        batch, channels, height, width = values.shape
        table = values.reshape(batch, n, channels // n, height, width).permute(0, 3, 4, 1, 2)
        tables.append(table.reshape(batch, height * width * n, channels // n))
    return torch.cat(tables, 1)
