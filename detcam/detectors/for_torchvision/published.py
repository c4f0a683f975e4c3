"""torchvision's detectors with their published weights and class names."""

import sys
from pathlib import Path
from typing import Any

import torch
from torch import nn

from detcam.detectors.for_torchvision.registry import WITHOUT_EPS
from detcam.errors import WeightsError


def published_names(name: str) -> list[str]:
    """The class names of a model's published weights, from label 1 on."""
    words: list[str] = _published(name).meta["categories"][1:]
    return words


def build(name: str, classes: int | None) -> nn.Module:
    """A model by its name: with random weights for so many classes, the background among them; with None, published.

    Raises:
        WeightsError: its published weights cannot be had; the message says which file to put where.
    """
    from torchvision.models import get_model

    if classes is not None:
        return get_model(name, weights=None, weights_backbone=None, num_classes=classes)
    published = _published(name)
    try:
        return get_model(name, weights=published, progress=sys.stderr.isatty())
    except (OSError, RuntimeError) as error:
        folder = Path(torch.hub.get_dir()) / "checkpoints"
        raise WeightsError(
            f"{name}: its published weights cannot be downloaded or read ({error}); without a network, fetch "
            f"{published.url} elsewhere and put it at {folder / Path(published.url).name}") from None


def as_published(model: nn.Module, name: str, weights: Path) -> None:
    """Run a model as torchvision runs it with its published weights, where a file is these, by its name."""
    if name in WITHOUT_EPS and weights.name == Path(_published(name).url).name:
        for module in model.modules():
            if isinstance(module, nn.BatchNorm2d):
                module.eps = 0.0


def _published(name: str) -> Any:
    from torchvision.models import get_model_weights

    return get_model_weights(name).DEFAULT
