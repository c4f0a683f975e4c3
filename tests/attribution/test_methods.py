"""Layer methods by hand and against slow, obvious versions that are written from the papers."""

import math

import pytest
import torch
from pytorch_grad_cam import GradCAMPlusPlus
from support.tiny import photograph, tiny_ssd, tiny_yolo
from torch import Tensor

from detcam.attribution.gradients.tape import Tape
from detcam.attribution.method import LAYER
from detcam.attribution.methods.gradcampp import gradcampp_weights
from detcam.attribution.methods.registry import get_method
from detcam.attribution.methods.table import METHODS
from detcam.attribution.target import TARGETS
from detcam.detectors.base import Detector
from detcam.detectors.for_torchvision.ssd import SSDDetector
from detcam.detectors.for_ultralytics.yolo import YOLODetector
from detcam.imaging.image import Image

ACTIVATIONS = torch.tensor([[[1.0, 2.0], [0.0, 3.0]], [[4.0, 0.0], [-1.0, 2.0]]])
GRADIENTS = torch.tensor([[[2.0, -1.0], [4.0, 3.0]], [[-2.0, 6.0], [1.0, -5.0]]])
PLUS = (2 / (2 + 2 * 6) + 4 / (2 + 4 * 6) + 3 / (2 + 3 * 6), 6 / (2 + 6 * 5) + 1 / (2 + 1 * 5))  # sums of A: 6 and 5
WIDTH = 6 * math.log(2) * math.log(320)  # R is 1/6, the weight 2, the stride 640 over 2 cells
BELL = (math.exp(-1 / (2 * WIDTH**2)) - math.exp(-2 / (2 * WIDTH**2))) / (1 - math.exp(-2 / (2 * WIDTH**2)))
LARGEST = (5 + 14.75) / 2 + math.hypot((14.75 - 5) / 2, 2.5)  # eigenvalue of the scatter [[5, 2.5], [2.5, 14.75]]
AXIS = (2.5 / math.hypot(2.5, LARGEST - 5), (LARGEST - 5) / math.hypot(2.5, LARGEST - 5))
BY_HAND = {
    "hirescam": [[2 - 8, -2 + 0], [0 - 1, 9 - 10]],
    "odam": [[2 - 8, -2 + 0], [0 - 1, 9 - 10]],
    "gradcam": [[2 * 1 + 0, 2 * 2 + 0], [2 * 0 + 0, 2 * 3 + 0]],  # means of the gradients: 2 and 0
    "layercam": [[2 + 0, 0 + 0], [0 - 1, 9 + 0]],
    "ssgradcam": [[2 * 0.5 * 1, 2 * 0.25 * 2], [2 * 1 * 0, 2 * 0.75 * 3]],  # largest gradients: 4 and 6
    "gradcam++": [[PLUS[0] * 1 + PLUS[1] * 4, PLUS[0] * 2], [-PLUS[1], PLUS[0] * 3 + PLUS[1] * 2]],
    "ssgradcam++": [[PLUS[0] * 2 / 4 * 1 + PLUS[1] * 2 / 6 * 4, PLUS[0] * 1 / 4 * 2],
                    [PLUS[1] * 1 / 6 * -1, PLUS[0] * 3 / 4 * 3 + PLUS[1] * 5 / 6 * 2]],
    "xgradcam": [[1.5 * 1 - 3.8 * 4, 1.5 * 2], [3.8, 1.5 * 3 - 3.8 * 2]],  # products 9 and -19 over sums 6 and 5
    "gcame": [[2 * BELL * 1, 0], [2 * 1 * 0, 2 * BELL * 3]],  # around the 4, stretched to 0 at the far corner
    "eigencam": [[AXIS[0] * -0.5 + AXIS[1] * 2.75, AXIS[0] * 0.5 + AXIS[1] * -1.25],
                 [AXIS[0] * -1.5 + AXIS[1] * -2.25, AXIS[0] * 1.5 + AXIS[1] * 0.75]],
}


@pytest.mark.parametrize("method", [name for name, entry in METHODS.items() if entry.kind == LAYER and name != "cam"])
def test_two_channels_by_hand(method: str) -> None:
    torch.testing.assert_close(get_method(method).function(ACTIVATIONS, GRADIENTS), torch.tensor(BY_HAND[method]) * 1.0)


@pytest.mark.parametrize("method", [name for name in BY_HAND if METHODS[name].sees_box])
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


def slow_plus_weight(activation: Tensor, gradient: Tensor) -> float:
    """Eq. 5 and 19 of Grad-CAM++ for one channel, with the derivatives of exp(S), whose own factor is left out."""
    total = math.fsum(activation.flatten().tolist())
    found = []
    for first in gradient.flatten().tolist():
        second, third = first * first, first * first * first
        alpha = second / (2 * second + total * third) if first else 0.0
        found.append(alpha * max(first, 0.0))
    return math.fsum(found)


def slow_gradcampp(activations: Tensor, gradients: Tensor) -> Tensor:
    found = torch.zeros_like(activations[0])
    for activation, gradient in zip(activations, gradients, strict=True):
        found += slow_plus_weight(activation, gradient) * activation
    return found


