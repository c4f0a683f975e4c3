"""A small SSD whose every row sees the whole picture."""

from collections import OrderedDict

import torch
from torch import Tensor, nn
from torchvision.models.detection.anchor_utils import DefaultBoxGenerator
from torchvision.models.detection.image_list import ImageList
from torchvision.models.detection.ssd import SSD

from detcam.evaluation.planted_faults.scenes import SIDE

STEM = (16, 32, 48)  # channels at strides 2, 4 and 8
DEEP = (96, 128)  # at strides 16 and 32
NECK = 64  # of the two levels that the head reads
SCALES = [0.33, 0.45, 0.62]  # side of a default box over the picture's: persons of 40 to 70 of 96 px, and between
PRIOR = 0.01  # the score that training starts from (RetinaNet, section 4.1)


def _conv(channels: int, out: int, stride: int = 1, kernel: int = 3) -> nn.Sequential:
    return nn.Sequential(nn.Conv2d(channels, out, kernel, stride, kernel // 2, bias=False), nn.BatchNorm2d(out),
                         nn.ReLU(inplace=True))


class WholePicture(nn.Module):
    """Levels of stride 8 and 16. To both, what the deepest map knows of the whole picture is added (Lin 2017).

    ``forward`` takes ``[B, 3, h, w]`` and returns maps of ``NECK`` channels.
    """

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Sequential(_conv(3, STEM[0], 2), _conv(STEM[0], STEM[1], 2), _conv(STEM[1], STEM[1]),
                                  _conv(STEM[1], STEM[2], 2), _conv(STEM[2], STEM[2]))
        self.second = nn.Sequential(_conv(STEM[2], DEEP[0], 2), _conv(DEEP[0], DEEP[0]))
        self.third = nn.Sequential(_conv(DEEP[0], DEEP[1], 2), _conv(DEEP[1], DEEP[1]))  # 3x3 cells see one another
        self.lateral = nn.ModuleList([_conv(channels, NECK, kernel=1) for channels in (STEM[2], *DEEP)])
        self.smooth = nn.ModuleList([_conv(NECK, NECK), _conv(NECK, NECK)])
        self.out_channels = [NECK, NECK]

    def forward(self, pixels: Tensor) -> "OrderedDict[str, Tensor]":
        first = self.stem(pixels)
        second = self.second(first)
        deep = self.lateral[2](self.third(second))
        deep = deep + deep.mean(dim=(2, 3), keepdim=True)
        middle = self.lateral[1](second) + nn.functional.interpolate(deep, scale_factor=2.0)
        fine = self.lateral[0](first) + nn.functional.interpolate(middle, scale_factor=2.0)
        return OrderedDict([("0", self.smooth[0](fine)), ("1", self.smooth[1](middle))])


def fault_ssd(seed: int) -> SSD:
    """An untrained SSD of persons (label 1) on pictures of ``SIDE`` pixels; 720 rows; in evaluation mode."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        anchors = DefaultBoxGenerator([[2], [2]], scales=SCALES, steps=[8, 16])
        model = SSD(WholePicture(), anchors, (SIDE, SIDE), num_classes=2, image_mean=[0.5] * 3, image_std=[0.25] * 3,
                    score_thresh=0.01, nms_thresh=0.3)
        half = 0.5 * torch.logit(torch.tensor(PRIOR)).item()
        for layer in [*model.head.classification_head.module_list, *model.head.regression_head.module_list]:
            nn.init.normal_(layer.weight, std=0.01)
        for layer in model.head.classification_head.module_list:
            layer.bias.data.copy_(torch.tensor([-half, half]).repeat(layer.out_channels // 2))
    return model.eval()


@torch.no_grad()
def default_boxes_of(model: SSD) -> Tensor:
    """The default boxes of an SSD in evaluation mode, ``[A, 4]`` xyxy canvas pixels."""
    blank = torch.zeros(1, 3, SIDE, SIDE)
    boxes: Tensor = model.anchor_generator(ImageList(blank, [(SIDE, SIDE)]), list(model.backbone(blank).values()))[0]
    return boxes
