"""The person detector that ships with detcam: torchvision's `SSD` on a slim VGG16 with batch norm.

The layout is that of SSD300 (Liu 2016): VGG16 up to conv4_3, fc6 and fc7 as convolutions (fc6 dilated by 6) and four
extra layers, six feature maps in all. The widths are a quarter to three eighths of VGG16's. The classes are
[background, person] with softmax, as in every torchvision SSD.
"""

from collections import OrderedDict
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor, nn
from torchvision.models.detection.anchor_utils import DefaultBoxGenerator
from torchvision.models.detection.ssd import SSD, SSDHead

from detcam.errors import WeightsError

PERSON_SSD_WEIGHTS = Path(__file__).parents[2] / "weights" / "detcam-person-ssd.safetensors"
MIN_SCORE = 0.5  # above it the shipped weights' boxes are more often right than wrong (weights/MODEL_CARD.md)
PERSON = {1: "person"}  # its class names; 0 is the background
CANVAS = 300  # pixels; the width and height every photograph is stretched to

STAGE_CONVS = (2, 2, 3, 3, 3)  # VGG16, configuration D
STAGE_WIDTHS = (16, 32, 96, 192, 192)  # VGG16 has 64, 128, 256, 512, 512
FC_WIDTH = 384  # fc6 and fc7; SSD300 has 1024
EXTRA_WIDTHS = ((96, 192), (64, 128), (64, 128), (64, 128))  # 1x1 squeeze, then 3x3 with stride 2

ASPECT_RATIOS = [[2], [2, 3], [2, 3], [2, 3], [2], [2]]
SCALES = [0.07, 0.15, 0.32, 0.48, 0.65, 0.82, 1.0]  # side of a default box over the canvas; one more than the levels
STEPS = [8, 16, 32, 64, 100, 150]  # pixels between the cells of each level on the 300 px canvas
PIXEL_MEAN = [0.485, 0.456, 0.406]  # ImageNet's, the usual convention
PIXEL_STD = [0.229, 0.224, 0.225]


def _conv_bn_relu(in_channels: int, out_channels: int, kernel: int, stride: int = 1, padding: int = 0,
                  dilation: int = 1) -> list[nn.Module]:
    convolution = nn.Conv2d(in_channels, out_channels, kernel, stride, padding, dilation, bias=False)
    return [convolution, nn.BatchNorm2d(out_channels), nn.ReLU(inplace=True)]


def _vgg_stage(in_channels: int, width: int, convs: int) -> list[nn.Module]:
    layers: list[nn.Module] = []
    for index in range(convs):
        layers += _conv_bn_relu(in_channels if index == 0 else width, width, 3, padding=1)
    return layers


class SlimVGG(nn.Module):
    """SSD300's VGG16 feature extractor with batch norm and fewer channels.

    ``forward`` takes normalised canvases ``[B, 3, h, w]`` and returns six maps ``[B, c, h, w]``, named "0" to "5". On
    300 px they have 38, 19, 10, 5, 3 and 2 cells a side. (SSD300's last map has 1 cell: its last two layers are not
    padded. These are, so that training can also use smaller canvases.)
    """

    def __init__(self) -> None:
        super().__init__()
        self.out_channels = [STAGE_WIDTHS[3], FC_WIDTH, *(wide for _, wide in EXTRA_WIDTHS)]
        widths = (3, *STAGE_WIDTHS)
        stages = [_vgg_stage(widths[i], widths[i + 1], convs) for i, convs in enumerate(STAGE_CONVS)]
        conv1, conv2, conv3, conv4, conv5 = stages
        halve, halve_up = nn.MaxPool2d(2, 2), nn.MaxPool2d(2, 2, ceil_mode=True)  # 75 cells to 38, as SSD300 does
        self.conv4_3 = nn.Sequential(*conv1, halve, *conv2, nn.MaxPool2d(2, 2), *conv3, halve_up, *conv4)
        fc6 = _conv_bn_relu(widths[-1], FC_WIDTH, 3, padding=6, dilation=6)
        fc7 = _conv_bn_relu(FC_WIDTH, FC_WIDTH, 1)
        self.fc7 = nn.Sequential(nn.MaxPool2d(2, 2), *conv5, nn.MaxPool2d(3, 1, padding=1), *fc6, *fc7)
        self.extra = nn.ModuleList()
        channels = FC_WIDTH
        for narrow, wide in EXTRA_WIDTHS:
            squeeze = _conv_bn_relu(channels, narrow, 1)
            self.extra.append(nn.Sequential(*squeeze, *_conv_bn_relu(narrow, wide, 3, stride=2, padding=1)))
            channels = wide

    def forward(self, photographs: Tensor) -> OrderedDict[str, Tensor]:
        maps = [self.conv4_3(photographs)]
        maps.append(self.fc7(maps[-1]))
        for layer in self.extra:
            maps.append(layer(maps[-1]))
        return OrderedDict((str(level), feature) for level, feature in enumerate(maps))


