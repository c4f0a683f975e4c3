"""Adapter for torchvision's RetinaNet (Lin et al. 2017)."""

import torch
from torch import Tensor, nn

from detcam.detectors.for_torchvision.dense import DenseDetector
from detcam.detectors.prediction import Level, Prediction, flatten_rows


class RetinaNetDetector(DenseDetector):
    """A ``torchvision.models.detection.retinanet.RetinaNet``; its arguments are those of :class:`DenseDetector`."""

    family = "retinanet"
    parts = (("classification_head", "cls_logits"), ("regression_head", "bbox_reg"))

    def head_modules(self, level: int) -> tuple[nn.Module, ...]:
        """The class and the box tower with their last layers, the same for every level.

        In the first version a row depends on 11 by 11 cells; the second normalises over whole maps (group norm), and a
        row depends on all cells.
        """
        head = self.model.head
        classes, boxes = head.classification_head, head.regression_head
        return nn.Sequential(classes.conv, classes.cls_logits), nn.Sequential(boxes.conv, boxes.bbox_reg)

    def _prediction(self, levels: tuple[Level, ...], anchors: Tensor, others: list[list[Tensor]]) -> Prediction:
        per_cell = [level.per_cell for level in levels]
        with torch.no_grad():
            scores = flatten_rows([level.logits.detach() for level in levels], per_cell).sigmoid()
            raw = flatten_rows([level.regression.detach() for level in levels], per_cell)
            boxes = torch.stack([self.model.box_coder.decode_single(one, anchors) for one in raw])

        def decode(outputs: Tensor, rows: Tensor) -> Tensor:
            decoded: Tensor = self.model.box_coder.decode_single(outputs, anchors[rows])
            return decoded

        return Prediction(boxes, scores, levels, torch.sigmoid, decode)
