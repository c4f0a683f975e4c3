"""A sweep over depth: the layers it picks, the maps it keeps, and the picture of them."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image as PilImage
from support.pages import said
from support.synthetic import explanation_of, hot_cell, photograph, stretch
from support.tiny import photograph as tiny_photograph
from support.tiny import tiny_ssd, tiny_yolo
from torchvision.models.detection import ssd300_vgg16, ssdlite320_mobilenet_v3_large

import detcam
from detcam.attribution.attribute import attribute
from detcam.attribution.heatmap import UNREACHABLE
from detcam.attribution.layers.sweep import Sweep, sweep_of
from detcam.attribution.methods.registry import get_method
from detcam.attribution.target import TARGETS
from detcam.detectors.base import Detector
from detcam.detectors.for_torchvision.ssd import SSDDetector
from detcam.detectors.for_ultralytics.yolo import YOLODetector
from detcam.errors import InputError, LayerError, MethodError, OutputError
from detcam.explanations.explanation import Explanation
from detcam.imaging.grid import Grid
from detcam.imaging.image import Image
from detcam.store.read import load_explanations
from detcam.store.write import save
from detcam.views.explanation.sweep import save_sweeps, sweep_figure

IMAGE = Image(tiny_photograph(3), "rectangles")
EXPECTED = {
    "ssd": ["backbone.stem.1", "backbone.stem.3", "backbone.stem=0", "backbone.second=1", "backbone.third=2"],
    "yolov8n": ["model.0", "model.2", "model.4", "model.6", "model.9", "model.12", "model.15=0", "model.18=1",
                "model.21=2"],
    "yolo11n": ["model.0", "model.2", "model.4", "model.6", "model.10", "model.13", "model.16=0", "model.19=1",
                "model.22=2"],
    "detcam-person-ssd": ["backbone.conv4_3.5", "backbone.conv4_3.12", "backbone.conv4_3.22", "backbone.conv4_3=0",
                          "backbone.fc7=1", *(f"backbone.extra.{i}={i + 2}" for i in range(4))],
    "vgg16": ["backbone.features.3", "backbone.features.8", "backbone.features.15", "backbone.features", "level.0=0",
              *(f"backbone.extra.{i}={i + 1}" for i in range(5))],  # its first level is scaled by no module
    "ssdlite": ["backbone.features.0.2.block.0", "backbone.features.0.4.block.0", "backbone.features.0.7.block.0",
                "backbone.features.0=0", "backbone.features.1=1", *(f"backbone.extra.{i}={i + 2}" for i in range(4))],
}


def detector_of(family: str) -> Detector:
    if family == "detcam-person-ssd":
        return detcam.load(family)
    if family == "vgg16":
        return SSDDetector(ssd300_vgg16(weights=None, weights_backbone=None))
    if family == "ssdlite":
        return SSDDetector(ssdlite320_mobilenet_v3_large(weights=None, weights_backbone=None))
    return SSDDetector(tiny_ssd()) if family == "ssd" else YOLODetector(tiny_yolo(family), {"imgsz": 128}, family)


@pytest.mark.parametrize("family", EXPECTED)
def test_one_layer_for_each_change_of_size(family: str) -> None:
    """Squeezed 1x1 maps inside ssdlite's blocks are no stage, and neither is what follows a level at its size."""
    detector = detector_of(family)
    found = detector.stages(detector.canvas(IMAGE).pixels)
    assert [each.name + ("" if each.level is None else f"={each.level}") for each in found] == EXPECTED[family]


@pytest.fixture(scope="module", params=["ssd", "yolov8n"])
def detector(request: pytest.FixtureRequest) -> Detector:
    return detector_of(request.param)


@pytest.fixture(scope="module")
def explanation(detector: Detector) -> Explanation:
    return detcam.explain(detector, IMAGE, layer="auto", max_boxes=8, edges=False, sweep=True)


