"""Classifiers by name, from torchvision and timm, with their weights and class names; and live ones."""

import re
import sys
from functools import cache
from pathlib import Path
from typing import Any

import torch
from torch import nn

from detcam.detectors.loading.state_dict import load_state
from detcam.errors import DetectorError, InputError, WeightsError, near

TIMM = "timm:"
SYNSET = re.compile(r"n\d{8}\s+")  # of WordNet: "n01440764 tench, Tinca tinca"
NOT_CLASSIFIERS = ("detection", "segmentation", "video", "optical_flow", "quantization")


@cache
def torchvision_names() -> tuple[str, ...]:
    """Every classifier that torchvision builds by name."""
    from torchvision import models

    return tuple(models.list_models(module=models))


def is_classifier(model: object) -> bool:
    """Whether a live model is one of torchvision's classifiers or of timm's models."""
    if isinstance(getattr(model, "default_cfg", None), dict) or hasattr(model, "pretrained_cfg"):
        return True
    homes = [kind.__module__.split(".") for kind in type(model).__mro__]
    return any(home[:2] == ["torchvision", "models"] and home[2] not in NOT_CLASSIFIERS for home in homes)


def named_classifier(name: str, weights: str | Path | None, words: dict[int, str] | None, device: str, top_k: int
                     ) -> Any:
    """A classifier of torchvision's by its name, or of timm's as ``timm:NAME``.

    Args:
        name: which.
        weights: a state dict; None takes the published weights.
        words: label to class name; None takes those of the published weights, where they are as many.
        device: where to run.
        top_k: how many classes are detections.

    Raises:
        InputError: timm has no such model, or is not installed.
        WeightsError: the weights cannot be had; the message says which file to put where.
    """
    count = None if words is None or weights is None else len(words)
    build = _timm if name.startswith(TIMM) else _torchvision
    model = build(name, weights is None, count)
    if weights is not None:
        load_state(model, Path(weights))
    return live_classifier(model.to(device), name, words or _published_words(name, model), top_k, name)


def live_classifier(model: nn.Module, name: str, words: dict[int, str] | None, top_k: int,
                    architecture: str | None = None) -> Any:
    """A live classifier. One that is not called by its name is seen through torchvision's usual transforms.

    These bring the shorter side to 256 pixels, bilinear, and cut out 224 by 224.
    """
    from torchvision.transforms._presets import ImageClassification

    from detcam.detectors.classifiers.adapter import ClassifierDetector
    from detcam.detectors.classifiers.preprocessing import timm_input, torchvision_input

    if hasattr(model, "pretrained_cfg"):
        view = timm_input(model)
    elif architecture in torchvision_names():
        view = torchvision_input(_weights_of(architecture or "").transforms())
    else:
        view = torchvision_input(ImageClassification(crop_size=224))
    return ClassifierDetector(model, view, tidy(words), name, architecture, top_k)


def tidy(words: dict[int, str] | None) -> dict[int, str] | None:
    """Class names without ImageNet's synset numbers, and of their synonyms the first, as torchvision has them."""
    if words is None:
        return None
    return {label: SYNSET.sub("", word).split(",")[0].strip() if SYNSET.match(word) else word
            for label, word in words.items()}


def _weights_of(name: str) -> Any:
    from torchvision.models import get_model_weights

    return get_model_weights(name).DEFAULT


def _torchvision(name: str, published: bool, count: int | None) -> nn.Module:
    from torchvision.models import get_model

    options = {} if count is None else {"num_classes": count}
    if name in ("googlenet", "inception_v3") and not published:
        options["init_weights"] = False
    if not published:
        return get_model(name, weights=None, **options)
    weights = _weights_of(name)
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


def _published_words(name: str, model: Any) -> dict[int, str] | None:
    """The class names of a model's published weights; None where it has another number of classes."""
    if not name.startswith(TIMM):
        return dict(enumerate(_weights_of(name).meta["categories"])) if _outputs(model) == 1000 else None
    from timm.data import ImageNetInfo, infer_imagenet_subset

    subset = infer_imagenet_subset(model)
    if subset is None:
        return None
    known = ImageNetInfo(subset)
    return {label: known.index_to_description(label).split(",")[0] for label in range(known.num_classes())}


def _outputs(model: nn.Module) -> int:
    """How many classes the last layer with weights has."""
    last = [module for module in model.modules() if isinstance(module, (nn.Linear, nn.Conv2d))][-1]
    return int(last.out_features if isinstance(last, nn.Linear) else last.out_channels)


def _line(error: Exception) -> str:
    return " ".join(str(error).split())[:200] or type(error).__name__
