"""Planted detectors: real SSD and YOLO models whose score provably depends on the red of known pixels alone."""

from collections import OrderedDict

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torchvision.models.detection.anchor_utils import DefaultBoxGenerator
from torchvision.models.detection.ssd import SSD

CELL = 8  # canvas pixels: the side of a cell of the only level, whose score is the mean red of its own pixels


class RedMeans(nn.Module):
    """One level of stride 8: the mean colour of each cell."""

    out_channels = (3,)

    def __init__(self) -> None:
        super().__init__()
        self.pool = nn.AvgPool2d(CELL)
        self.weight = nn.Parameter(torch.ones(1))

    def forward(self, pixels: Tensor) -> "OrderedDict[str, Tensor]":
        return OrderedDict([("0", self.pool(pixels) * self.weight)])


def planted_ssd(size: int = 96, size_divisible: int = 1) -> SSD:
    """A torchvision SSD that finds red cells; with ``size_divisible`` its transform pads right and below."""
    backbone = RedMeans()
    padded = -(-size // size_divisible) * size_divisible
    anchors = DefaultBoxGenerator([[2]], scales=[0.25 * size / padded, 0.4], steps=[CELL])
    model = SSD(backbone, anchors, (size, size), num_classes=2, image_mean=[0.0] * 3, image_std=[1.0] * 3)
    model.transform.size_divisible = size_divisible
    logits, boxes = model.head.classification_head.module_list[0], model.head.regression_head.module_list[0]
    with torch.no_grad():
        for conv in (logits, boxes):
            conv.weight.zero_()
            conv.bias.zero_()
        logits.weight[1, 0, 1, 1] = 12.0  # the first default box's person logit: red of its own cell
        logits.bias.view(-1, 2)[:, 1] = -8.0
    return model.eval()


def planted_yolo() -> nn.Module:
    """An ultralytics ``DetectionModel`` of one level that finds red cells."""
    from detcam.detectors.for_ultralytics.lazy_import import import_ultralytics

    import_ultralytics()
    from ultralytics.nn.tasks import DetectionModel

    config = {"nc": 1, "backbone": [[-1, 1, "Conv", [16, CELL, CELL, 0]]], "head": [[[0], 1, "Detect", ["nc"]]]}
    model = DetectionModel(config, verbose=False)
    model.names = {0: "person"}
    with torch.no_grad():
        for module in model.modules():
            if isinstance(module, nn.Conv2d) and module is not getattr(model.model[-1].dfl, "conv", None):
                module.weight.zero_()
                module.weight[0, 0, module.kernel_size[0] // 2, module.kernel_size[1] // 2] = 1.0
                if module.bias is not None:
                    module.bias.zero_()
        model.model[0].conv.weight[0, 0] = 1.0 / CELL**2
        model.model[-1].cv3[0][-1].weight.mul_(16.0)
        model.model[-1].cv3[0][-1].bias.fill_(-4.0)
        model.model[-1].cv2[0][-1].weight.zero_()
        model.model[-1].cv2[0][-1].bias.view(4, -1)[:, 2] = 9.0  # every edge two cells from the centre
    return model.eval()


def patch_photograph(height: int, width: int, box: tuple[int, int, int, int]) -> NDArray[np.uint8]:
    """A dark photograph with one red patch ``(x1, y1, x2, y2)``, and bright green and blue everywhere else."""
    rgb = np.zeros((height, width, 3), np.uint8)
    rgb[..., 1:] = np.random.default_rng(0).integers(0, 255, (height, width, 2))
    x1, y1, x2, y2 = box
    rgb[y1:y2, x1:x2] = (255, 0, 0)
    return rgb
