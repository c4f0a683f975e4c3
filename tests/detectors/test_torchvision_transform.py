"""Canvases of torchvision's detection models are what their own transform makes, padding and rounding included."""

import pytest
import torch
from support.tiny import photograph
from torch import Tensor
from torchvision.models.detection.transform import GeneralizedRCNNTransform

from detcam.detectors.for_torchvision.transform import canvas_of, normalised
from detcam.imaging.image import Image

MEAN, STD = [0.485, 0.456, 0.406], [0.229, 0.224, 0.225]


class Other(GeneralizedRCNNTransform):
    """A transform of somebody's own, which turns photographs upside down."""

    def normalize(self, image: Tensor) -> Tensor:
        return super().normalize(image).flip(1)


SETTINGS = {
    "as published": {"min_size": 800, "max_size": 1333},
    "several sizes": {"min_size": (100, 133), "max_size": 500},
    "no padding": {"min_size": 100, "max_size": 120, "size_divisible": 1},
    "stretched": {"min_size": 1, "max_size": 1, "fixed_size": (300, 200), "size_divisible": 1},
}


@pytest.mark.parametrize("size", [(333, 500), (479, 361), (90, 700), (700, 95), (37, 37)])
@pytest.mark.parametrize("kind", [GeneralizedRCNNTransform, Other])
@pytest.mark.parametrize("settings", SETTINGS)
def test_the_canvas_is_the_transform_s_own(settings: str, kind: type[GeneralizedRCNNTransform],
                                           size: tuple[int, int]) -> None:
    transform = kind(image_mean=MEAN, image_std=STD, **SETTINGS[settings]).eval()
    image = Image(photograph(0, *size), "rectangles")
    canvas = canvas_of(transform, image, torch.zeros(1, dtype=torch.float64))
    theirs, _ = transform([torch.from_numpy(image.rgb).permute(2, 0, 1).double() / 255])
    torch.testing.assert_close(normalised(transform, canvas.pixels), theirs.tensors, rtol=0, atol=1e-12)
    assert -1e-9 <= canvas.pixels.min() < canvas.pixels.max() <= 1 + 1e-9
    geometry, (height, width) = canvas.geometries[0], theirs.image_sizes[0]
    assert geometry.canvas == tuple(theirs.tensors.shape[-2:])
    assert geometry.content.tolist() == pytest.approx([0, 0, width, height])
