"""From a classifier's name, or a live classifier, to the detector."""

from pathlib import Path

from torch import nn

from detcam.detectors.base import Detector
from detcam.detectors.classifiers.adapter import ClassifierDetector
from detcam.detectors.classifiers.named_classifier import (
    build_classifier,
    published_class_names,
    published_weights,
    tidy,
)
from detcam.detectors.classifiers.preprocessing import ClassifierInput, timm_input, torchvision_input
from detcam.detectors.classifiers.registry import torchvision_names
from detcam.detectors.loading.class_names import read_class_names
from detcam.detectors.loading.request import Request
from detcam.detectors.loading.state_dict import load_state


def load_classifier(request: Request) -> Detector:
    """The detector around a classifier, by name or live, whose class names count from label 0 on.

    One that is called by its name runs on the CPU where no device is given. It takes its published class names where
    none are given and it has as many classes.

    Raises:
        InputError: timm has no such model or is not installed, or the class names are not as many as the classes.
        WeightsError: the weights cannot be had, read, or do not fit.
        DetectorError: the network does not answer with logits.
    """
    weights, device = request.options.get("weights"), request.options.get("device")
    class_names = read_class_names(request.options.get("class_names"), first=0)
    if request.is_text:
        count = None if class_names is None or weights is None else len(class_names)
        model, architecture = build_classifier(request.model, weights is None, count), request.model
        device = device or "cpu"
    else:
        model, architecture = request.model, None
    if weights is not None:
        load_state(model, Path(weights))
    if device is not None:
        model.to(device)
    if request.is_text:
        class_names = class_names or published_class_names(request.model, model)
    settings = {name: value for name, value in request.options.items() if name == "top_k"}
    return ClassifierDetector(model, _preprocessing(model, architecture), tidy(class_names), request.name, architecture,
                              **settings)


def _preprocessing(model: nn.Module, architecture: str | None) -> ClassifierInput:
    """What brings a photograph in: timm's own, the published weights', or torchvision's usual transforms.

    The last bring the shorter side to 256 pixels, bilinear, and cut out 224 by 224.
    """
    if hasattr(model, "pretrained_cfg"):
        return timm_input(model)
    if architecture in torchvision_names():
        return torchvision_input(published_weights(architecture or "").transforms())
    from torchvision.transforms._presets import ImageClassification

    return torchvision_input(ImageClassification(crop_size=224))
