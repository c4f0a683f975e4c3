"""From a folder, a published name or a live model of transformers to the detector."""

from pathlib import Path

from detcam.detectors.base import Detector
from detcam.detectors.for_transformers.checkpoint import PUBLISHED, load_hf
from detcam.detectors.for_transformers.detr import HFDetrDetector
from detcam.detectors.loading.request import Request


def load_detr(request: Request) -> Detector:
    """The detector of a DETR or Conditional DETR; one that is read from a file runs on the CPU unless told otherwise.

    Raises:
        DetectorError: transformers is not installed, or the model is of another kind.
        WeightsError: the model cannot be downloaded or read.
    """
    device = request.options.get("device")
    if not request.is_text:
        network, processor, name = request.model, None, request.name
    else:
        network, processor = load_hf(request.model)
        name = request.model if request.model in PUBLISHED else Path(request.model).resolve().name
        device = device or "cpu"
    if device is not None:
        network.to(device)
    return HFDetrDetector(network, processor, name)