def assert_near(values: np.ndarray, expected: np.ndarray) -> None:
    """Equal but for float32's rounding in another order of sums."""
    np.testing.assert_allclose(values, expected, rtol=0, atol=1e-4 * np.abs(expected).max())


@pytest.mark.parametrize("method", ["hirescam", "layercam"])
def test_every_map_is_the_one_of_that_layer_alone(detector: Detector, explanation: Explanation, method: str) -> None:
    canvas, found = detector.canvas(IMAGE), explanation.detections
    swept = sweep_of(detector, canvas, found, get_method(method), TARGETS["logit"])
    statuses = set()
    assert len(found) > 3
    for name in swept.channels:
        alone = attribute(detector, canvas, found, get_method(method), name, TARGETS["logit"])
        for maps, expected in zip(swept.heatmaps, alone, strict=True):
            assert (maps[name].status, maps[name].grid, maps[name].layer) == (expected.status, expected.grid, name)
            assert_near(maps[name].values, expected.values)
            statuses.add(expected.status)
    assert statuses >= {"ok", UNREACHABLE}


def test_one_differentiated_forward_and_one_backward_a_box(detector: Detector, explanation: Explanation,
                                                          monkeypatch: pytest.MonkeyPatch) -> None:
    forwards, backwards = [], []
    forward, grad = detector.forward, torch.autograd.grad
    monkeypatch.setattr(detector, "forward", lambda pixels: (forwards.append(torch.is_grad_enabled()),
                                                             forward(pixels))[1])
    monkeypatch.setattr(torch.autograd, "grad", lambda *args, **more: (backwards.append(1), grad(*args, **more))[1])
    found = explanation.detections[:3]
    sweep_of(detector, detector.canvas(IMAGE), found, get_method("hirescam"), TARGETS["logit"])
    assert forwards == [False, True]
    assert len(backwards) == 3 + len(set(found.levels.tolist()))  # the head's windows, level by level


def test_the_box_of_a_level_reads_that_level(explanation: Explanation) -> None:
    assert explanation.sweep is not None
    names = {level: name for name, level in explanation.sweep.levels.items()}
    assert len(explanation) > 3
    for index, level in enumerate(explanation.detections.levels.tolist()):
        own = explanation.sweep.heatmaps[index][names[level]]
        assert_near(own.values, explanation.maps[0].heatmaps[index].values)


def test_layers_and_boxes_can_be_named(detector: Detector, explanation: Explanation) -> None:
    canvas, hirescam = detector.canvas(IMAGE), get_method("hirescam")
    swept = sweep_of(detector, canvas, explanation.detections, hirescam, TARGETS["logit"], ["level.1", "level.0"], [2])
    assert list(swept.channels) == ["level.1", "level.0"]
    assert swept.levels == {"level.1": 1, "level.0": 0}
    assert [bool(maps) for maps in swept.heatmaps] == [index == 2 for index in range(len(explanation))]
    with pytest.raises(LayerError, match="has no layer"):
        sweep_of(detector, canvas, explanation.detections, hirescam, TARGETS["logit"], ["nowhere"])
    with pytest.raises(MethodError, match="needs a layer method"):
        sweep_of(detector, canvas, explanation.detections, get_method("gradient"), TARGETS["logit"])


def test_explain_takes_the_first_layer_method_and_numbers_from_1(detector: Detector) -> None:
    found = detcam.explain(detector, IMAGE, max_boxes=4, edges=False, sweep=[2, 4], method=["gradient", "layercam"])
    assert found.sweep is not None
    assert found.sweep.method == "layercam"
    assert [bool(one.sweep) for one in found] == [False, True, False, True]
    assert found[1:3][0].sweep == found[1].sweep
    with pytest.raises(InputError, match="no box 5; the numbers are 1, 2, 3, 4"):
        detcam.explain(detector, IMAGE, max_boxes=4, edges=False, sweep=[5])
    with pytest.raises(InputError, match="add a layer method"):
        detcam.explain(detector, IMAGE, edges=False, sweep=True, method="gradient")
    nothing = detcam.explain(detector, IMAGE, min_score=0.9999999, edges=False, sweep=True)
    assert nothing.sweep is not None
    assert nothing.sweep.heatmaps == ()


