"""The prediction of a two-stage detector, whose rows are pairs of a proposal and a class, each with its own box."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace

import torch
from torch import Tensor

from detcam.detectors.for_torchvision.roi_head import Proposals, Regions
from detcam.detectors.prediction import Prediction
from detcam.detectors.selection.candidates import Pairs
from detcam.imaging.boxes import EDGES


@dataclass(frozen=True)
class RoIPrediction(Prediction):
    """A prediction about ``P`` proposals and ``C`` classes, class 0 being the background.

    The box head gives each proposal a box for each class, so ``row = proposal * (C - 1) + label - 1`` stands for both,
    and may be detected as its own label alone. A table of all rows under all classes would hold ``P * C * C`` numbers,
    nearly all of them 0: ``scores`` has the one column of each row's own label.

    Attributes:
        scores: ``[B, P * (C - 1), 1]``, each row's probability of its own label, detached.
        levels: the maps that regions are pooled from, as logits and as regression; none of the rows is a cell of one.
        decode: raw box outputs ``[N, 4]`` and proposals ``[N, 4]`` to boxes ``[N, 4]`` xyxy canvas pixels.
        probabilities: ``[B, P, C]`` of each proposal's classes, detached.
        regions: the proposals, and their outputs on the graph.
        image: the index in the batch of the image that levels, cells and tables of rows belong to.
    """

    probabilities: Tensor = field(kw_only=True)
    regions: Regions = field(kw_only=True)
    image: int = field(default=0, kw_only=True)

    @property
    def proposals(self) -> Proposals:
        return self.regions.proposals

    def of_image(self, image: int) -> "RoIPrediction":
        """The tables of one image of the batch; what is read on the graph is still read in every image."""
        only = slice(image, image + 1)
        return replace(self, boxes=self.boxes[only], scores=self.scores[only], probabilities=self.probabilities[only],
                       image=self.image + image)

    @property
    def pairs(self) -> Pairs:
        """Every row of image 0 under its own label, without those of proposals that only fill the batch up."""
        classes = self.probabilities.shape[-1] - 1
        count = self.proposals.counts[self.image] * classes
        rows = torch.arange(count, device=self.boxes.device)
        return Pairs(rows, rows % classes + 1, self.scores[0, :count, 0])

    def place(self, row: int) -> tuple[int, int]:
        """The index of the proposal and the label that a row stands for.

        Raises:
            IndexError: there is no such row.
        """
        if not 0 <= row < self.boxes.shape[1]:
            raise IndexError(f"row {row} is outside the {self.boxes.shape[1]} rows of this prediction")
        proposal, column = divmod(row, self.probabilities.shape[-1] - 1)
        return proposal, column + 1

    def level_of(self, row: int) -> int:
        return int(self.proposals.levels[self.image, self.place(row)[0]])

    def rows_at(self, level: int) -> Tensor:
        """The rows whose regions are pooled from a map in image 0, ``[N]``."""
        rows = self.pairs.rows
        return rows[self.proposals.levels[self.image, rows // (self.probabilities.shape[-1] - 1)] == level]

    def cell_of(self, row: int) -> tuple[int, int]:
        """The cell ``(y, x)`` of its level's map that the middle of a row's proposal lies in."""
        level = self.levels[self.level_of(row)]
        x1, y1, x2, y2 = self.proposals.boxes[self.image, self.place(row)[0]].tolist()
        (height, width), (stride_x, stride_y) = level.shape, level.grid.stride
        y, x = int((y1 + y2) / 2 / stride_y), int((x1 + x2) / 2 / stride_x)
        return min(max(y, 0), height - 1), min(max(x, 0), width - 1)

    def scores_of(self, label: int) -> Tensor:
        """Every row's probability of being detected as one class, ``[B, A]``: 0 for the rows of other classes."""
        scores = torch.zeros_like(self.probabilities[..., 1:])
        if label > 0:
            scores[..., label - 1] = self.probabilities[..., label]
        return scores.flatten(1)

    def profiles(self, rows: Tensor, labels: Sequence[int]) -> Tensor:
        """The probabilities of some classes at the proposals of some rows of image 0, ``[N, L]``, detached."""
        return self.probabilities[0, rows // (self.probabilities.shape[-1] - 1)][:, list(labels)]

    def boxes_and_scores(self, labels: Sequence[int]) -> Iterator[tuple[Tensor, Tensor]]:
        """Each image's proposals, once each with the box of its best class: boxes ``[P, 4]`` xyxy canvas pixels, and
        probabilities of some classes ``[P, L]``."""
        classes = self.probabilities.shape[-1] - 1
        chosen = torch.tensor(list(labels), device=self.boxes.device)
        for boxes, probabilities in zip(self.boxes, self.probabilities[..., list(labels)], strict=True):
            best = chosen[probabilities.argmax(1)] - 1
            yield boxes.view(-1, classes, 4)[torch.arange(len(best), device=best.device), best], probabilities

    def candidates(self, labels: Sequence[int]) -> tuple[Tensor, Tensor, Tensor]:
        """The rows ``[R]`` of image 0 whose own label is one of some, their scores and labels ``[R, 1]``."""
        pairs = self.pairs
        wanted = torch.isin(pairs.labels, torch.tensor(list(labels), device=pairs.labels.device))
        return pairs.rows[wanted], pairs.scores[wanted][:, None], pairs.labels[wanted][:, None]

    def class_logits(self, row: int) -> Tensor:
        """The logits of all classes at a row's proposal in every image, ``[B, C]``, on the graph."""
        return self.regions.read(self.place(row)[0])[0]

    def box_outputs(self, row: int) -> Tensor:
        """A row's raw box outputs, those of its own class, in every image, ``[B, 4]``, on the graph."""
        proposal, label = self.place(row)
        return self.regions.read(proposal)[1][:, label]

    def box_of(self, row: int) -> Tensor:
        """A row's box in image 0, ``[4]`` xyxy canvas pixels, detached: rounded as a region that is read alone is."""
        return torch.stack([self.edge(row, edge)[self.image].detach() for edge in EDGES])

    def edge(self, row: int, edge: str) -> Tensor:
        boxes = self.decode(self.box_outputs(row), self.proposals.boxes[:, self.place(row)[0]])
        return boxes[:, EDGES.index(edge)]
