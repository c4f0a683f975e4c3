"""The tape: layers by name, statuses, windows, and a model that is left as it was found."""

import copy
from collections import OrderedDict
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from support.tiny import FAMILIES, live_yolo, photograph, tiny_detector, tiny_ssd, tiny_yolo
from torch import nn
from torchvision.models.detection import ssd300_vgg16
from torchvision.models.detection.anchor_utils import DefaultBoxGenerator
from torchvision.models.detection.ssd import SSD

import detcam
from detcam.attribution.gradients.receptive_window import structural_window
from detcam.attribution.gradients.tape import Tape
from detcam.attribution.heatmap import UNREACHABLE, Heatmap, fuse
from detcam.attribution.target import TARGETS
from detcam.detectors.for_torchvision.ssd import SSDDetector
from detcam.detectors.for_ultralytics.yolo import YOLODetector
from detcam.errors import LayerError
from detcam.imaging.geometry import Geometry
from detcam.imaging.grid import Grid
from detcam.imaging.image import Image

IMAGE = Image(photograph(1), "rectangles")


def state_of(model: nn.Module) -> dict[str, Any]:
    hooks = ("_forward_hooks", "_forward_pre_hooks", "_backward_hooks")
    return {
        "weights": {key: value.clone() for key, value in model.state_dict().items()},
        "training": [module.training for module in model.modules()],
        "requires_grad": [weight.requires_grad for weight in model.parameters()],
        "grad": [weight.grad for weight in model.parameters()],
        "hooks": [len(getattr(module, name)) for module in model.modules() for name in hooks],
    }


def assert_as_found(before: dict[str, Any], model: nn.Module) -> None:
    after = state_of(model)
    for key, value in before.pop("weights").items():
        torch.testing.assert_close(after["weights"][key], value, rtol=0, atol=0)
    after.pop("weights")
    assert after == before


def broken(activations: torch.Tensor, gradients: torch.Tensor) -> torch.Tensor:
    raise ZeroDivisionError("a method that fails")


@pytest.mark.parametrize("method", ["hirescam", "smoothgrad", broken])
def test_a_live_ssd_is_left_as_it_was_found(method: Any) -> None:
    model = tiny_ssd()
    model.train()
    model.backbone.stem[1].eval()
    model.backbone.stem[0].weight.requires_grad_(False)
    before = state_of(model)
    if callable(method):
        with pytest.raises(ZeroDivisionError):
            detcam.explain(detcam.load(model), IMAGE, method=method)
    else:
        detcam.explain(detcam.load(model), IMAGE, method=method)
    assert_as_found(before, model)


def test_a_live_yolo_is_explained_on_a_private_copy(tmp_path: Path) -> None:
    live = live_yolo(tmp_path)
    live.model.train()
    before = state_of(live.model)
    found = detcam.explain(detcam.load(live), IMAGE)
    assert len(found) > 0
    assert_as_found(before, live.model)


@pytest.mark.parametrize("layer", ["level.9", "backbone.stm.1", "nowhere"])
def test_an_unknown_layer_is_an_error_that_names_near_ones(layer: str) -> None:
    with pytest.raises(LayerError, match=r"has no layer .*(did you mean|known)"):
        detcam.explain(detcam.load(tiny_ssd()), IMAGE, layer=layer)


def test_a_layer_without_a_map_is_an_error() -> None:
    detector = detcam.load(tiny_ssd())
    with pytest.raises(LayerError, match="gives no"):
        detcam.explain(detector, IMAGE, layer="backbone")