def _initialise(model: SSD, prior: float = 0.01) -> None:
    """He's initialisation; the class biases give every default box the score ``prior`` (RetinaNet, section 4.1)."""
    for module in model.modules():
        if isinstance(module, nn.Conv2d):
            nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")
            if module.bias is not None:
                nn.init.zeros_(module.bias)
    half = 0.5 * torch.logit(torch.tensor(prior)).item()
    for layer in [*model.head.classification_head.module_list, *model.head.regression_head.module_list]:
        nn.init.normal_(layer.weight, std=0.01)
    for layer in model.head.classification_head.module_list:
        with torch.no_grad():
            layer.bias.copy_(torch.tensor([-half, half]).repeat(layer.out_channels // 2))


def load_person_weights(model: SSD, weights: Path) -> None:
    """Copy the tensors of a safetensors file, of any float precision, into a model, whose parameters stay float32.

    Raises:
        WeightsError: there is no such file.
    """
    if not weights.is_file():
        raise WeightsError(f"{weights}: no such weights file; scripts/train_person_detector.py makes one")
    model.load_state_dict({name: _as_float32(tensor) for name, tensor in load_file(weights).items()})


def save_person_weights(model: SSD, path: Path) -> None:
    """Write a model's tensors as a safetensors file, floats in half precision; missing folders are made."""
    path.parent.mkdir(parents=True, exist_ok=True)
    save_file({name: _as_float16(tensor) for name, tensor in model.state_dict().items()}, path)


def _as_float16(tensor: Tensor) -> Tensor:
    tensor = tensor.detach().cpu().contiguous()
    return tensor.half() if tensor.is_floating_point() else tensor


def _as_float32(tensor: Tensor) -> Tensor:
    return tensor.float() if tensor.is_floating_point() else tensor


def build_person_ssd(weights: Path | None = PERSON_SSD_WEIGHTS) -> SSD:
    """The network in evaluation mode, from photographs ``[3, H, W]`` RGB in 0..1 to torchvision's detections.

    Args:
        weights: a safetensors file; None gives random weights.

    Raises:
        WeightsError: there is no such file.
    """
    backbone = SlimVGG()
    boxes = DefaultBoxGenerator(ASPECT_RATIOS, scales=SCALES, steps=STEPS)
    head = SSDHead(backbone.out_channels, boxes.num_anchors_per_location(), 1 + len(PERSON))
    model = SSD(
        backbone,
        boxes,
        (CANVAS, CANVAS),
        1 + len(PERSON),
        image_mean=PIXEL_MEAN,
        image_std=PIXEL_STD,
        head=head,
        score_thresh=0.01,
        nms_thresh=0.45,
        detections_per_img=200,
        topk_candidates=400,
    )
    if weights is None:
        _initialise(model)
    else:
        load_person_weights(model, Path(weights))
    return model.eval()
