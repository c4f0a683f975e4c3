"""Real architectures with random weights that nevertheless detect something, and photographs to run them on."""

from functools import cache

import cv2
import torch
from torch import nn

from detcam.detectors.base import Detector
from detcam.detectors.for_torchvision.dense import DenseDetector
from detcam.detectors.for_torchvision.rcnn import RCNNDetector
from detcam.detectors.for_torchvision.ssd import SSDDetector
from detcam.detectors.for_torchvision.transform import normalised
from detcam.imaging.image import Image, load_image
from support.places import SAMPLES
from support.tiny import calibrate_norms, normalise
from support.tiny_dense import initialise, spread


@cache
def photograph(size: tuple[int, int], name: str = "astronaut.png") -> Image:
    """A sample photograph stretched to a width and height in pixels."""
    return Image(cv2.resize(load_image(SAMPLES / name).rgb, size, interpolation=cv2.INTER_AREA), f"{name} {size}")


def calibrate(model: nn.Module) -> None:
    """Make a YOLO's random weights give varied outputs, and boxes large enough that neighbours overlap."""
    normalise(model, 256)
    head = model.model[-1]
    if head.reg_max == 1:
        for branch in (head.cv2, getattr(head, "one2one_cv2", None) or []):
            for module in branch:
                module[-1].bias.data += 4.0  # cells


def calibrate_ssd(detector: SSDDetector, image: Image) -> None:
    """Make an SSD's random weights give varied features, also where a level has a single cell."""
    model, pixels = detector.model, detector.canvas(image).pixels
    varied = torch.cat([pixels.roll(turn, 1).rot90(turn, (2, 3)) * (turn + 1) / 4 for turn in range(4)])
    calibrate_norms(model, lambda: model.head(list(model.backbone(varied).values())))


def calibrate_dense(detector: DenseDetector, image: Image) -> None:
    """Make a RetinaNet's or FCOS's random weights give varied features, class logits and boxes, which overlap."""
    model, pixels = detector.model, detector.canvas(image).pixels
    varied = torch.cat([pixels, pixels.flip(-1), pixels.flip(-2)])
    initialise(model)
    calibrate_norms(model, lambda: model.backbone(varied))
    spread(model, image.rgb)


def calibrate_rcnn(detector: RCNNDetector, image: Image, candidates: int, min_score: float = 0.3) -> None:
    """Make a two-stage detector's random weights find varied regions, of which so many pairs have a score above
    ``min_score``."""
    model, pixels = detector.model, detector.canvas(image).pixels
    tensors = normalised(model.transform, torch.cat([pixels, pixels.flip(-1) / 2]))
    calibrate_norms(model.backbone, lambda: model.backbone(tensors))
    predictor = model.eval().roi_heads.box_predictor
    with torch.no_grad():
        said = model.rpn.head(list(model.backbone(tensors[:1]).values()))
        for layer, values, spread in zip((model.rpn.head.cls_logits, model.rpn.head.bbox_pred), said, (1.0, 0.3),
                                         strict=True):
            factor = spread / values[0].std((0, 2, 3)).mean()
            layer.bias.copy_(-values[0].mean((0, 2, 3)) * factor)  # so that no shape of anchors wins everywhere
            layer.weight *= factor
        for _ in range(2):
            regions = detector.forward(pixels).regions
            for layer, values in ((predictor.cls_score, regions.logits[0]), (predictor.bbox_pred, regions.deltas[0])):
                layer.weight *= 1.5 / values.std(0).mean()
        logits = detector.forward(pixels).regions.logits[0]
        foreground = logits[:, 1:].exp()
        others = foreground.sum(1, keepdim=True) + torch.zeros_like(foreground)
        background = foreground / min_score - others  # the background's exponential at which a pair has that score
        best = background.flatten().sort(descending=True).values[candidates]
        predictor.cls_score.weight[0] = 0
        predictor.cls_score.bias[0] = best.clamp(min=1e-3).log()
    detector._checked = False


def spread_outputs(detector: Detector, image: Image, logits: float, boxes: float) -> None:
    """Scale the last layers until each level's class logits and raw box outputs have these spreads on an image."""
    with detector.borrowed(), torch.no_grad():
        prediction = detector.forward(detector.canvas(image).pixels)
        for number, level in enumerate(prediction.levels):
            wanted = ((level.logits, logits), (level.regression, boxes))
            for module, (values, spread) in zip(detector.head_modules(number), wanted, strict=True):
                _last_conv(module).weight *= spread / values.std()


def shift_class_bias(detector: Detector, image: Image, candidates: int, min_score: float = 0.3) -> None:
    """Raise the class biases until about so many rows of an image have a score above ``min_score``."""
    last = [_last_conv(detector.head_modules(level)[0]) for level in range(detector.n_levels)]
    for _ in range(3 if isinstance(detector, SSDDetector) else 1):
        with detector.borrowed(), torch.no_grad():
            scores = detector.forward(detector.canvas(image).pixels).scores[0]
            foreground = scores[:, 1:] if isinstance(detector, SSDDetector) else scores
            best = torch.logit(foreground.amax(1), eps=1e-9)
            shift = torch.logit(torch.tensor(min_score)) - best.topk(min(candidates, len(best))).values[-1]
            for conv in last:
                assert conv.bias is not None
                if isinstance(detector, SSDDetector):  # down for the background, up for the rest
                    conv.bias.view(-1, scores.shape[-1])[:, 0] -= shift
                else:
                    conv.bias += shift
    detector._checked = False


def _last_conv(module: nn.Module) -> nn.Conv2d:
    return [each for each in module.modules() if isinstance(each, nn.Conv2d)][-1]
