"""The steps of which libraries' selections are made: what each keeps, and why it drops what it drops."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Protocol

import torch
from torch import Tensor

from detcam.detectors.selection.candidates import Pairs, classes_of
from detcam.detectors.selection.drop_reason import CLASS, MASK, MOST, SCORE, SMALL, SUPPRESSED, TOP, DropReason


class Step(Protocol):
    """One step of a selection."""

    def keep(self, pairs: Pairs) -> Tensor:
        """Indices ``[K]`` of the pairs that are kept, in the order in which the next step takes them."""

    def drop_reason(self, pairs: Pairs, index: int, kept: Tensor) -> DropReason:
        """Why the pair at ``index`` is not among those ``kept``, the indices ``[K]`` that :meth:`keep` gives."""

    def relaxed(self, reason: DropReason, pair: tuple[int, int]) -> "Step | None":
        """The step with its limit moved just far enough for a dropped pair, a row and a label; None where none is."""


@dataclass(frozen=True)
class BestClass:
    """Each row keeps its best class alone.

    Attributes:
        spared: a pair, row and label, that is kept in place of its row's best class.
    """

    spared: tuple[int, int] | None = None

    def _winners(self, pairs: Pairs) -> Tensor:
        """The index of each row's best pair, ``[A]``: pairs are row after row, with the same labels in each."""
        classes = classes_of(pairs)
        best = pairs.scores.view(-1, classes).max(1)[1]
        return best + classes * torch.arange(len(best), device=best.device)

    def keep(self, pairs: Pairs) -> Tensor:
        kept = self._winners(pairs)
        if self.spared is None:
            return kept
        spared = pairs.find(*self.spared)
        return torch.cat([kept[pairs.rows[kept] != self.spared[0]], kept.new_tensor([spared])])

    def drop_reason(self, pairs: Pairs, index: int, kept: Tensor) -> DropReason:
        winner = int(kept[pairs.rows[kept] == pairs.rows[index]][0])
        return DropReason(CLASS, float(pairs.scores[index]), float(pairs.scores[winner]), pairs.pair(winner))

    def relaxed(self, reason: DropReason, pair: tuple[int, int]) -> "BestClass":
        return replace(self, spared=pair)


@dataclass(frozen=True)
class Score:
    """Pairs with a score above a threshold.

    Attributes:
        above: the threshold, 0..1.
    """

    above: float

    def keep(self, pairs: Pairs) -> Tensor:
        return torch.where(pairs.scores > self.above)[0]

    def drop_reason(self, pairs: Pairs, index: int, kept: Tensor) -> DropReason:
        return DropReason(SCORE, float(pairs.scores[index]), self.above)

    def relaxed(self, reason: DropReason, pair: tuple[int, int]) -> "Score":
        return Score(just_below(reason.value))


@dataclass(frozen=True)
class Small:
    """Pairs whose box has no side that is too short.

    Attributes:
        boxes: ``[A, 4]`` xyxy canvas pixels of all rows, as the library compares them.
        side: the shortest side that is kept, canvas pixels.
    """

    boxes: Tensor
    side: float

    def keep(self, pairs: Pairs) -> Tensor:
        from torchvision.ops import remove_small_boxes  # imported late: torchvision sets environment variables

        return remove_small_boxes(self.boxes[pairs.rows], self.side)

    def drop_reason(self, pairs: Pairs, index: int, kept: Tensor) -> DropReason:
        x1, y1, x2, y2 = self.boxes[pairs.rows[index]].tolist()
        return DropReason(SMALL, min(x2 - x1, y2 - y1), self.side)

    def relaxed(self, reason: DropReason, pair: tuple[int, int]) -> "Small":
        return replace(self, side=-1.0)


def just_below(score: float) -> float:
    """The threshold that a float32 score passes and no lower float32 score does."""
    return float(torch.nextafter(torch.tensor(score, dtype=torch.float32), torch.tensor(-1.0)))


def rank_of(scores: Tensor, score: Tensor) -> int:
    """How many of ``scores`` ``[P]`` are at least as high as one of them: its rank from 1, ties counted against it."""
    return int((scores >= score).sum())


@dataclass(frozen=True)
class Top:
    """The best pairs of all, or of each class.

    Attributes:
        most: how many at most.
        labels: the classes in the library's order; None for the best pairs of all classes together.
        if_more: whether pairs keep their order where there are not more than ``most``.
    """

    most: int
    labels: tuple[int, ...] | None = None
    if_more: bool = False

    def keep(self, pairs: Pairs) -> Tensor:
        if self.if_more and len(pairs) <= self.most:
            return torch.arange(len(pairs), device=pairs.scores.device)
        if self.labels is None:
            return pairs.scores.topk(min(self.most, len(pairs)))[1]
        kept = [torch.zeros(0, dtype=torch.long, device=pairs.scores.device)]
        for label in self.labels:
            of_class = torch.where(pairs.labels == label)[0]
            kept.append(of_class[pairs.scores[of_class].topk(min(self.most, len(of_class)))[1]])
        return torch.cat(kept)

    def drop_reason(self, pairs: Pairs, index: int, kept: Tensor) -> DropReason:
        rivals = pairs.scores if self.labels is None else pairs.scores[pairs.labels == pairs.labels[index]]
        return DropReason(TOP, rank_of(rivals, pairs.scores[index]), self.most)

    def relaxed(self, reason: DropReason, pair: tuple[int, int]) -> "Top":
        return replace(self, most=int(reason.value))


