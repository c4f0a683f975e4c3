"""Predictions of models without levels: a table of class logits and a table of boxes, a line a row."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace

import torch
from torch import Tensor

from detcam.detectors.prediction import Prediction


@dataclass(frozen=True)
class TablePrediction(Prediction):
    """A prediction whose rows belong to no level and no cell.

    Attributes:
        logits: class logits ``[B, A, C]``, on the autograd graph.
        edges: ``[B, A, 4]`` xyxy canvas pixels, on the graph.
    """

    logits: Tensor = field(kw_only=True)
    edges: Tensor = field(kw_only=True)

    def of_image(self, image: int) -> "TablePrediction":
        only = slice(image, image + 1)
        return replace(super().of_image(image), logits=self.logits[only], edges=self.edges[only])

    def class_logits(self, row: int) -> Tensor:
        return self.logits[:, row]

    def box_outputs(self, row: int) -> Tensor:
        return self.edges[:, row]


def table_prediction(logits: Tensor, boxes: Tensor, activate: Callable[[Tensor], Tensor]) -> TablePrediction:
    """A prediction from tables.

    Args:
        logits: ``[B, A, C]`` class logits, on the graph.
        boxes: ``[B, A, 4]`` xyxy canvas pixels, on the graph.
        activate: logits ``[..., C]`` to probabilities ``[..., C]``.
    """
    with torch.no_grad():
        scores = activate(logits.detach())
    return TablePrediction(boxes.detach(), scores, (), activate, lambda raw, rows: raw, logits=logits, edges=boxes)
