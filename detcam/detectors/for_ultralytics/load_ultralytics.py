"""From an ultralytics checkpoint, or a live YOLO or RTDETR, to the detector."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from torch import nn

from detcam.detectors.base import Detector
from detcam.detectors.for_ultralytics.names import YOLO_NAMES
from detcam.detectors.loading.request import Request
from detcam.errors import DetectorError


@dataclass(frozen=True)
class Checkpoint:
    """What a checkpoint holds, under the names that a live ``YOLO`` has for it.

    Attributes:
        model: the network, on the CPU.
        overrides: the settings that ``predict`` would take from it, such as ``imgsz``.
        model_name: the file's name.
    """

    model: nn.Module
    overrides: dict[str, Any]
    model_name: str


def open_checkpoint(request: Request) -> Request:
    """The request for the model in a ``.pt`` file, or under one of ultralytics' published names.

    Raises:
        WeightsError: the file is missing, cannot be downloaded, is unsafe, damaged, or no YOLO checkpoint.
    """
    from detcam.detectors.for_ultralytics.checkpoint import load_checkpoint

    network, overrides = load_checkpoint(request.model, YOLO_NAMES, request.unsafe)
    name = Path(request.model).name
    return Request(Checkpoint(network, overrides, name), name, request.options)


def load_yolo(request: Request) -> Detector:
    """The detector of a live ``YOLO``, or of a checkpoint of one.

    Raises:
        DetectorError: it runs no PyTorch model, is no detection model, or has no such head.
        InputError: ``head`` is no word for one.
    """
    from detcam.detectors.for_ultralytics.yolo import YOLODetector

    return YOLODetector(*_parts(request), **_settings(request))


def load_rtdetr(request: Request) -> Detector:
    """The detector of a live ``RTDETR``, or of a checkpoint of one.

    Raises:
        DetectorError: its head is none of RT-DETR's.
    """
    from detcam.detectors.for_ultralytics.rtdetr import RTDETRDetector

    return RTDETRDetector(*_parts(request), **_settings(request))


def _parts(request: Request) -> tuple[nn.Module, dict[str, Any], str]:
    """The network, its settings and what to call it."""
    live = request.model
    if not isinstance(live.model, nn.Module):
        raise DetectorError(f"{request.name}: expected a YOLO with a PyTorch model, got one that runs {live.model}")
    return live.model, live.overrides, Path(str(getattr(live, "model_name", None) or type(live).__name__)).name


def _settings(request: Request) -> dict[str, Any]:
    """The options, with the device that the network is on where none was given."""
    return {"device": str(next(request.model.model.parameters()).device), **request.options}
