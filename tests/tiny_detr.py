"""Tiny detection transformers with random weights that nevertheless detect things: RT-DETR of ultralytics."""

from typing import Any

import torch
from tiny import SHARE, THRESHOLD, _canvases, calibrate_norms
from torch import Tensor, nn

RTDETR_QUERIES = 60
RTDETR = {  # rtdetr-l.yaml in small: HGNet, one encoder layer, a neck of three levels, two decoder layers
    "nc": 3, "scales": {"l": [1.0, 1.0, 1024]}, "scale": "l",
    "backbone": [
        [-1, 1, "HGStem", [8, 16]], [-1, 2, "HGBlock", [8, 16, 3]],
        [-1, 1, "DWConv", [16, 3, 2, 1, False]], [-1, 2, "HGBlock", [8, 24, 3]],
        [-1, 1, "DWConv", [24, 3, 2, 1, False]], [-1, 2, "HGBlock", [8, 32, 3]],
        [-1, 1, "DWConv", [32, 3, 2, 1, False]], [-1, 2, "HGBlock", [8, 32, 3]]],
    "head": [
        [-1, 1, "Conv", [32, 1, 1, None, 1, 1, False]], [-1, 1, "AIFI", [64, 4]], [-1, 1, "Conv", [32, 1, 1]],
        [-1, 1, "nn.Upsample", [None, 2, "nearest"]], [5, 1, "Conv", [32, 1, 1, None, 1, 1, False]],
        [[-2, -1], 1, "Concat", [1]], [-1, 1, "RepC3", [32]], [-1, 1, "Conv", [32, 1, 1]],
        [-1, 1, "nn.Upsample", [None, 2, "nearest"]], [3, 1, "Conv", [32, 1, 1, None, 1, 1, False]],
        [[-2, -1], 1, "Concat", [1]], [-1, 1, "RepC3", [32]],
        [-1, 1, "Conv", [32, 3, 2]], [[-1, 15], 1, "Concat", [1]], [-1, 1, "RepC3", [32]],
        [-1, 1, "Conv", [32, 3, 2]], [[-1, 10], 1, "Concat", [1]], [-1, 1, "RepC3", [32]],
        [[19, 22, 25], 1, "RTDETRDecoder", ["nc", 32, RTDETR_QUERIES, 2, 4, 2, 64]]],
}


def tiny_rtdetr(seed: int = 2, imgsz: int = 128) -> nn.Module:
    """An ultralytics ``RTDETRDetectionModel`` of three classes; seed 2 finds boxes of all three levels."""
    model = random_rtdetr({**RTDETR, "yaml_file": "rtdetr-tiny.yaml"}, seed, imgsz)
    model.names = {0: "person", 1: "box", 2: "ball"}
    return model


def random_rtdetr(settings: dict[str, Any], seed: int, imgsz: int) -> Any:
    """A ``RTDETRDetectionModel`` whose random weights detect things on a canvas of that size."""
    from detcam.detectors.ultralytics_import import import_ultralytics

    import_ultralytics()
    from ultralytics.nn.tasks import RTDETRDetectionModel

    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model = RTDETRDetectionModel(settings, verbose=False)
        pixels = _canvases(imgsz)
        calibrate_norms(model, lambda: model(pixels))
        head = model.model[-1]
        nn.init.normal_(head.enc_score_head.weight, std=0.3)
        for branch in head.dec_bbox_head:
            nn.init.normal_(branch.layers[-1].weight, std=0.1)
        spread_logits(head.dec_score_head[-1], lambda: model(pixels[:1]))
    model.names = {label: f"thing {label}" for label in range(head.nc)}
    model.args = {"imgsz": imgsz, "task": "detect"}
    return model.eval()


def spread_logits(linear: nn.Linear, run: Any, last: int = 0) -> None:
    """Scale a class layer until its logits spread by 2, and shift its bias until ``SHARE`` of them pass ``THRESHOLD``.

    Args:
        linear: the layer.
        run: runs the model once.
        last: columns at the end that are no class, to be left alone.
    """
    outputs: list[Tensor] = []
    hook = linear.register_forward_hook(lambda *call: outputs.append(call[2].detach()))
    nn.init.normal_(linear.weight)
    nn.init.zeros_(linear.bias)
    try:
        with torch.no_grad():
            run()
    finally:
        hook.remove()
    values = outputs[0]
    factor = 2 / (values - values.mean((0, 1))).std()
    spread = (values - values.mean((0, 1))) * factor
    threshold = float(torch.logit(torch.tensor(THRESHOLD)))
    linear.weight.data *= factor
    linear.bias.data = threshold - torch.quantile(spread, 1 - SHARE) - values.mean((0, 1)) * factor


def tiny_detr_detector(family: str) -> Any:
    """A detector of a tiny model: one of ``tiny.QUERY_FAMILIES``."""
    from detcam.detectors.rtdetr import RTDETRDetector

    return RTDETRDetector(tiny_rtdetr(), {"imgsz": 128}, family)
