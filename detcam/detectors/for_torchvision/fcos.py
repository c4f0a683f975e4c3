"""Adapter for torchvision's FCOS (Tian et al. 2020)."""

from dataclasses import dataclass, field, replace

import torch
from torch import Tensor
from torch.nn.functional import logsigmoid

from detcam.detectors.base import OBJECTNESS
from detcam.detectors.for_torchvision.dense import DenseDetector
from detcam.detectors.prediction import Level, Prediction, flatten_rows


@dataclass(frozen=True)
class FCOSPrediction(Prediction):
    """A prediction whose scores are the square root of class probability times centre-ness, as torchvision's are.

    ``activate`` gives the class probability alone; ``probability`` gives the score.

    Attributes:
        centreness: maps of logits ``[B, 1, h, w]``, one a level, on the graph.
    """

    centreness: tuple[Tensor, ...] = field(kw_only=True)

    def of_image(self, image: int) -> "FCOSPrediction":
        only = slice(image, image + 1)
        return replace(super().of_image(image), centreness=tuple(logits[only] for logits in self.centreness))

    def objectness(self, row: int) -> Tensor:
        """The logit of a row's centre-ness in every image, ``[B]``, on the graph."""
        level = self.level_of(row)
        return self._read(self.centreness[level], self.levels[level], row)[:, 0]

    def probability(self, row: int, label: int) -> Tensor:
        logs = logsigmoid(self.logit(row, label)) + logsigmoid(self.objectness(row))
        return (logs / 2).exp()  # a root would have no gradient where a probability is rounded to 0


class FCOSDetector(DenseDetector):
    """A ``torchvision.models.detection.fcos.FCOS``; its arguments are those of :class:`DenseDetector`.

    Its head normalises over whole maps (group norm), so that every row depends on all cells of its level.
    """

    family = "fcos"
    parts = (("classification_head", "cls_logits"), ("regression_head", "bbox_reg"),
             ("regression_head", "bbox_ctrness"))

    @property
    def targets(self) -> tuple[str, ...]:
        return (*super().targets, OBJECTNESS)

    def _prediction(self, levels: tuple[Level, ...], anchors: Tensor, others: list[list[Tensor]]) -> FCOSPrediction:
        def decode(outputs: Tensor, rows: Tensor) -> Tensor:
            decoded: Tensor = self.model.box_coder.decode(outputs.relu(), anchors[rows])  # distances are not negative
            return decoded

        centreness, ones = tuple(others[0]), [1] * len(levels)
        with torch.no_grad():
            classes = flatten_rows([level.logits.detach() for level in levels], ones).sigmoid()
            centres = flatten_rows([values.detach() for values in centreness], ones).sigmoid()
            raw = flatten_rows([level.regression.detach() for level in levels], ones)
            every_row = torch.arange(raw.shape[1], device=raw.device)
            boxes = torch.stack([decode(one, every_row) for one in raw])
        return FCOSPrediction(boxes, (classes * centres).sqrt(), levels, torch.sigmoid, decode, centreness=centreness)
