"""Classifiers of torchvision's and timm's by name, with their published weights and class names."""

import re
import sys
from pathlib import Path
from typing import Any

import torch
from torch import nn

from detcam.detectors.classifiers.registry import TIMM
from detcam.errors import DetectorError, InputError, WeightsError, near

SYNSET = re.compile(r"n\d{8}\s+")  # of WordNet: "n01440764 tench, Tinca tinca"


def build_classifier(name: str, published: bool, count: int | None) -> nn.Module:
    """A classifier of torchvision's by its name, or of timm's as ``timm:NAME``.

    Args:
        name: which.
        published: with its published weights, otherwise with random ones.
        count: how many classes; None takes the published number.

    Raises:
        InputError: timm has no such model, or is not installed.
        DetectorError: timm cannot build it.
        WeightsError: the published weights cannot be had; the message says which file to put where.
    """
    return (_timm if name.startswith(TIMM) else _torchvision)(name, published, count)


def published_class_names(name: str, model: nn.Module) -> dict[int, str] | None:
    """The class names of a model's published weights, by label; None where the model has another number of classes."""
    if not name.startswith(TIMM):
        return dict(enumerate(published_weights(name).meta["categories"])) if _outputs(model) == 1000 else None
    from timm.data import ImageNetInfo, infer_imagenet_subset

    subset = infer_imagenet_subset(model)
    if subset is None:
        return None
    known = ImageNetInfo(subset)
    return {label: known.index_to_description(label).split(",")[0] for label in range(known.num_classes())}


def tidy(class_names: dict[int, str] | None) -> dict[int, str] | None:
    """Class names by label, ImageNet's as torchvision has them: without synset numbers, the first of the synonyms."""
    if class_names is None:
        return None
    return {label: SYNSET.sub("", name).split(",")[0].strip() if SYNSET.match(name) else name
            for label, name in class_names.items()}


def published_weights(name: str) -> Any:
    """torchvision's entry about a model's default weights: their address, class names and transforms."""
    from torchvision.models import get_model_weights

    return get_model_weights(name).DEFAULT


def _torchvision(name: str, published: bool, count: int | None) -> nn.Module:
    from torchvision.models import get_model

    options = {} if count is None else {"num_classes": count}
    if name in ("googlenet", "inception_v3") and not published:
        options["init_weights"] = False
    if not published:
        return get_model(name, weights=None, **options)
    weights = published_weights(name)
    try:
        return get_model(name, weights=weights, progress=sys.stderr.isatty())
    except (OSError, RuntimeError) as error:
        folder = Path(torch.hub.get_dir()) / "checkpoints"
        raise WeightsError(
            f"{name}: its published weights cannot be downloaded or read ({_line(error)}); without a network, fetch "
            f"{weights.url} elsewhere and put it at {folder / Path(weights.url).name}") from None


def _timm(name: str, published: bool, count: int | None) -> nn.Module:
    try:
        import timm
    except ImportError:
        raise InputError(f"{name}: timm is not installed; python -m pip install 'detcam[timm]'") from None

    short = name.removeprefix(TIMM)
    if not timm.is_model(short):
        raise InputError(f"timm has no model {short!r}: {near(short, timm.list_models())}")
    options: dict[str, Any] = {} if count is None else {"num_classes": count}
    try:
        return timm.create_model(short, pretrained=published, **options)
    except Exception as error:  # the hub raises many kinds
        if not published:
            raise DetectorError(f"{name}: cannot be built ({type(error).__name__}: {_line(error)})") from error
        raise WeightsError(
            f"{name}: its published weights cannot be downloaded or read ({_line(error)}); without a network, fetch "
            f"{_timm_url(short)} elsewhere and name the file with weights (--weights FILE)") from None


def _timm_url(name: str) -> str:
    from timm.models import get_pretrained_cfg

    config: Any = get_pretrained_cfg(name)
    if config.hf_hub_id:
        return f"https://huggingface.co/{config.hf_hub_id}/resolve/main/model.safetensors"
    return str(config.url)


def _outputs(model: nn.Module) -> int:
    """How many classes the last layer with weights has."""
    last = [module for module in model.modules() if isinstance(module, (nn.Linear, nn.Conv2d))][-1]
    return int(last.out_features if isinstance(last, nn.Linear) else last.out_channels)


def _line(error: Exception) -> str:
    return " ".join(str(error).split())[:200] or type(error).__name__
