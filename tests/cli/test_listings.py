"""What there is to choose from: methods with their cost, and layers with the boxes that they can explain."""

import json

import numpy as np
import pytest
import torch
from support.places import TINY
from support.tiny import photograph, tiny_ssd, tiny_yolo
from torch import Tensor

from detcam.attribution.layers.listing import useful_layers
from detcam.attribution.method import Cost
from detcam.attribution.methods.table import METHODS
from detcam.cli.commands.listings import cost_words, layer_rows, method_rows
from detcam.cli.main import main
from detcam.detectors.base import Detector
from detcam.detectors.for_torchvision.ssd import SSDDetector
from detcam.detectors.for_ultralytics.yolo import YOLODetector
from detcam.imaging.image import Image


@pytest.fixture(scope="module", params=["ssd", "yolov8n"])
def detector(request: pytest.FixtureRequest) -> Detector:
    return SSDDetector(tiny_ssd()) if request.param == "ssd" else YOLODetector(tiny_yolo(), {"imgsz": 128}, "tiny")


def logits(detector: Detector, layer: str, added: float) -> list[Tensor]:
    """Every level's logits when a number is added to a layer's map."""
    def on_head(_: object, args: tuple[list[Tensor]]) -> tuple[list[Tensor]]:
        maps = list(args[0])
        maps[int(layer[-1])] = maps[int(layer[-1])] + added
        return (maps,)

    if layer.startswith("level."):
        hook = detector.head.register_forward_pre_hook(on_head)
    else:
        hook = detector.model.get_submodule(layer).register_forward_hook(lambda _, __, output: output + added)
    with torch.no_grad():
        prediction = detector.forward(detector.canvas(Image(photograph(), "rectangles")).pixels)
    hook.remove()
    return [level.logits for level in prediction.levels]


def test_a_layer_explains_the_levels_that_change_with_it(detector: Detector) -> None:
    found = useful_layers(detector, detector.canvas(Image(photograph(), "rectangles")))
    assert len(found) >= 5
    partly = 0
    for layer in found:
        before, after = logits(detector, layer.name, 0.0), logits(detector, layer.name, 0.7)
        changed = tuple(level for level in range(detector.n_levels) if not torch.equal(before[level], after[level]))
        assert layer.explains == changed
        partly += 0 < len(changed) < detector.n_levels
    assert partly
    assert [layer.name for layer in found if layer.edge_layer] == [detector.edge_layer]
    assert [layer.name for layer in found if layer.in_depth] == [stage.name for stage in detector.depth_layers]
    assert sorted(layer.level for layer in found if layer.level is not None) == list(range(detector.n_levels))


def test_layers_as_json(detector: Detector) -> None:
    rows = json.loads(json.dumps(layer_rows(detector)))
    shallow, deep = rows[0], rows[-1]
    assert shallow["stride"][0] < deep["stride"][0]
    assert {"name", "stride", "origin", "cells", "channels", "level", "explains", "in_depth", "edge_layer"} == set(deep)


def test_layers_on_the_command_line(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "120")
    assert main(["layers", TINY]) == 0
    out = capsys.readouterr().out
    assert "backbone.stem.3 " in out
    assert "edge layer" in out
    assert main(["layers", TINY, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["layers"][0]["name"] == "backbone.stem.1"
    assert main(["layers", "no_such_model"]) == 2
    assert "unknown model 'no_such_model'" in capsys.readouterr().err


def test_methods_on_the_command_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["methods"]) == 0
    out = capsys.readouterr().out
    assert all(name in out for name in METHODS)
    assert main(["methods", "--json"]) == 0
    rows = json.loads(capsys.readouterr().out)
    assert rows == method_rows()
    assert [row["name"] for row in rows] == list(METHODS)
    assert all(row["source"] and row["use"] and row["description"] for row in rows)


def test_a_cost_in_words() -> None:
    assert cost_words(Cost(1)) == "1 + 1b a box"
    assert cost_words(Cost(5000, box_backwards=0)) == "5000"
    assert cost_words(Cost("channels", 2, 1)) == "channels + 2f 1b a box"


def test_noise_finds_every_layer(detector: Detector) -> None:
    """The picture that the command line looks at shows nothing."""
    rgb = np.random.default_rng(0).integers(0, 256, (96, 128, 3), dtype=np.uint8)
    on_noise = useful_layers(detector, detector.canvas(Image(rgb, "noise")))
    on_a_picture = useful_layers(detector, detector.canvas(Image(photograph(), "rectangles")))
    assert [(each.name, each.explains) for each in on_noise] == [(each.name, each.explains) for each in on_a_picture]