def test_a_module_that_runs_twice_is_an_error() -> None:
    model = tiny_ssd()
    first = model.backbone.stem

    class Twice(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.shared = nn.ReLU()
            self.stem, self.rest = first[:1], first[2:]

        def forward(self, pixels: torch.Tensor) -> torch.Tensor:
            return self.rest(self.shared(self.shared(self.stem(pixels))))

    model.backbone.stem = Twice()
    with pytest.raises(LayerError, match="runs twice"):
        detcam.explain(detcam.load(model), IMAGE, layer="backbone.stem.shared")


def test_a_layer_that_cannot_reach_a_box_is_a_named_status() -> None:
    detector = detcam.load(tiny_ssd())
    found = detcam.explain(detector, IMAGE, layer="level.2", max_boxes=None, min_score=0.1)
    statuses = {(level, heatmap.status) for level, heatmap in
                zip(found.detections.levels.tolist(), found.maps[0].heatmaps, strict=True)}
    assert (0, UNREACHABLE) in statuses
    assert {level for level, _ in statuses} >= {0, 2}
    assert all(status == UNREACHABLE for level, status in statuses if level != 2)
    assert all(status == "ok" for level, status in statuses if level == 2)


@pytest.mark.parametrize("family", FAMILIES)
def test_windows_of_heads(family: str) -> None:
    """As far as a gradient reaches in the middle of noise: SSD and SSDlite 3 cells, every YOLO's two layers 5, and
    RetinaNet's tower of five 11."""
    detector = tiny_detector(family)
    for level in range(detector.n_levels):
        for module in detector.head_modules(level):
            channels = next(each for each in module.modules() if isinstance(each, nn.Conv2d)).in_channels
            noise = torch.randn(1, channels, 13, 13, requires_grad=True)
            with detector.borrowed():
                gradient = torch.autograd.grad(module(noise)[..., 6, 6].sum(), noise)[0]
            rows, columns = gradient[0].abs().sum(0).nonzero().T
            reach = {"ssd": 3, "yolo": 5, "retinanet": 11}[detector.family]
            assert structural_window(module) == reach
            assert {int(rows.max() - rows.min()) + 1, int(columns.max() - columns.min()) + 1} == {reach}


def test_windows_of_known_and_unknown_modules() -> None:
    assert structural_window(nn.Conv2d(2, 2, 3)) == 3
    assert structural_window(nn.Sequential(nn.Conv2d(2, 2, 3, dilation=2), nn.ReLU(), nn.Conv2d(2, 2, 1))) == 5
    assert structural_window(nn.Sequential(nn.Conv2d(2, 2, 3), nn.AdaptiveAvgPool2d(1))) is None
    assert structural_window(nn.Conv2d(2, 2, 3, stride=2)) is None


class Ladder(nn.Module):
    """Maps with the cell counts of SSD300."""

    out_channels = (2,) * 6

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 2, 1)

    def forward(self, pixels: torch.Tensor) -> "OrderedDict[str, torch.Tensor]":
        mixed = self.conv(pixels)
        sizes = (38, 19, 10, 5, 3, 1)
        return OrderedDict((str(i), nn.functional.adaptive_avg_pool2d(mixed, side)) for i, side in enumerate(sizes))


def test_cells_lie_where_ssd300_says() -> None:
    anchors = DefaultBoxGenerator([[2], [2, 3], [2, 3], [2, 3], [2], [2]], steps=[8, 16, 32, 64, 100, 300],
                                  scales=[0.07, 0.15, 0.33, 0.51, 0.69, 0.87, 1.05])
    detector = SSDDetector(SSD(Ladder(), anchors, (300, 300), 3).eval())
    with Tape(detector, detector.canvas(IMAGE).pixels, ["level.0", "level.3"]) as tape:
        levels = tape.prediction.levels
        assert [level.grid.stride[0] for level in levels] == [8, 16, 32, 64, 100, 300]
        assert all(level.grid.origin == (0, 0) for level in levels)
        assert levels[0].shape[0] * tape.grid("level.0").stride[0] == 304
        assert levels[3].shape[0] * tape.grid("level.3").stride[0] == 320


def test_cells_of_a_letterboxed_yolo() -> None:
    detector = YOLODetector(tiny_yolo(), {"imgsz": 128})
    with Tape(detector, detector.canvas(IMAGE).pixels, ["level.0", "model.2", "model.9"]) as tape:
        assert [tape.grid(name).stride for name in ("level.0", "model.2", "model.9")] == [(8, 8), (4, 4), (32, 32)]


def test_cells_of_a_map_with_a_cell_of_padding() -> None:
    detector = tiny_detector("yolov3-tiny")
    with Tape(detector, detector.canvas(IMAGE).pixels, ["model.11"]) as tape:
        assert tape.activations["model.11"].shape[-2:] == (4, 5)  # 96 x 128 px, and a cell below and on the right
        assert tape.grid("model.11").stride == (32, 32)


