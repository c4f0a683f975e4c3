"""The private, fused and frozen copy of an ultralytics model that ``predict`` itself would run."""

from typing import Any

import torch
from torch import nn

from detcam.detectors.layers.edge_layer import last_fine_layer

PROBE_SIZE = 64  # canvas pixels: the smallest size on which every level of a stride-32 model has more than one cell
FINE = 8  # the stride of the last backbone layer at which the evidence on an edge is measured


def own_predictor(kind: Any, model: Any, overrides: dict[str, Any] | None, imgsz: int | tuple[int, int] | None,
                  device: str, own: dict[str, Any]) -> Any:
    """A predictor of its own with a copy of a model.

    Args:
        kind: ultralytics' class of predictors.
        model: the network (from a checkpoint or a live model); it is copied and left alone.
        overrides: the settings that ``predict`` would use, such as ``imgsz``.
        imgsz: canvas size; None takes the overrides'.
        device: where to run.
        own: settings that go before the overrides, such as the task.
    """
    from ultralytics.utils.checks import check_imgsz

    settings = dict(overrides or {}) | {"task": "detect", "mode": "predict", "batch": 1, "rect": True,
                                        "save": False, "verbose": False, "device": device} | own
    for unwanted in ("model", "retina_masks"):
        settings.pop(unwanted, None)
    if imgsz is not None:
        settings["imgsz"] = imgsz
    predictor = kind(overrides=settings)
    predictor.setup_model(model=model, verbose=False)
    predictor.imgsz = check_imgsz(predictor.args.imgsz, stride=predictor.model.stride, min_dim=2)
    return predictor


def architecture_of(model: Any, otherwise: str) -> str:
    """What the model's YAML file is called."""
    return str(getattr(model, "yaml", {}).get("yaml_file", otherwise)).removesuffix(".yaml")


def backbone_layers(model: Any) -> dict[str, nn.Module]:
    """The layers of the backbone by name, without the neck's."""
    backbone = model.model[: len(model.yaml["backbone"])]
    return {f"model.{index}": layer for index, layer in enumerate(backbone)}


def last_layer_of_stride_8(model: Any, like: torch.Tensor) -> str:
    """The last backbone layer of stride 8, or ``"auto"`` without one; ``like`` is a tensor of its device and dtype."""
    pixels = torch.zeros(1, 3, PROBE_SIZE, PROBE_SIZE, device=like.device, dtype=like.dtype)

    def run() -> float:
        model(pixels)
        return PROBE_SIZE / FINE

    with torch.no_grad():
        return last_fine_layer(backbone_layers(model), run) or "auto"
