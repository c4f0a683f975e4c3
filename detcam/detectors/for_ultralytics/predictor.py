"""The private, fused and frozen copy of an ultralytics model that ``predict`` itself would run."""

from typing import Any

import torch
from torch import nn

from detcam.detectors.layers.edge_layer import last_fine_layer

PROBE_SIZE = 64  # canvas pixels a side: the smallest on which each level of a stride-32 model has more than one cell
FINE = 8  # the stride of the backbone layer at which the evidence for an edge is measured


def private_predictor(kind: Any, model: Any, overrides: dict[str, Any] | None, imgsz: int | tuple[int, int] | None,
                      device: str, settings: dict[str, Any]) -> Any:
    """A predictor of ultralytics' with a private copy of a model, fused and frozen.

    Args:
        kind: ultralytics' class of predictors.
        model: the network (from a checkpoint or a live model); it is copied and left as it is.
        overrides: the settings that ``predict`` would use, such as ``imgsz``.
        imgsz: the canvas in pixels: its longer side, or height and width; None takes the overrides'.
        device: where to run.
        settings: what replaces the overrides, such as the task.
    """
    from ultralytics.utils.checks import check_imgsz

    chosen = dict(overrides or {}) | {"task": "detect", "mode": "predict", "batch": 1, "rect": True, "save": False,
                                      "verbose": False, "device": device} | settings
    for unwanted in ("model", "retina_masks"):
        chosen.pop(unwanted, None)
    if imgsz is not None:
        chosen["imgsz"] = imgsz
    predictor = kind(overrides=chosen)
    predictor.setup_model(model=model, verbose=False)
    predictor.imgsz = check_imgsz(predictor.args.imgsz, stride=predictor.model.stride, min_dim=2)
    return predictor


def architecture_of(model: Any, otherwise: str) -> str:
    """The name of the model's YAML file without its ending, such as ``"yolov8n"``; ``otherwise`` where it has none."""
    return str(getattr(model, "yaml", {}).get("yaml_file", otherwise)).removesuffix(".yaml")


def backbone_layers(model: Any) -> dict[str, nn.Module]:
    """The layers of the backbone by name, without the neck's."""
    backbone = model.model[: len(model.yaml["backbone"])]
    return {f"model.{index}": layer for index, layer in enumerate(backbone)}


def last_layer_of_stride_8(model: Any, like: torch.Tensor) -> str:
    """The last backbone layer with a cell every 8 canvas pixels; ``"auto"`` where there is none.

    Args:
        model: the network.
        like: a tensor on its device, of its kind of floats.
    """
    pixels = torch.zeros(1, 3, PROBE_SIZE, PROBE_SIZE, device=like.device, dtype=like.dtype)

    def run() -> float:
        model(pixels)
        return PROBE_SIZE / FINE

    with torch.no_grad():
        return last_fine_layer(backbone_layers(model), run) or "auto"
