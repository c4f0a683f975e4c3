"""CAM is exact where a linear head stands on pooled features, and says so where there is none."""

from pathlib import Path

import pytest
import torch
from support.places import SAMPLES
from support.tiny import CLASSES, photograph, tiny_ssd
from torch import Tensor, nn

from detcam.attribution.attribute import attribute
from detcam.attribution.methods.cam import cam
from detcam.attribution.methods.gradcam import gradcam
from detcam.attribution.methods.registry import get_method
from detcam.attribution.target import TARGETS
from detcam.detectors.for_torchvision.ssd import SSDDetector
from detcam.errors import MethodError
from detcam.imaging.image import Image, load_image


def at(model: nn.Module, layer: str, pixels: Tensor, label: int) -> tuple[Tensor, Tensor, float]:
    """A layer's activations, the gradients of a class logit there, and the logit."""
    held: list[Tensor] = []

    def hold(_: nn.Module, __: object, output: Tensor) -> Tensor:
        held.append(output.detach().requires_grad_(True))
        return held[0].clone()

    hook = model.get_submodule(layer).register_forward_hook(hold)
    logit = model(pixels)[0, label]
    hook.remove()
    return held[0].detach()[0], torch.autograd.grad(logit, held[0])[0][0], logit.item()


def resnet() -> nn.Module:
    from torchvision.models import resnet18

    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        model = resnet18(weights=None, num_classes=7)
        nn.init.normal_(model.fc.weight)
        nn.init.normal_(model.fc.bias)
        return model.eval()


def seen(size: tuple[int, int]) -> Tensor:
    return torch.from_numpy(photograph(1, *size)).permute(2, 0, 1)[None] / 255


@pytest.mark.parametrize("label", [0, 4])
def test_the_weights_of_the_last_layer_cell_by_cell(label: int) -> None:
    model = resnet()
    activations, gradients, logit = at(model, "layer4", seen((128, 160)), label)
    found = cam(activations, gradients)
    expected = torch.zeros(4, 5)
    for weight, channel in zip(model.fc.weight[label].tolist(), activations, strict=True):
        expected += weight * channel
    torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-4)
    assert float(found.mean() + model.fc.bias[label]) == pytest.approx(logit, rel=1e-4)
    torch.testing.assert_close(found, 20 * gradcam(activations, gradients))


def test_below_more_than_a_linear_head_is_none() -> None:
    activations, gradients, _ = at(resnet(), "layer3", seen((128, 160)), 0)
    with pytest.raises(MethodError, match="linear head on globally pooled features"):
        cam(activations, gradients)


def test_of_a_single_cell_nobody_can_tell() -> None:
    activations, gradients, _ = at(resnet(), "layer4", seen((32, 32)), 0)
    with pytest.raises(MethodError, match="several cells"):
        cam(activations, gradients)


def test_a_logit_that_rests_on_nothing_has_an_empty_map() -> None:
    activations = torch.rand(3, 2, 2)
    assert not cam(activations, torch.zeros(3, 2, 2)).any()


def test_the_boxes_of_a_detector_have_none() -> None:
    detector, image = SSDDetector(tiny_ssd(), dict(enumerate(CLASSES, 1))), Image(photograph(1), "rectangles")
    with pytest.raises(MethodError, match="for a detector's boxes it never is"):
        attribute(detector, detector.canvas(image), detector.detect(image)[:1], get_method("cam"), "auto",
                  TARGETS["logit"])


@pytest.mark.assets
def test_squeezenet(assets: Path) -> None:
    """Its last convolution gives a map a class; after the ReLU they are pooled and nothing follows."""
    from torchvision.models import squeezenet1_1

    model = squeezenet1_1(weights=None)
    model.load_state_dict(torch.load(assets / "weights" / "squeezenet1_1_imagenet.pth", weights_only=True))
    model.eval()
    pixels = torch.from_numpy(load_image(SAMPLES / "astronaut.png").rgb).permute(2, 0, 1)[None] / 255
    pixels = nn.functional.interpolate(pixels, (224, 224), mode="bilinear", antialias=True)
    pixels = (pixels - torch.tensor([0.485, 0.456, 0.406])[:, None, None]) / torch.tensor([0.229, 0.224, 0.225])[
        :, None, None]
    with torch.no_grad():
        label = int(model(pixels).argmax())
    activations, gradients, logit = at(model, "classifier.2", pixels, label)
    found = cam(activations, gradients)
    torch.testing.assert_close(found, activations[label])
    assert float(found.mean()) == pytest.approx(logit, rel=1e-4)
    with pytest.raises(MethodError, match="linear head"):  # the ReLU lies between
        cam(*at(model, "features", pixels, label)[:2])
