"""Layer conductance: by hand, and complete at a layer that everything passes through."""

import numpy as np
import pytest
import torch
from support.planted import CELL, patch_photograph, planted_ssd
from support.tiny import photograph, tiny_yolo

from detcam.attribution.attribute import attribute
from detcam.attribution.inputs.baselines import blurred
from detcam.attribution.methods.conductance import conductance
from detcam.attribution.methods.registry import get_method
from detcam.attribution.runners import layer as layer_maps
from detcam.attribution.target import TARGETS
from detcam.attribution.task import keys_of
from detcam.detectors.for_torchvision.ssd import SSDDetector
from detcam.detectors.for_ultralytics.yolo import YOLODetector
from detcam.imaging.image import Image


def test_by_hand() -> None:
    """Two channels, three copies: (2 - 0) * 3 + (5 - 2) * 1 in the first, (-1 - 1) * 2 + (0 + 1) * 4 in the second."""
    activations = torch.tensor([[[[0.0]], [[1.0]]], [[[2.0]], [[-1.0]]], [[[5.0]], [[0.0]]]])
    gradients = torch.tensor([[[[9.0]], [[9.0]]], [[[3.0]], [[2.0]]], [[[1.0]], [[4.0]]]])
    assert conductance(activations, gradients).tolist() == [[9.0]]


def test_the_sum_is_what_the_score_gains_on_the_way(monkeypatch: pytest.MonkeyPatch) -> None:
    detector = YOLODetector(tiny_yolo(), {"imgsz": 128}, "tiny")
    image = Image(photograph(3), "rectangles")
    found = detector.detect(image)[[0, 2, 5]]
    detector.model.double()
    canvas = detector.canvas(image)
    monkeypatch.setattr(layer_maps, "FOCUS_STEPS", 256)
    maps = attribute(detector, canvas, found, get_method("conductance"), "model.4", TARGETS["logit"])
    with torch.no_grad():
        before, after = detector.forward(blurred(canvas)), detector.forward(canvas.pixels)
    gains = [float(after.logit(*key) - before.logit(*key)) for key in keys_of(found)]
    assert max(abs(gain) for gain in gains) > 0.5
    np.testing.assert_allclose([each.values.sum() for each in maps], gains, rtol=0.05, atol=0.05)


def test_heat_lies_on_the_planted_patch() -> None:
    detector = SSDDetector(planted_ssd(), {1: "person"}, "planted")
    image = Image(patch_photograph(96, 96, (56, 24, 64, 32)), "patch")
    canvas, found = detector.canvas(image), detector.detect(image)[[0]]
    heatmap = attribute(detector, canvas, found, get_method("conductance"), ["auto"], TARGETS["logit"])[0]
    cell = heatmap.heat[24 // CELL, 56 // CELL]
    assert cell > 0.99 * heatmap.heat.sum() > 0
