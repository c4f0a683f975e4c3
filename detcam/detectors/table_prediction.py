"""A prediction of models without levels: tables of logits and boxes, a row each."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace

import torch
from torch import Tensor

from detcam.detectors.prediction import Prediction


@dataclass(frozen=True)
class TablePrediction(Prediction):
    """Rows that belong to no level and no cell.

    Attributes:
        logits: class logits ``[B, A, C]``, on the autograd graph.
        edges: ``[B, A, 4]`` xyxy canvas pixels, on the graph.
    """

    logits: Tensor = field(kw_only=True)
    edges: Tensor = field(kw_only=True)

    def of_image(self, image: int) -> "TablePrediction":
        own = slice(image, image + 1)
        return replace(super().of_image(image), logits=self.logits[own], edges=self.edges[own])

    def class_logits(self, row: int) -> Tensor:
        return self.logits[:, row]

    def box_outputs(self, row: int) -> Tensor:
        return self.edges[:, row]


def table_prediction(logits: Tensor, boxes: Tensor, activate: Callable[[Tensor], Tensor]) -> TablePrediction:
    """A prediction of logits ``[B, A, C]`` and boxes ``[B, A, 4]`` (xyxy canvas pixels), both on the graph."""
    with torch.no_grad():
        scores = activate(logits.detach())
    return TablePrediction(boxes.detach(), scores, (), activate, lambda raw, rows: raw, logits=logits, edges=boxes)