@dataclass(frozen=True)
class TopOfLevels(Top):
    """The best pairs of each feature level, level after level.

    Attributes:
        starts: the index of each level's first row.
    """

    starts: tuple[int, ...] = (0,)

    def _levels(self, pairs: Pairs) -> Tensor:
        """The index of each pair's level, ``[P]``."""
        starts = torch.tensor(self.starts, device=pairs.rows.device)
        return torch.searchsorted(starts, pairs.rows, right=True) - 1

    def keep(self, pairs: Pairs) -> Tensor:
        levels = self._levels(pairs)
        kept = []
        for level in range(len(self.starts)):
            of_level = torch.where(levels == level)[0]
            kept.append(of_level[pairs.scores[of_level].topk(min(self.most, len(of_level)))[1]])
        return torch.cat(kept)

    def drop_reason(self, pairs: Pairs, index: int, kept: Tensor) -> DropReason:
        levels = self._levels(pairs)
        return DropReason(TOP, rank_of(pairs.scores[levels == levels[index]], pairs.scores[index]), self.most)


@dataclass(frozen=True)
class TopOfRows(Top):
    """The best pairs of the best rows, at most ``most`` of both: what an end-to-end YOLO head does.

    But for ties these are the best of all pairs: one of those cannot lie in a row that ``most`` rows beat.
    """

    def keep(self, pairs: Pairs) -> Tensor:
        table = pairs.scores.view(-1, classes_of(pairs))
        rows = table.max(1)[0].topk(min(self.most, len(table)))[1]
        best = table[rows].flatten().topk(min(self.most, len(table)))[1]
        return rows[best // table.shape[1]] * table.shape[1] + best % table.shape[1]

    def relaxed(self, reason: DropReason, pair: tuple[int, int]) -> Top:
        return Top(int(reason.value))


@dataclass(frozen=True)
class Suppression:
    """Greedy non-maximum suppression, best score first, within each class.

    Attributes:
        boxes: ``[A, 4]`` xyxy canvas pixels of all rows, as the library compares them.
        iou: a box whose IoU with a better one is above this is dropped.
        offset: by how many canvas pixels the library moves the classes apart, so that they do not suppress each other;
            None where torchvision's batched NMS does that, 0 where boxes of all classes suppress each other.
    """

    boxes: Tensor
    iou: float
    offset: float | None = None

    def keep(self, pairs: Pairs) -> Tensor:
        from torchvision.ops import batched_nms, nms  # imported late: torchvision sets environment variables

        boxes = self.boxes[pairs.rows]
        if self.offset is None:
            return batched_nms(boxes, pairs.scores, pairs.labels, self.iou)
        return nms(boxes + pairs.labels[:, None].to(boxes) * self.offset, pairs.scores, self.iou)

    def drop_reason(self, pairs: Pairs, index: int, kept: Tensor) -> DropReason:
        from torchvision.ops import box_iou

        rivals = kept if self.offset == 0 else kept[pairs.labels[kept] == pairs.labels[index]]
        rivals = rivals[pairs.scores[rivals] >= pairs.scores[index]]
        boxes = self.boxes[pairs.rows]
        overlap = box_iou(boxes[index][None], boxes[rivals])[0]
        suppressing = torch.where(overlap > self.iou)[0]
        if not len(suppressing):  # rounding decided: with classes moved apart, coordinates have fewer digits
            suppressing = overlap.argmax()[None]
        first = suppressing[0]
        return DropReason(SUPPRESSED, float(overlap[first]), self.iou, pairs.pair(int(rivals[first])),
                          len(suppressing) - 1)

    def relaxed(self, reason: DropReason, pair: tuple[int, int]) -> None:
        return None


@dataclass(frozen=True)
class Most:
    """The first pairs.

    Attributes:
        most: how many at most.
    """

    most: int

    def keep(self, pairs: Pairs) -> Tensor:
        return torch.arange(min(self.most, len(pairs)), device=pairs.scores.device)

    def drop_reason(self, pairs: Pairs, index: int, kept: Tensor) -> DropReason:
        return DropReason(MOST, index + 1, self.most)

    def relaxed(self, reason: DropReason, pair: tuple[int, int]) -> "Most":
        return Most(int(reason.value))


@dataclass(frozen=True)
class Masked:
    """Pairs whose row has a mask with any pixel in it.

    Attributes:
        filled: from rows ``[N]`` to whether each has one, ``[N]``.
    """

    filled: Callable[[Tensor], Tensor]

    def keep(self, pairs: Pairs) -> Tensor:
        return torch.where(self.filled(pairs.rows))[0]

    def drop_reason(self, pairs: Pairs, index: int, kept: Tensor) -> DropReason:
        return DropReason(MASK, 0, 1)

    def relaxed(self, reason: DropReason, pair: tuple[int, int]) -> None:
        return None
