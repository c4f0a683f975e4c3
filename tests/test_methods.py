"""Layer methods by hand and against slow, obvious versions that are written from the papers."""

import math

import pytest
import torch
from tiny import photograph, tiny_ssd, tiny_yolo
from torch import Tensor

from detcam.attribution.methods import METHODS, get_method
from detcam.attribution.methods.table import LAYER
from detcam.attribution.tape import Tape
from detcam.attribution.target import TARGETS
from detcam.detectors.base import Detector
from detcam.detectors.ssd import SSDDetector
from detcam.detectors.yolo import YOLODetector
from detcam.imaging import Image

ACTIVATIONS = torch.tensor([[[1.0, 2.0], [0.0, 3.0]], [[4.0, 0.0], [-1.0, 2.0]]])
GRADIENTS = torch.tensor([[[2.0, -1.0], [4.0, 3.0]], [[-2.0, 6.0], [1.0, -5.0]]])
BY_HAND = {
    "hirescam": [[2 - 8, -2 + 0], [0 - 1, 9 - 10]],
    "odam": [[2 - 8, -2 + 0], [0 - 1, 9 - 10]],
    "gradcam": [[2 * 1 + 0, 2 * 2 + 0], [2 * 0 + 0, 2 * 3 + 0]],  # means of the gradients: 2 and 0
    "layercam": [[2 + 0, 0 + 0], [0 - 1, 9 + 0]],
    "ssgradcam": [[2 * 0.5 * 1, 2 * 0.25 * 2], [2 * 1 * 0, 2 * 0.75 * 3]],  # largest gradients: 4 and 6
}


@pytest.mark.parametrize("method", [name for name, entry in METHODS.items() if entry.kind == LAYER])
def test_two_channels_by_hand(method: str) -> None:
    torch.testing.assert_close(get_method(method).function(ACTIVATIONS, GRADIENTS), torch.tensor(BY_HAND[method]) * 1.0)


@pytest.mark.parametrize("method", BY_HAND)
def test_a_channel_without_gradient_adds_nothing(method: str) -> None:
    gradients = GRADIENTS * torch.tensor([1.0, 0.0])[:, None, None]
    expected = get_method(method).function(ACTIVATIONS[:1], GRADIENTS[:1])
    torch.testing.assert_close(get_method(method).function(ACTIVATIONS, gradients), expected)
    assert not get_method(method).function(ACTIVATIONS, torch.zeros_like(GRADIENTS)).any()


def slow_ssgradcam(activations: Tensor, gradients: Tensor) -> Tensor:
    """Channel by channel and cell by cell, as the paper says it."""
    channels, height, width = activations.shape
    found = torch.zeros(height, width, dtype=activations.dtype)
    for k in range(channels):
        cells = [(y, x) for y in range(height) for x in range(width)]
        weight = math.fsum(float(gradients[k, y, x]) for y, x in cells) / len(cells)
        largest = max(abs(float(gradients[k, y, x])) for y, x in cells)
        for y, x in cells:
            if largest:
                space = abs(float(gradients[k, y, x])) / largest
                found[y, x] += weight * space * float(activations[k, y, x])
    return found


def detector_of(family: str) -> Detector:
    detector: Detector
    detector = SSDDetector(tiny_ssd()) if family == "ssd" else YOLODetector(tiny_yolo(family), {"imgsz": 128}, family)
    detector.model.double()
    return detector


@pytest.mark.parametrize("family", ["ssd", "yolov8n"])
def test_ssgradcam_equals_its_slow_version_on_a_detector(family: str) -> None:
    detector, image = detector_of(family), Image(photograph(3), "rectangles")
    layer = "backbone.stem.3" if family == "ssd" else "model.6"
    found = detector.select(detector.forward(detector.canvas(image).pixels), detector.canvas(image), 0.25)[0]
    keys = [(int(found.rows[i]), int(found.labels[i])) for i in range(2)]
    with Tape(detector, detector.canvas(image).pixels, [layer]) as tape:
        activations = tape.activations[layer].detach()[0]
        compared = 0
        for gradient in tape.gradients(layer, keys, TARGETS["logit"]):
            if gradient is None:  # a box of another level
                continue
            mine = get_method("ssgradcam").function(activations, gradient[0])
            torch.testing.assert_close(mine, slow_ssgradcam(activations, gradient[0]), rtol=1e-9, atol=1e-12)
            assert mine.any()
            compared += 1
    assert compared
