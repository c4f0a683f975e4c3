"""The detections that a model of torchvision's gives by itself, under settings that are changed for the call."""

from collections.abc import Mapping
from typing import Any

import torch

from detcam.detectors.base import Detector
from detcam.detectors.detections import Detections
from detcam.detectors.from_tensors import without_rows
from detcam.imaging.image import Image


def model_detections(detector: Detector, image: Image, holder: Any, settings: Mapping[str, Any]) -> Detections:
    """The model's own detections of a photograph: boxes in source pixels, no rows (-1).

    Args:
        detector: around a model of torchvision's.
        image: the photograph.
        holder: the module whose attributes are set for the call, and set back after it.
        settings: attribute to value, such as ``score_thresh``.
    """
    pixels = torch.from_numpy(image.rgb).permute(2, 0, 1).to(detector.device, detector.dtype) / 255
    before = {name: getattr(holder, name) for name in settings}
    with detector.borrowed(), torch.no_grad():
        try:
            for name, value in settings.items():
                setattr(holder, name, value)
            answer = detector.model([pixels])[0]
        finally:
            for name, value in before.items():
                setattr(holder, name, value)
    return without_rows(answer["boxes"], answer["labels"], answer["scores"])
