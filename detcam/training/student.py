"""The network in training: an SSD, and one small head per level that predicts the teacher's class maps."""

import copy
from dataclasses import dataclass
from typing import cast

import torch
from torch import Tensor, nn
from torchvision.models.detection.anchor_utils import DefaultBoxGenerator
from torchvision.models.detection.image_list import ImageList
from torchvision.models.detection.ssd import SSD

DISTILLED_LEVELS = (1, 2, 3, 4)  # 19, 10, 5 and 3 cells at 300 px: the teacher's grids
TEACHER_CLASSES = 90
USUAL_LOGIT = -5.0  # of a class that is absent; the initial bias of the distillation heads


@dataclass(frozen=True)
class Answers:
    """The outputs of a :class:`Student`.

    Attributes:
        cls_logits: ``[B, A, 2]`` of background and person, for A default boxes.
        deltas: ``[B, A, 4]`` the boxes in SSD's encoding.
        class_maps: ``[B, 90, h, w]`` for every distilled level.
    """

    cls_logits: Tensor
    deltas: Tensor
    class_maps: list[Tensor]


class Student(nn.Module):
    """Runs an SSD's backbone and heads on square canvases; resizing and NMS stay with the SSD itself."""

    mean: Tensor
    std: Tensor

    def __init__(self, ssd: SSD) -> None:
        super().__init__()
        self.ssd = ssd
        channels = [ssd.backbone.out_channels[level] for level in DISTILLED_LEVELS]
        layers = [nn.Conv2d(width, TEACHER_CLASSES, 1) for width in channels]
        self.distillation = nn.ModuleList(layers)
        for layer in layers:
            nn.init.normal_(layer.weight, std=0.01)
            nn.init.constant_(cast(Tensor, layer.bias), USUAL_LOGIT)
        for name in ("mean", "std"):
            values = torch.tensor(getattr(ssd.transform, f"image_{name}")).view(1, 3, 1, 1)
            self.register_buffer(name, values, persistent=False)

    def forward(self, pixels: Tensor, distil: bool = True) -> Answers:
        """The outputs for ``pixels``, float ``[B, 3, side, side]`` RGB in 0..1; ``distil`` adds the class maps."""
        normalised = ((pixels - self.mean) / self.std).contiguous(memory_format=torch.channels_last)
        features = list(self.ssd.backbone(normalised).values())
        outputs = self.ssd.head(features)
        heads = zip(self.distillation, DISTILLED_LEVELS, strict=True) if distil else ()
        maps = [layer(features[level]) for layer, level in heads]
        return Answers(outputs["cls_logits"], outputs["bbox_regression"], maps)


def on_canvas(ssd: SSD, side: int) -> SSD:
    """The SSD with the same weights and another canvas size: it resizes photographs to ``side`` pixels.

    The SSD's steps hold for its own canvas alone; on another one the cells divide the canvas evenly.
    """
    if ssd.transform.fixed_size == (side, side):
        return ssd
    other = copy.copy(ssd)
    other._modules = dict(ssd._modules)
    other.transform = copy.deepcopy(ssd.transform)
    other.transform.fixed_size = (side, side)
    boxes = ssd.anchor_generator
    other.anchor_generator = DefaultBoxGenerator(boxes.aspect_ratios, scales=boxes.scales)
    return other


@torch.no_grad()
def default_boxes(ssd: SSD, side: int) -> Tensor:
    """The SSD's default boxes ``[A, 4]``, xyxy in pixels of a square canvas of ``side`` pixels."""
    pixels = torch.zeros(1, 3, side, side, device=next(ssd.parameters()).device)
    training = ssd.training
    features = list(ssd.eval().backbone(pixels).values())
    ssd.train(training)
    boxes: Tensor = on_canvas(ssd, side).anchor_generator(ImageList(pixels, [(side, side)]), features)[0]
    return boxes
