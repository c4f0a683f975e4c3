"""Tiny two-stage detectors with random weights that nevertheless detect things: see ``tiny.py``.

``FILE.py:FUNCTION`` works on this file too: ``tests/support/tiny_rcnn.py:tiny_fasterrcnn``.
"""

from collections import OrderedDict
from collections.abc import Callable
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn
from torchvision.models.detection.anchor_utils import AnchorGenerator
from torchvision.models.detection.faster_rcnn import FasterRCNN, FastRCNNConvFCHead, FastRCNNPredictor, TwoMLPHead
from torchvision.models.detection.keypoint_rcnn import KeypointRCNN, KeypointRCNNHeads, KeypointRCNNPredictor
from torchvision.models.detection.mask_rcnn import MaskRCNN, MaskRCNNHeads, MaskRCNNPredictor
from torchvision.ops import FeaturePyramidNetwork, MultiScaleRoIAlign
from torchvision.ops.feature_pyramid_network import LastLevelMaxPool

from support.tiny import CLASSES, THRESHOLD, SlimBackbone, built_once, calibrate_norms, photograph

CHANNELS = 12
SHARE = 0.3  # of all pairs of a proposal and a class that pass the threshold
POOL = partial(MultiScaleRoIAlign, ["0", "1", "2"], sampling_ratio=2, canonical_scale=24)  # all maps get regions


class SlimPyramid(nn.Module):
    """A slim backbone under a feature pyramid of strides 8, 16 and 32, and one map more for the proposals alone."""

    def __init__(self) -> None:
        super().__init__()
        self.body = SlimBackbone(CHANNELS)
        self.fpn = FeaturePyramidNetwork([CHANNELS] * 3, CHANNELS, LastLevelMaxPool())
        self.out_channels = CHANNELS

    def forward(self, pixels: Tensor) -> "OrderedDict[str, Tensor]":
        found: OrderedDict[str, Tensor] = self.fpn(self.body(pixels))
        return found


def _build(kind: Callable[..., FasterRCNN], box_head: Callable[[], nn.Module], wide: int, **heads: Any) -> FasterRCNN:
    """A model whose canvas of a 96 x 128 photograph is 90 x 120, padded to 96 x 128."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        anchors = AnchorGenerator(((14,), (28,), (56,), (90,)), ((0.5, 1.0, 2.0),) * 4)
        predictor = FastRCNNPredictor(wide, 1 + len(CLASSES))
        model = kind(SlimPyramid(), None, 90, 160, rpn_anchor_generator=anchors, rpn_pre_nms_top_n_test=120,
                     rpn_post_nms_top_n_test=150, rpn_nms_thresh=0.8, box_nms_thresh=0.3,
                     box_roi_pool=POOL(output_size=5), box_head=box_head(), box_predictor=predictor, **heads)
        for module in model.modules():
            if isinstance(module, nn.Conv2d) and module not in model.rpn.modules():
                nn.init.kaiming_normal_(module.weight, nonlinearity="relu")
                if module.bias is not None:
                    nn.init.normal_(module.bias, std=0.1)
        nn.init.normal_(model.rpn.head.bbox_pred.weight, std=0.1)
        nn.init.normal_(model.rpn.head.cls_logits.weight, std=0.1)
    _calibrate(model.eval())
    return model


def _calibrate(model: Any) -> None:
    """Set norms, the spread of logits (2) and of box outputs, and the background's bias, so that ``SHARE`` pass."""
    pixels = torch.from_numpy(photograph()).permute(2, 0, 1) / 255
    heads = model.roi_heads
    with torch.no_grad():
        images, _ = model.transform([pixels])
        features = model.backbone(images.tensors)
        proposals, _ = model.rpn(images, features)
        pooled = heads.box_roi_pool(features, proposals, images.image_sizes)
        calibrate_norms(heads.box_head, lambda: heads.box_head(pooled))
        for layer, spread in ((heads.box_predictor.cls_score, 2.0), (heads.box_predictor.bbox_pred, 1.0)):
            values = layer(heads.box_head(pooled))
            layer.weight.mul_(spread / values.std(0).mean())
            layer.bias.copy_(-(layer(heads.box_head(pooled)) - layer.bias).mean(0))
        logits = heads.box_predictor.cls_score(heads.box_head(pooled))
        low, high = -50.0, 50.0
        for _ in range(40):
            shift = (low + high) / 2
            moved = logits + torch.tensor([shift] + [0.0] * len(CLASSES))
            low, high = (shift, high) if (moved.softmax(-1)[:, 1:] > THRESHOLD).float().mean() > SHARE else (low, shift)
        heads.box_predictor.cls_score.bias[0] += low + 0.01  # keeps clear of the row at the threshold itself
    for module in model.modules():
        if isinstance(module, MultiScaleRoIAlign):
            module.scales = module.map_levels = None


@built_once
def tiny_fasterrcnn() -> FasterRCNN:
    """A Faster R-CNN with the box head of torchvision's first version."""
    return _build(FasterRCNN, lambda: TwoMLPHead(CHANNELS * 25, 32), 32)


@built_once
def tiny_maskrcnn() -> FasterRCNN:
    """A Mask R-CNN with the box head of torchvision's second version: convolutions and batch norms."""
    def box_head() -> nn.Module:
        return FastRCNNConvFCHead((CHANNELS, 5, 5), [CHANNELS] * 2, [32], nn.BatchNorm2d)

    return _build(MaskRCNN, box_head, 32, mask_roi_pool=POOL(output_size=6), mask_head=MaskRCNNHeads(CHANNELS, (8,), 1),
                  mask_predictor=MaskRCNNPredictor(8, 8, 1 + len(CLASSES)))


@built_once
def tiny_keypointrcnn() -> FasterRCNN:
    """A Keypoint R-CNN of three keypoints."""
    return _build(KeypointRCNN, lambda: TwoMLPHead(CHANNELS * 25, 32), 32, keypoint_roi_pool=POOL(output_size=6),
                  keypoint_head=KeypointRCNNHeads(CHANNELS, (8,)), keypoint_predictor=KeypointRCNNPredictor(8, 3))


TINY_RCNN = {"fasterrcnn": tiny_fasterrcnn, "maskrcnn": tiny_maskrcnn, "keypointrcnn": tiny_keypointrcnn}
