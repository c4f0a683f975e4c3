"""Tiny detectors with random weights that nevertheless detect things, and photographs to run them on.

Random weights give every row nearly the same low score, and a comparison of empty lists proves nothing. So the
features are normalised, the last layers are scaled up, and the class bias is shifted until rows of :func:`photograph`
pass ``THRESHOLD``: at least 20 detections and 5 suppressed rows for the seeds that tests use.

``FILE.py:FUNCTION`` works on this file too: ``tests/support/tiny.py:tiny_ssd``.
"""

import copy
from collections import OrderedDict
from collections.abc import Callable
from functools import lru_cache, wraps
from pathlib import Path
from typing import Any, ParamSpec, TypeVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torchvision.models.detection.anchor_utils import DefaultBoxGenerator
from torchvision.models.detection.ssd import SSD

THRESHOLD = 0.25  # the score that detections are counted at
SHARE = 0.15  # of all (row, label) pairs that pass it
CLASSES = ("box", "ball")  # of the SSD, whose label 0 is the background
FAMILIES = ("ssd", "ssdlite", "yolov3-tiny", "yolov5n-p6", "yolov8n", "yolov9t", "yolov10n:one2many",
            "yolov10n:one2one", "yolo11n", "yolo12n", "yolo26n", "yolov8n-seg", "yolov8n-pose", "retinanet",
            "fcos")  # what tiny_detector makes
QUERY_FAMILIES = ("rtdetr", "detr", "conditional_detr")  # and these, whose rows are others on every changed copy
TWO_STAGE = ("fasterrcnn", "maskrcnn", "keypointrcnn")  # and these, whose rows are no cells of a level

P = ParamSpec("P")
R = TypeVar("R")


def built_once(build: Callable[P, R]) -> Callable[P, R]:
    """A function that builds once for the same arguments, and returns a deep copy every time.

    What was built is never handed out, so no test sees what another has done to a model.
    """
    kept = lru_cache(16)(build)

    @wraps(build)
    def copied(*args: P.args, **options: P.kwargs) -> R:
        return copy.deepcopy(kept(*args, **options))

    return copied


