"""What a classifier sees of a photograph: its middle, after resizing, and where that lies on the photograph."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from PIL import Image as PilImage
from torch import Tensor
from torchvision.transforms import CenterCrop, InterpolationMode, Resize
from torchvision.transforms import functional as transforms

from detcam.errors import DetectorError
from detcam.imaging.geometry import Geometry
from detcam.imaging.image import Image


@dataclass(frozen=True)
class ClassifierInput:
    """A classifier's own preprocessing, taken apart.

    Attributes:
        resize: what a photograph is resized to, in pixels: its shorter side, or height and width.
        crop: height and width of what is cut out of the middle then, which is the canvas.
        interpolation: how it is resized; always with antialiasing.
        mean, std: ``[3]``, with which RGB in 0..1 is normalised.
        whole: the library's own transforms as one, from a PIL image to normalised pixels ``[3, h, w]``.
    """

    resize: int | tuple[int, int]
    crop: tuple[int, int]
    interpolation: InterpolationMode
    mean: tuple[float, ...]
    std: tuple[float, ...]
    whole: Callable[[PilImage.Image], Tensor]

    def canvas(self, image: Image) -> tuple[Tensor, Geometry]:
        """Pixels ``[1, 3, h, w]``, RGB in 0..1, and where the photograph lies on them: it may reach beyond."""
        size = [self.resize] if isinstance(self.resize, int) else list(self.resize)
        resized = transforms.resize(PilImage.fromarray(image.rgb), size, self.interpolation)
        cropped = transforms.center_crop(resized, list(self.crop))
        scale = (resized.width / image.width, resized.height / image.height)
        offset = tuple(_offset(old, new) for old, new in zip(resized.size, reversed(self.crop), strict=True))
        geometry = Geometry((image.height, image.width), self.crop, scale, (offset[0], offset[1]))
        return transforms.pil_to_tensor(cropped)[None].float() / 255, geometry

    def normalised(self, pixels: Tensor) -> Tensor:
        """Pixels ``[B, 3, h, w]``, RGB in 0..1, as the network takes them."""
        mean, std = (torch.tensor(values, device=pixels.device, dtype=pixels.dtype).view(3, 1, 1)
                     for values in (self.mean, self.std))
        return (pixels - mean) / std


def _offset(old: int, new: int) -> float:
    """Where torchvision's centre crop puts the first of ``old`` pixels on a canvas of ``new``."""
    return float((new - old) // 2) if new > old else -float(round((old - new) / 2))


def torchvision_input(preset: Any) -> ClassifierInput:
    """The preprocessing of a classifier, from torchvision's ``ImageClassification`` preset."""
    crop = tuple(preset.crop_size) * 2 if len(preset.crop_size) == 1 else tuple(preset.crop_size)
    resize = preset.resize_size[0] if len(preset.resize_size) == 1 else tuple(preset.resize_size)
    return ClassifierInput(resize, (crop[0], crop[1]), preset.interpolation, tuple(preset.mean), tuple(preset.std),
                           preset)


def timm_input(model: Any) -> ClassifierInput:
    """The preprocessing of a timm model, from the transforms that timm evaluates it with.

    Raises:
        DetectorError: they are not a resize and a centre crop.
    """
    from timm.data import create_transform, resolve_model_data_config

    config = resolve_model_data_config(model)
    whole = create_transform(**config, is_training=False)
    first, second = whole.transforms[:2]
    if not (isinstance(first, Resize) and isinstance(second, CenterCrop)):
        raise DetectorError(f"{type(model).__name__}: expected timm's transforms to be a resize and a centre crop, got "
                            f"{type(first).__name__} and {type(second).__name__}")
    resize = first.size if isinstance(first.size, int) else (int(first.size[0]), int(first.size[1]))
    return ClassifierInput(resize, (int(second.size[0]), int(second.size[1])), first.interpolation,
                           tuple(config["mean"]), tuple(config["std"]), whole)
