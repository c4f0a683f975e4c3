"""Tiny RetinaNets and FCOSs with random weights that nevertheless detect things.

``FILE.py:FUNCTION`` works on this file too: ``tests/support/tiny_dense.py:tiny_fcos``.
"""

from collections import OrderedDict
from functools import partial

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torchvision.models.detection.anchor_utils import AnchorGenerator
from torchvision.models.detection.fcos import FCOS, FCOSClassificationHead, FCOSHead, FCOSRegressionHead
from torchvision.models.detection.retinanet import RetinaNet, RetinaNetHead
from torchvision.ops.feature_pyramid_network import FeaturePyramidNetwork, LastLevelP6P7

from detcam.detectors.for_torchvision.dense import DenseDetector
from detcam.detectors.for_torchvision.fcos import FCOSDetector
from detcam.detectors.for_torchvision.retinanet import RetinaNetDetector
from support.tiny import CLASSES, SHARE, THRESHOLD, SlimBackbone, built_once, photograph

CHANNELS = 12
SIZES = (12, 24, 40, 56, 80)  # canvas pixels, of an anchor on each level


class SlimPyramid(nn.Module):
    """Three levels of a trunk and a feature pyramid on top: five levels of strides 8 to 128."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.body = SlimBackbone()
        self.fpn = FeaturePyramidNetwork(self.body.out_channels, channels, LastLevelP6P7(channels, channels))
        self.out_channels = channels

    def forward(self, pixels: Tensor) -> "OrderedDict[str, Tensor]":
        maps: OrderedDict[str, Tensor] = self.fpn(self.body(pixels))
        return maps


@built_once
def tiny_retinanet(seed: int = 0, groups: int | None = None) -> RetinaNet:
    """A RetinaNet of five levels and labels 0 to 2 on canvases of 96 to 128 px; with group norm as in its version 2."""
    sizes = tuple((size, size * 5 // 4) for size in SIZES)
    anchors = AnchorGenerator(sizes, ((0.5, 1.0, 2.0),) * len(SIZES))
    norm = None if groups is None else partial(nn.GroupNorm, groups)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        head = RetinaNetHead(CHANNELS, 6, 1 + len(CLASSES), norm_layer=norm)
        model = RetinaNet(SlimPyramid(CHANNELS), 1 + len(CLASSES), 96, 128, anchor_generator=anchors, head=head)
        _detecting(model)
    return model


@built_once
def tiny_fcos(seed: int = 0) -> FCOS:
    """An FCOS of five levels and labels 0 to 2 on canvases of 96 to 128 px."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        head, norm = FCOSHead(32, 1, 1 + len(CLASSES)), partial(nn.GroupNorm, 4)  # its own is of 32 groups
        head.classification_head = FCOSClassificationHead(CHANNELS, 1, 1 + len(CLASSES), norm_layer=norm)
        head.regression_head = FCOSRegressionHead(CHANNELS, 1, norm_layer=norm)
        model = FCOS(SlimPyramid(CHANNELS), 1 + len(CLASSES), 96, 128, head=head)
        _detecting(model)
    return model


def _detecting(model: RetinaNet | FCOS) -> None:
    initialise(model)
    spread(model, photograph())
    model.nms_thresh, model.detections_per_img = 0.7, 2000  # the last levels have few cells, whose boxes overlap


def initialise(model: nn.Module) -> None:
    """Random convolutions through which features stay varied (torchvision's heads begin with nearly none)."""
    for module in model.modules():
        if isinstance(module, nn.Conv2d):
            nn.init.kaiming_normal_(module.weight, nonlinearity="relu")
            if module.bias is not None:
                nn.init.normal_(module.bias, std=0.1)
    model.eval()


def spread(model: RetinaNet | FCOS, rgb: NDArray[np.uint8]) -> None:
    """Give class logits a spread of 2 and boxes, which overlap, one of 0.3; ``SHARE`` of the scores pass."""
    classes, regression = model.head.classification_head, model.head.regression_head
    distance = 0.9 if isinstance(model, FCOS) else 0.0  # strides from centre to edge
    with torch.no_grad():
        images, _ = model.transform([torch.from_numpy(rgb).permute(2, 0, 1) / 255])
        maps = list(model.backbone(images.tensors).values())
        for branch, last, wanted, centre in ((classes, classes.cls_logits, 2.0, 0.0),
                                             (regression, regression.bbox_reg, 0.3, distance)):
            values = torch.cat([last(branch.conv(each)).flatten() for each in maps])
            last.weight.mul_(wanted / values.std())
            last.bias.sub_(values.mean()).mul_(wanted / values.std()).add_(centre)
        classes.cls_logits.bias.add_(_shift(model, maps))


def _shift(model: RetinaNet | FCOS, maps: list[Tensor]) -> float:
    """What to add to the class logits so that ``SHARE`` of the scores pass ``THRESHOLD``."""
    outputs = model.head(maps)
    low, high = -50.0, 50.0
    for _ in range(40):
        shift = (low + high) / 2
        scores = (outputs["cls_logits"] + shift).sigmoid()
        if "bbox_ctrness" in outputs:
            scores = (scores * outputs["bbox_ctrness"].sigmoid()).sqrt()
        low, high = (low, shift) if (scores > THRESHOLD).float().mean() > SHARE else (shift, high)
    return low + 0.01  # keeps clear of the row at the threshold itself


def tiny_retinanet_v2() -> RetinaNet:
    """With group norm in its head."""
    return tiny_retinanet(groups=4)


TINY_DENSE: dict[str, "partial[DenseDetector]"] = {
    "retinanet": partial(lambda: RetinaNetDetector(tiny_retinanet(), name="retinanet")),
    "retinanet v2": partial(lambda: RetinaNetDetector(tiny_retinanet_v2(), name="retinanet v2")),
    "fcos": partial(lambda: FCOSDetector(tiny_fcos(), name="fcos")),
}