def photograph(seed: int = 0, height: int = 96, width: int = 128) -> NDArray[np.uint8]:
    """Rectangles and some noise, uint8 ``[height, width, 3]``."""
    random = np.random.default_rng(seed)
    rgb = np.full((height, width, 3), 128.0)
    for _ in range(12):
        y, x = random.integers(0, height), random.integers(0, width)
        h, w = random.integers(height // 8, height // 2), random.integers(width // 8, width // 2)
        rgb[y : y + h, x : x + w] = random.integers(0, 256, 3)
    return (rgb + random.normal(0, 12, rgb.shape)).clip(0, 255).astype(np.uint8)


class SlimBackbone(nn.Module):
    """Three convolutional levels of strides 8, 16 and 32."""

    def __init__(self, channels: int = 12) -> None:
        super().__init__()
        self.stem = nn.Sequential(
            nn.Conv2d(3, channels, 3, 2, 1), nn.ReLU(inplace=True),
            nn.Conv2d(channels, channels, 3, 2, 1), nn.ReLU(inplace=True),
            nn.Conv2d(channels, channels, 3, 2, 1), nn.ReLU(inplace=True),
        )
        self.second = nn.Sequential(nn.Conv2d(channels, channels, 3, 2, 1), nn.ReLU(inplace=True))
        self.third = nn.Sequential(nn.Conv2d(channels, channels, 3, 2, 1), nn.ReLU(inplace=True))
        self.out_channels = [channels] * 3

    def forward(self, pixels: Tensor) -> "OrderedDict[str, Tensor]":
        first = self.stem(pixels)
        second = self.second(first)
        return OrderedDict([("0", first), ("1", second), ("2", self.third(second))])


@built_once
def tiny_ssd(seed: int = 0, size: int = 96) -> SSD:
    """A torchvision SSD with three levels, labels 1 and 2, 756 rows at 96 px; float32, in evaluation mode."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        backbone = SlimBackbone()
        anchors = DefaultBoxGenerator([[2], [2], [2]], scales=[0.15, 0.3, 0.55, 0.8], steps=[8, 16, 32])
        model = SSD(backbone, anchors, (size, size), num_classes=1 + len(CLASSES), score_thresh=0.01,
                    image_mean=[0.5] * 3, image_std=[0.25] * 3)
        for module in model.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, nonlinearity="relu")
                nn.init.normal_(module.bias, std=0.1)
        for module in model.head.regression_head.module_list:
            nn.init.normal_(module.weight, std=0.1)
    model.eval()
    _shift_ssd(model)
    return model


@built_once
def tiny_ssdlite(seed: int = 0, size: int = 128) -> SSD:
    """torchvision's own SSDlite320-MobileNetV3 on a small canvas: six levels, labels 1 and 2; in evaluation mode."""
    from torchvision.models.detection import ssdlite320_mobilenet_v3_large

    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model = ssdlite320_mobilenet_v3_large(weights=None, weights_backbone=None, num_classes=1 + len(CLASSES))
        model.transform.fixed_size = (size, size)
        model.nms_thresh = 0.9  # three levels have a single cell, and their boxes overlap
        images = model.transform(list(_canvases(size)))[0].tensors
        calibrate_norms(model, lambda: model.head(list(model.backbone(images).values())))
        for module in model.head.regression_head.module_list:
            nn.init.normal_(module[-1].weight, std=0.1)
    _shift_ssd(model)
    return model


def _shift_ssd(model: SSD) -> None:
    """Scale the class logits to a spread of 2 and shift the background's until ``SHARE`` of the rows pass."""
    pixels = torch.from_numpy(photograph()).permute(2, 0, 1) / 255
    with torch.no_grad():
        images, _ = model.transform([pixels])
        head = model.head.classification_head
        maps = list(model.backbone(images.tensors).values())
        last = [[each for each in module.modules() if isinstance(each, nn.Conv2d)][-1] for module in head.module_list]
        for module, conv, features in zip(head.module_list, last, maps, strict=True):
            factor = 2 / module(features).std()
            conv.weight.mul_(factor)
            conv.bias.mul_(factor)
        logits = head(maps)[0]
        low, high = -50.0, 50.0
        for _ in range(40):
            shift = (low + high) / 2
            moved = logits + torch.tensor([shift] + [0.0] * len(CLASSES))
            passing = (moved.softmax(-1)[:, 1:] > THRESHOLD).float().mean()
            low, high = (shift, high) if passing > SHARE else (low, shift)
        for conv in last:
            conv.bias.view(-1, 1 + len(CLASSES))[:, 0] += low + 0.01  # keeps clear of the row at the threshold itself


@built_once
def tiny_yolo(version: str = "yolov8n", seed: int = 0, imgsz: int = 128) -> nn.Module:
    """An ultralytics ``DetectionModel`` of three classes, a slim one of ``version``'s own architecture.

    Args:
        version: the name of one of ultralytics' YAML files, such as ``"yolov8n"``, ``"yolov10n"`` (end-to-end) or
            ``"yolov8n-seg"``.
        seed: of the weights.
        imgsz: canvas size that the class bias is shifted for; hand it to the detector too.
    """
    from detcam.detectors.for_ultralytics.lazy_import import import_ultralytics

    import_ultralytics()
    from ultralytics.nn.tasks import yaml_model_load

    settings = yaml_model_load(f"{version}.yaml")
    if "scales" in settings:
        depth, _, most = settings["scales"]["n"]
        width = 0.25 if version == "yolo12n" else 0.125  # as slim as the channels of an attention head allow
        settings["scales"] = {"n": [depth, width, most]}
    elif version != "yolov9t":  # which is slim as it is
        settings["width_multiple"] = 0.125
    settings["nc"] = 3
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model = yolo_class(version)(settings, ch=3, nc=3, verbose=False)
        normalise(model, imgsz)
        _shift_yolo(model, imgsz)
    model.names = {0: "person", 1: "box", 2: "ball"}
    model.args = {"imgsz": imgsz, "task": "detect"}
    return model.eval()


def yolo_class(version: str) -> Any:
    """The class of ultralytics' models that a version's are of."""
    from ultralytics.nn.tasks import DetectionModel, PoseModel, SegmentationModel

    return {"seg": SegmentationModel, "pose": PoseModel}.get(version.partition("-")[2], DetectionModel)


def _canvases(imgsz: int, stride: int = 32) -> Tensor:
    """Photographs, letterboxed to whole strides."""
    height = imgsz * 3 // 4
    photographs = torch.stack([torch.from_numpy(photograph(seed, height, imgsz)) for seed in range(4)])
    grey = (-height % stride) // 2
    return nn.functional.pad(photographs.permute(0, 3, 1, 2) / 255, (0, 0, grey, grey), value=114 / 255)


def normalise(model: Any, imgsz: int) -> None:
    """Set every batch normalisation of a YOLO to the statistics of a few photographs, so that features vary."""
    calibrate_norms(model, lambda: model(_canvases(imgsz, int(model.stride.max()))))


def calibrate_norms(model: nn.Module, run: Callable[[], object]) -> None:
    """Set every batch normalisation to the statistics of one run; the model is left in evaluation mode."""
    norms = [module for module in model.modules() if isinstance(module, nn.BatchNorm2d)]
    before = [norm.momentum for norm in norms]
    for norm in norms:
        norm.momentum = 1.0
    model.train()
    with torch.no_grad():
        run()
    for norm, momentum in zip(norms, before, strict=True):
        norm.momentum = momentum
    model.eval()


def _shift_yolo(model: Any, imgsz: int) -> None:
    """Give boxes of a few cells and class logits of a spread of 2, of which ``SHARE`` pass, in every head."""
    head = model.model[-1]
    branches = [(head.cv2, head.cv3)]
    if getattr(head, "one2one_cv2", None) is not None:
        branches.append((head.one2one_cv2, head.one2one_cv3))
    pixels = _canvases(imgsz, int(model.stride.max()))[:1]
    threshold = float(torch.logit(torch.tensor(THRESHOLD)))
    for boxes, classes in branches:
        logits = []
        for index in range(head.nl):
            _scale(model, boxes[index], pixels, 0.7)
            boxes[index][-1].bias.data = _box_bias(head.reg_max)
            logits.append(_scale(model, classes[index], pixels, 2.0))
        shift = threshold - torch.quantile(torch.cat(logits), 1 - SHARE)
        for module in classes:
            module[-1].bias.data += shift


def _box_bias(reg_max: int) -> Tensor:
    """Distances of three to four cells from centre to edge."""
    if reg_max == 1:
        return torch.full((4,), 4.0)
    return (-0.5 * (torch.arange(reg_max) - 3.0) ** 2 / 2).repeat(4)


def _scale(model: Any, branch: nn.Module, pixels: Tensor, spread: float) -> Tensor:
    """Scale a branch's last layer until its outputs have the given spread around 0; the outputs, flat."""
    outputs: list[Tensor] = []
    last = list(branch.children())[-1]
    last.bias.data.zero_()
    hook = branch.register_forward_hook(lambda *call: outputs.append(call[2].detach()))
    try:
        with torch.no_grad():
            model(pixels)
    finally:
        hook.remove()
    values = outputs[0]
    factor = spread / values.std()
    last.weight.data *= factor
    last.bias.data -= values.mean(dim=(0, 2, 3)) * factor
    return ((values - values.mean(dim=(0, 2, 3), keepdim=True)) * factor).flatten()


def save_yolo(model: Any, path: Path, imgsz: int = 128) -> Path:
    """Write a checkpoint as ultralytics does; ``detcam.load(path)`` and ``YOLO(path)`` read it."""
    torch.save({"model": model, "ema": None, "train_args": {"imgsz": imgsz, "task": "detect"}}, path)
    return path


def live_yolo(folder: Path, version: str = "yolov8n", seed: int = 0, imgsz: int = 128) -> Any:
    """A live ``ultralytics.YOLO`` around :func:`tiny_yolo`, whose checkpoint lies in ``folder``."""
    from detcam.detectors.for_ultralytics.lazy_import import import_ultralytics

    return import_ultralytics().YOLO(str(save_yolo(tiny_yolo(version, seed, imgsz), folder / f"{version}-tiny.pt")))


def tiny_detector(family: str) -> Any:
    """A detector of a tiny model: one of ``FAMILIES``, ``QUERY_FAMILIES`` or ``TWO_STAGE``, or another YOLO's version.

    ``:one2one`` chooses its head.
    """
    if family in QUERY_FAMILIES:
        from support.tiny_detr import tiny_detr_detector

        return tiny_detr_detector(family)
    from detcam.detectors.for_torchvision.rcnn import RCNNDetector
    from detcam.detectors.for_torchvision.ssd import SSDDetector
    from detcam.detectors.for_ultralytics.yolo import YOLODetector
    from support.tiny_dense import TINY_DENSE
    from support.tiny_rcnn import TINY_RCNN

    if family in TINY_DENSE:
        return TINY_DENSE[family]()
    if family in TWO_STAGE:
        return RCNNDetector(TINY_RCNN[family](), name=family)
    if family in ("ssd", "ssdlite"):
        return SSDDetector(tiny_ssd() if family == "ssd" else tiny_ssdlite(), name=family)
    version, _, head = family.partition(":")
    return YOLODetector(tiny_yolo(version), {"imgsz": 128}, family, head=head or None)