def slow_ssgradcampp(activations: Tensor, gradients: Tensor) -> Tensor:
    found = torch.zeros_like(activations[0])
    for activation, gradient in zip(activations, gradients, strict=True):
        if gradient.any():
            found += slow_plus_weight(activation, gradient) * gradient.abs() / gradient.abs().max() * activation
    return found


def slow_xgradcam(activations: Tensor, gradients: Tensor) -> Tensor:
    found = torch.zeros_like(activations[0])
    for activation, gradient in zip(activations, gradients, strict=True):
        cells, slopes = activation.flatten().tolist(), gradient.flatten().tolist()
        total = math.fsum(cells)
        if total:
            found += math.fsum(a / total * g for a, g in zip(cells, slopes, strict=True)) * activation
    return found


def slow_gcame(activations: Tensor, gradients: Tensor) -> Tensor:
    """Channel by channel and cell by cell, as the authors' code does it, around the largest gradient."""
    channels, height, width = activations.shape
    found = torch.zeros(height, width, dtype=activations.dtype)
    for k in range(channels):
        mean = math.fsum(gradients[k].flatten().tolist()) / (height * width)
        if not mean:
            continue
        radius = math.floor(math.sqrt(height * width) - 1) / 2 / 3
        sigma = max(abs(math.log(abs(mean)) / radius * math.log(640 / math.sqrt(height * width))), 1.0)
        at_y, at_x = divmod(int(gradients[k].abs().argmax()), width)
        bell = [[math.exp(-((y - at_y) ** 2 + (x - at_x) ** 2) / (2 * sigma**2)) for x in range(width)]
                for y in range(height)]
        lowest, highest = min(map(min, bell)), max(map(max, bell))
        for y in range(height):
            for x in range(width):
                mask = (bell[y][x] - lowest) / (highest - lowest)
                found[y, x] += mean * mask * float(activations[k, y, x])
    return found


def slow_eigencam(activations: Tensor, gradients: Tensor) -> Tensor:
    """The direction in which the cells vary most, by steps that make it longer and longer."""
    cells = activations.flatten(1)
    centred = cells - cells.mean(1, keepdim=True)
    direction = torch.ones(len(cells), dtype=cells.dtype)
    for _ in range(3000):
        direction = centred @ (centred.T @ direction)
        direction /= direction.norm()
    found = (direction @ centred).view(activations.shape[1:])
    return found if found.max() > -found.min() else -found


SLOW = {"ssgradcam": slow_ssgradcam, "gradcam++": slow_gradcampp, "ssgradcam++": slow_ssgradcampp,
        "xgradcam": slow_xgradcam, "gcame": slow_gcame, "eigencam": slow_eigencam}


def detector_of(family: str) -> Detector:
    detector: Detector
    detector = SSDDetector(tiny_ssd()) if family == "ssd" else YOLODetector(tiny_yolo(family), {"imgsz": 128}, family)
    detector.model.double()
    return detector


@pytest.mark.parametrize("method", SLOW)
@pytest.mark.parametrize("family", ["ssd", "yolov8n"])
def test_a_method_equals_its_slow_version_on_a_detector(family: str, method: str) -> None:
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
            mine = get_method(method).function(activations, gradient[0])
            torch.testing.assert_close(mine, SLOW[method](activations, gradient[0]), rtol=1e-9, atol=1e-9)
            assert mine.any()
            compared += 1
    assert compared


def test_gradcampp_of_the_grad_cam_package_is_the_paper_s_but_for_small_gradients() -> None:
    """It adds 1e-6 to a denominator of squared gradients."""
    def theirs(gradients: Tensor) -> Tensor:
        found = GradCAMPlusPlus.get_cam_weights(None, None, None, None, ACTIVATIONS[None].numpy(),
                                                gradients[None].numpy())
        return torch.from_numpy(found[0])[:, None, None]

    torch.testing.assert_close(theirs(GRADIENTS), gradcampp_weights(ACTIVATIONS, GRADIENTS), rtol=1e-5, atol=0)
    small = 1e-4 * GRADIENTS  # a detector's gradients, whose squares are 1e-8
    expected = [slow_plus_weight(*each) for each in zip(ACTIVATIONS, small, strict=True)]
    torch.testing.assert_close(gradcampp_weights(ACTIVATIONS, small).flatten(), torch.tensor(expected))
    assert (theirs(small) < 0.5 * gradcampp_weights(ACTIVATIONS, small)).all()


@pytest.mark.parametrize("shape", [(6, 1, 1), (40, 3, 5), (3, 9, 7)])
def test_maps_of_one_cell_and_of_more_channels_than_cells(shape: tuple[int, int, int]) -> None:
    generator = torch.Generator().manual_seed(0)
    activations, gradients = torch.rand((2, *shape), generator=generator, dtype=torch.float64)
    for name in SLOW:
        found = get_method(name).function(activations, gradients)
        assert found.shape == shape[1:]
        assert found.isfinite().all()
    if shape[1] > 1:
        torch.testing.assert_close(get_method("eigencam").function(activations, gradients),
                                   slow_eigencam(activations, gradients))
