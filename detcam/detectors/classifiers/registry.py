"""Which names and live models are classifiers."""

from functools import cache

TIMM = "timm:"  # before the name of a model of timm's
NOT_CLASSIFIERS = ("detection", "segmentation", "video", "optical_flow", "quantization")  # of torchvision.models


@cache
def torchvision_names() -> tuple[str, ...]:
    """Every classifier that torchvision builds by name; the first call imports torchvision."""
    from torchvision import models

    return tuple(models.list_models(module=models))


def is_classifier(model: object) -> bool:
    """Whether a live model is one of torchvision's classifiers or of timm's models."""
    if isinstance(getattr(model, "default_cfg", None), dict) or hasattr(model, "pretrained_cfg"):
        return True
    homes = [kind.__module__.split(".") for kind in type(model).__mro__]
    return any(home[:2] == ["torchvision", "models"] and home[2] not in NOT_CLASSIFIERS for home in homes)
