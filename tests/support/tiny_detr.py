"""Tiny detection transformers with random weights that nevertheless detect things: ultralytics' and transformers'."""

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from support.tiny import SHARE, THRESHOLD, _canvases, built_once, calibrate_norms

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


HF_CLASSES = {0: "person", 1: "box", 2: "ball"}


@built_once
def tiny_rtdetr(seed: int = 2, imgsz: int = 128) -> nn.Module:
    """An ultralytics ``RTDETRDetectionModel`` of three classes; seed 2 finds boxes of all three levels."""
    model = random_rtdetr({**RTDETR, "yaml_file": "rtdetr-tiny.yaml"}, seed, imgsz)
    model.names = {0: "person", 1: "box", 2: "ball"}
    return model


def random_rtdetr(settings: dict[str, Any], seed: int, imgsz: int) -> Any:
    """A ``RTDETRDetectionModel`` whose random weights detect things on a canvas of that size."""
    from detcam.detectors.for_ultralytics.lazy_import import import_ultralytics

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


@built_once
def tiny_hf(kind: str = "detr", seed: int = 0, timm: bool = False) -> tuple[Any, Any]:
    """A model of transformers with three classes and 40 queries, in evaluation mode, and its image processor.

    Args:
        kind: its ``model_type``.
        seed: of the weights.
        timm: with a backbone of timm's, as the published DETRs have, not one of transformers' own.
    """
    import transformers

    name = {"detr": "Detr", "conditional_detr": "ConditionalDetr"}[kind]
    backbone = transformers.ResNetConfig(embedding_size=8, hidden_sizes=[8, 12, 16, 24], depths=[1, 1, 1, 1],
                                         layer_type="basic", out_features=["stage4"])
    if timm:
        backbone = transformers.TimmBackboneConfig(backbone="test_resnet", out_indices=[4],
                                                   use_pretrained_backbone=False)
    config = getattr(transformers, f"{name}Config")(
        backbone=None, backbone_config=backbone, use_timm_backbone=False, use_pretrained_backbone=False, num_queries=40,
        num_labels=len(HF_CLASSES), id2label=HF_CLASSES,
        label2id={word: label for label, word in HF_CLASSES.items()}, d_model=32, encoder_layers=1, decoder_layers=2,
        encoder_ffn_dim=32, decoder_ffn_dim=32, encoder_attention_heads=4, decoder_attention_heads=4)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model = getattr(transformers, f"{name}ForObjectDetection")(config).eval()
        for module in model.modules():
            if isinstance(module, nn.Linear):
                nn.init.xavier_normal_(module.weight, gain=1.5)
            elif isinstance(module, nn.Embedding):
                nn.init.normal_(module.weight, std=3.0)  # so that queries look at different places
        _shift_hf(model, kind)
    size = {"shortest_edge": 96, "longest_edge": 160}
    return model, getattr(transformers, f"{name}ImageProcessor")(size=size)


def _shift_hf(model: Any, kind: str) -> None:
    pixels = (_canvases(128) - 0.45) / 0.22  # about ImageNet's mean and deviation
    run = lambda: model(pixel_values=pixels[:1])  # noqa: E731
    _calibrate_frozen(model, lambda: model(pixel_values=pixels))
    linear = model.class_labels_classifier
    spread_logits(linear, run)
    if kind != "detr":
        return
    with torch.no_grad():
        logits = run().logits
    low, high = -50.0, 50.0
    for _ in range(40):  # of no object's bias, until two of three queries find something
        shift = (low + high) / 2
        best = (logits + torch.tensor([0.0] * len(HF_CLASSES) + [shift])).softmax(-1)[..., :-1].amax(-1)
        low, high = (shift, high) if (best > THRESHOLD).float().mean() > 2 / 3 else (low, shift)
    linear.bias.data[-1] += low - 0.01


def _calibrate_frozen(model: nn.Module, run: Callable[[], object]) -> None:
    """Set every frozen batch normalisation to the statistics of one run."""
    def own_statistics(module: Any, args: tuple[Tensor, ...]) -> None:
        module.running_mean.copy_(args[0].mean((0, 2, 3)))
        module.running_var.copy_(args[0].var((0, 2, 3)))

    hooks = [module.register_forward_pre_hook(own_statistics) for module in model.modules()
             if type(module).__name__.endswith("FrozenBatchNorm2d")]
    assert hooks
    with torch.no_grad():
        run()
    for hook in hooks:
        hook.remove()


def tiny_detr_detector(family: str) -> Any:
    """A detector of a tiny model: one of ``tiny.QUERY_FAMILIES``."""
    from detcam.detectors.for_transformers.detr import HFDetrDetector
    from detcam.detectors.for_ultralytics.rtdetr import RTDETRDetector

    if family == "rtdetr":
        return RTDETRDetector(tiny_rtdetr(), {"imgsz": 128}, family)
    pytest.importorskip("transformers", reason="DETR needs transformers: pip install 'detcam[detr]'")
    return HFDetrDetector(*tiny_hf(family), name=family)
