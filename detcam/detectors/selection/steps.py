"""The steps of which libraries' selections are made: what each keeps, and why it drops what it drops."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Protocol

import torch
from torch import Tensor

from detcam.detectors.selection.candidates import Pairs, classes_of

CLASS, SCORE, SMALL, TOP, SUPPRESSED, MOST, MASK = (
    "class", "score", "small", "top", "suppressed", "max detections", "empty mask")
KINDS = (CLASS, SCORE, SMALL, TOP, SUPPRESSED, MOST, MASK)
"""Why a pair is dropped: another class won its row, its score is too low, its box is too small, it is not among the
best that are taken, a better box suppressed it, there were enough detections without it, or its mask is empty."""


@dataclass(frozen=True)
class DropReason:
    """The step at which a pair was dropped, in numbers.

    Attributes:
        kind: one of ``KINDS``.
        value: what the pair has: its score (class, score), its box's shorter side in canvas pixels (small), its rank
            from 1, ties counted against it (top, max detections), its IoU with the winner (suppressed), or no pixel
            (empty mask).
        limit: what it would have taken: the winner's score, the threshold, the shortest side, how many are kept, the
            highest IoU, or one pixel.
        winner: row and label of what took its place: the class that won its row, or the box that suppressed it.
        others: how many more kept boxes would suppress it, were the winner not there.
    """

    kind: str
    value: float
    limit: float
    winner: tuple[int, int] | None = None
    others: int = 0


class Step(Protocol):
    """One step of a selection."""

    def keep(self, pairs: Pairs) -> Tensor:
        """Indices ``[K]`` of the pairs that stay, in the order that the next step sees."""

    def drop_reason(self, pairs: Pairs, index: int, kept: Tensor) -> DropReason:
        """Why the pair at ``index`` is not among the ``kept``."""

    def relaxed(self, reason: DropReason, pair: tuple[int, int]) -> "Step | None":
        """The step with its limit moved just so far that the pair passes; None where no number does that."""


@dataclass(frozen=True)
class BestClass:
    """Each row stands for its best class alone; ``spared`` is a pair that stays all the same."""

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
        own = pairs.find(*self.spared)
        return torch.cat([kept[pairs.rows[kept] != self.spared[0]], kept.new_tensor([own])])

    def drop_reason(self, pairs: Pairs, index: int, kept: Tensor) -> DropReason:
        winner = int(kept[pairs.rows[kept] == pairs.rows[index]][0])
        return DropReason(CLASS, float(pairs.scores[index]), float(pairs.scores[winner]), pairs.pair(winner))

    def relaxed(self, reason: DropReason, pair: tuple[int, int]) -> "BestClass":
        return replace(self, spared=pair)


@dataclass(frozen=True)
class Score:
    """Scores above a threshold."""

    above: float

    def keep(self, pairs: Pairs) -> Tensor:
        return torch.where(pairs.scores > self.above)[0]

    def drop_reason(self, pairs: Pairs, index: int, kept: Tensor) -> DropReason:
        return DropReason(SCORE, float(pairs.scores[index]), self.above)

    def relaxed(self, reason: DropReason, pair: tuple[int, int]) -> "Score":
        return Score(just_below(reason.value))


@dataclass(frozen=True)
class Small:
    """Boxes whose sides are not too short.

    Attributes:
        boxes: ``[A, 4]`` xyxy canvas pixels, as the library compares them.
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
    """A threshold that a float32 score passes, and no lower float32 score does."""
    return float(torch.nextafter(torch.tensor(score, dtype=torch.float32), torch.tensor(-1.0)))


def rank_of(scores: Tensor, score: Tensor) -> int:
    """How many scores are at least as high: taking so many is sure to take it."""
    return int((scores >= score).sum())


@dataclass(frozen=True)
class Top:
    """The best pairs, of all or of each class.

    Attributes:
        most: how many.
        labels: the classes in the library's order; None for the best of all.
        if_more: whether the pairs stay in their order where there are not more than that.
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
            own = torch.where(pairs.labels == label)[0]
            kept.append(own[pairs.scores[own].topk(min(self.most, len(own)))[1]])
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
        starts: each level's first row.
    """

    starts: tuple[int, ...] = (0,)

    def _levels(self, pairs: Pairs) -> Tensor:
        """The level of each pair, ``[P]``."""
        starts = torch.tensor(self.starts, device=pairs.rows.device)
        return torch.searchsorted(starts, pairs.rows, right=True) - 1

    def keep(self, pairs: Pairs) -> Tensor:
        levels = self._levels(pairs)
        kept = []
        for level in range(len(self.starts)):
            own = torch.where(levels == level)[0]
            kept.append(own[pairs.scores[own].topk(min(self.most, len(own)))[1]])
        return torch.cat(kept)

    def drop_reason(self, pairs: Pairs, index: int, kept: Tensor) -> DropReason:
        levels = self._levels(pairs)
        return DropReason(TOP, rank_of(pairs.scores[levels == levels[index]], pairs.scores[index]), self.most)


@dataclass(frozen=True)
class TopOfRows(Top):
    """The best pairs of the best rows, as many rows as pairs: what an end-to-end YOLO head does.

    But for ties these are the best of all pairs: one of them cannot lie in a row that so many rows beat.
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
        boxes: ``[A, 4]`` xyxy canvas pixels, as the library compares them.
        iou: boxes that overlap a better one by more than this go.
        offset: by how many pixels the library moves each class apart; None where torchvision's batched NMS does it,
            0 where boxes of all classes suppress each other.
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
        over = torch.where(overlap > self.iou)[0]
        if not len(over):  # rounding decided: with classes moved apart, coordinates have fewer digits
            over = overlap.argmax()[None]
        winner = int(rivals[over[0]])
        return DropReason(SUPPRESSED, float(overlap[over[0]]), self.iou, pairs.pair(winner), len(over) - 1)

    def relaxed(self, reason: DropReason, pair: tuple[int, int]) -> None:
        return None


@dataclass(frozen=True)
class Most:
    """The first detections, and no more."""

    most: int

    def keep(self, pairs: Pairs) -> Tensor:
        return torch.arange(min(self.most, len(pairs)), device=pairs.scores.device)

    def drop_reason(self, pairs: Pairs, index: int, kept: Tensor) -> DropReason:
        return DropReason(MOST, index + 1, self.most)

    def relaxed(self, reason: DropReason, pair: tuple[int, int]) -> "Most":
        return Most(int(reason.value))


@dataclass(frozen=True)
class Masked:
    """Pairs whose rows have a mask with any pixel in it.

    Attributes:
        filled: rows ``[N]`` to whether they have, ``[N]``.
    """

    filled: Callable[[Tensor], Tensor]

    def keep(self, pairs: Pairs) -> Tensor:
        return torch.where(self.filled(pairs.rows))[0]

    def drop_reason(self, pairs: Pairs, index: int, kept: Tensor) -> DropReason:
        return DropReason(MASK, 0, 1)

    def relaxed(self, reason: DropReason, pair: tuple[int, int]) -> None:
        return None