def test_it_comes_back_equal_from_disk(explanation: Explanation, tmp_path: Path) -> None:
    some = detcam.explain(SSDDetector(tiny_ssd()), IMAGE, max_boxes=3, edges=False, sweep=[1])
    for written in (explanation, some):
        save(written, tmp_path)
        read = load_explanations(tmp_path, images={"rectangles": IMAGE})[0]
        assert written.sweep is not None
        assert read.sweep is not None
        assert (read.sweep.channels, read.sweep.levels) == (written.sweep.channels, written.sweep.levels)
        assert any(written.sweep.heatmaps)
        for maps, others in zip(read.sweep.heatmaps, written.sweep.heatmaps, strict=True):
            assert list(maps) == list(others)
            for name, heatmap in maps.items():
                np.testing.assert_array_equal(heatmap.values, others[name].values)
                assert (heatmap.grid, heatmap.status) == (others[name].grid, others[name].status)


def by_hand(status: str = "ok") -> Explanation:
    image = photograph()
    geometry, boxes = stretch(image, (64, 64)), [[20.0, 15.0, 80.0, 75.0]]
    inside = hot_cell((8, 8), (2, 2), Grid((8.0, 8.0)), geometry, layer="fine")
    outside = hot_cell((4, 4), (3, 3), Grid((16.0, 16.0)), geometry, layer="coarse", status=status)
    beyond = hot_cell((2, 2), (0, 0), Grid((32.0, 32.0)), geometry, layer="beyond", status=UNREACHABLE)
    whole = explanation_of(image, boxes)
    maps = {each.layer: each for each in (inside, outside, beyond)}
    return replace(whole, sweep=Sweep("hirescam", {"fine": 3, "coarse": 7, "beyond": 9}, {"coarse": 0}, (maps,)))


def test_the_picture_says_layer_stride_channels_share_and_status() -> None:
    words = said(sweep_figure(by_hand(), 0))
    for expected in ("1 person 0.95", "fine", "stride 8, 3 channels", "coarse", "stride 16, 7 channels", "100 % inside",
                     "0 % inside", "level 0, of this box", "100 % = 3"):
        assert expected in words
    assert "no path leads from these layers to this box: beyond." in " ".join(words.split())
    assert "stride 32" not in words  # a layer that cannot reach the box is named, not drawn
    zero = said(sweep_figure(by_hand("zero"), 0))
    assert "zero" in zero
    assert "— inside" in zero


def test_pictures_are_written_whole_and_stale_ones_removed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    explanation = by_hand()
    for number in (1, 7):
        assert save_sweeps(explanation, tmp_path / "street") == [tmp_path / "street.sweep-1.png"]
        (tmp_path / "street.sweep-1.png").rename(tmp_path / f"street.sweep-{number}.png")
    PilImage.new("RGB", (4, 4)).save(tmp_path / "street.sweep-8.png")  # not ours
    assert save_sweeps(explanation, tmp_path / "street") == [tmp_path / "street.sweep-1.png"]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["street.sweep-1.png", "street.sweep-8.png"]
    with PilImage.open(tmp_path / "street.sweep-1.png") as opened:
        opened.load()
    before = (tmp_path / "street.sweep-1.png").read_bytes()
    monkeypatch.setattr("os.replace", lambda *_: (_ for _ in ()).throw(OSError(28, "No space left on device")))
    with pytest.raises(OutputError, match="No space left"):
        save_sweeps(explanation, tmp_path / "street")
    assert (tmp_path / "street.sweep-1.png").read_bytes() == before
    assert len(list(tmp_path.iterdir())) == 2


def test_a_picture_of_what_was_not_swept_is_an_error() -> None:
    with pytest.raises(InputError, match="explain with sweep=True"):
        sweep_figure(explanation_of(photograph(), [[20.0, 15.0, 80.0, 75.0]]), 0)