def heatmap_of(values: list[list[float]], stride: float) -> Heatmap:
    geometry = Geometry((8, 8), (8, 8), (1, 1))
    return Heatmap(np.array(values, np.float32), Grid((stride, stride)), geometry, f"stride {stride}")


def test_fused_maps_are_scaled_to_mean_one_and_summed_on_the_finest_grid() -> None:
    fine = heatmap_of([[0, 4], [-8, 0]], 4)  # positive mean 1
    coarse = heatmap_of([[6.0]], 8)
    blank = heatmap_of([[0.0]], 8)
    fused = fuse({"a": fine, "b": coarse, "c": blank})
    np.testing.assert_allclose(fused.values, [[1, 5], [1, 1]])
    assert fused.scales == {"a": 1, "b": 6, "c": 0}
    assert fused.layer == "a+b+c"


@pytest.mark.parametrize("method", ["hirescam", "gradcam", "gradient", "smoothgrad"])
def test_shuffled_weights_change_the_map(method: str) -> None:
    """After shuffling, the same row's map is another one: the map depends on what the network learnt."""
    detector = detcam.load(tiny_ssd())
    row = detector.detect(IMAGE, 0.25)[:1]
    shuffled = copy.deepcopy(detector.model)
    generator = torch.Generator().manual_seed(1)
    with torch.no_grad():
        for weight in shuffled.parameters():
            flat = weight.view(-1)
            flat.copy_(flat[torch.randperm(len(flat), generator=generator)])
    from detcam.attribution.attribute import attribute
    from detcam.attribution.methods.registry import get_method

    maps = [attribute(each, each.canvas(IMAGE), row, get_method(method), "auto", TARGETS["logit"])[0].values.ravel()
            for each in (detector, detcam.load(shuffled))]
    field = np.logical_or(*maps)  # both are zero outside the row's receptive field
    assert abs(np.corrcoef([each[field] for each in maps])[0, 1]) < 0.7


def test_the_same_seed_gives_the_same_map_and_another_seed_another() -> None:
    detector = detcam.load(tiny_ssd())
    a, b, c = (detcam.explain(detector, IMAGE, method="smoothgrad", seed=seed, max_boxes=1).maps[0].heatmaps[0].values
               for seed in (3, 3, 4))
    np.testing.assert_array_equal(a, b)
    assert not np.array_equal(a, c)


EDGE_LAYERS = dict.fromkeys(FAMILIES, "model.4") | {
    "ssd": "backbone.stem.3", "ssdlite": "backbone.features.0.7.block.0", "yolov3-tiny": "model.6",
    "retinanet": "backbone.body.stem", "fcos": "backbone.body.stem",
}


@pytest.mark.parametrize("family", FAMILIES)
def test_the_edge_layer_is_the_last_of_stride_8_below_the_head(family: str) -> None:
    detector = tiny_detector(family)
    assert detector.edge_layer == EDGE_LAYERS[family]
    with Tape(detector, detector.canvas(IMAGE).pixels, [detector.edge_layer]) as tape:
        assert tape.grid(detector.edge_layer).stride == ((4, 4) if family == "ssd" else (8, 8))  # its level 0 has 8


def test_the_edge_layer_of_vgg16() -> None:
    assert SSDDetector(ssd300_vgg16(weights=None, weights_backbone=None)).edge_layer == "backbone.features.15"


def test_the_edge_layer_of_two_backbones_is_in_the_second_and_never_in_the_neck() -> None:
    """As YOLOv9e is built: its head sees the first backbone through the second alone."""
    from ultralytics.nn.tasks import DetectionModel

    config = {
        "nc": 1,
        "backbone": [[-1, 1, "nn.Identity", []], [-1, 1, "Conv", [8, 3, 8]], [-1, 1, "Conv", [8, 3, 2]],
                     [0, 1, "Conv", [8, 3, 8]], [-1, 1, "Conv", [8, 3, 2]]],
        "head": [[-1, 1, "nn.Upsample", [None, 2, "nearest"]], [[-1, 3], 1, "Concat", [1]],
                 [[-1, 4], 1, "Detect", ["nc"]]],
    }
    model = DetectionModel(config, verbose=False)
    model.names = {0: "person"}
    assert YOLODetector(model, {"imgsz": 64}).edge_layer == "model.3"
