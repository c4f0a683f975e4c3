"""What torchvision's detection models do to a photograph before their backbone sees it, on a canvas in 0..1.

Their ``GeneralizedRCNNTransform`` normalises, resizes (so that the shorter side has ``min_size`` pixels, or the longer
one ``max_size``) and pads with zeros to whole strides. Zero is the mean colour there, and so it is on the canvas.
"""

import math

import numpy as np
import torch
from torch import Tensor
from torchvision.models.detection.transform import GeneralizedRCNNTransform
from torchvision.ops import clip_boxes_to_image

from detcam.detectors.canvas import Canvas
from detcam.imaging.geometry import Geometry
from detcam.imaging.image import Image
from detcam.imaging.resize import stretched


def canvas_of(transform: GeneralizedRCNNTransform, image: Image, like: Tensor) -> Canvas:
    """The photograph as the model's own transform brings it in.

    torchvision's own transform is followed without a copy of the whole photograph in floats; another one is run.

    Args:
        transform: the model's, in evaluation mode.
        image: the photograph.
        like: a tensor on the model's device, of its kind of floats.

    Returns:
        The canvas: pixels ``[1, 3, h, w]``, RGB in 0..1, padded with the mean colour at the bottom and the right.
    """
    if type(transform) is not GeneralizedRCNNTransform:
        return _transformed(transform, image, like)
    height, width = _resized(transform, image)
    kind = np.float64 if like.dtype == torch.float64 else np.float32
    photograph = torch.from_numpy(stretched(image.rgb, (width, height), kind)).permute(2, 0, 1).to(like)
    stride = transform.size_divisible
    padded = math.ceil(height / stride) * stride, math.ceil(width / stride) * stride
    pixels = _statistics(transform, like)[0].expand(3, *padded).clone()
    pixels[:, :height, :width] = photograph
    return _canvas(pixels[None], image, (height, width))


def _transformed(transform: GeneralizedRCNNTransform, image: Image, like: Tensor) -> Canvas:
    pixels = torch.from_numpy(image.rgb).permute(2, 0, 1).to(like) / 255
    with torch.no_grad():
        batch, _ = transform([pixels])
    mean, std = _statistics(transform, like)
    return _canvas(batch.tensors * std + mean, image, batch.image_sizes[0])


def _resized(transform: GeneralizedRCNNTransform, image: Image) -> tuple[int, int]:
    """Height and width of the resized photograph in pixels, rounded down as torchvision's ``interpolate`` does."""
    if transform.fixed_size is not None:
        width, height = transform.fixed_size
        return height, width
    sides = image.height, image.width
    scale = min(transform.min_size[-1] / min(sides), transform.max_size / max(sides))
    return math.floor(image.height * scale), math.floor(image.width * scale)


def _canvas(pixels: Tensor, image: Image, size: tuple[int, int]) -> Canvas:
    scale = size[1] / image.width, size[0] / image.height
    canvas = int(pixels.shape[-2]), int(pixels.shape[-1])
    return Canvas(pixels, (Geometry((image.height, image.width), canvas, scale),))


def normalised(transform: GeneralizedRCNNTransform, pixels: Tensor) -> Tensor:
    """Canvases ``[B, 3, h, w]``, RGB in 0..1, as the backbone takes them."""
    mean, std = _statistics(transform, pixels)
    return (pixels - mean) / std


def _statistics(transform: GeneralizedRCNNTransform, like: Tensor) -> tuple[Tensor, Tensor]:
    """Mean and standard deviation that the transform normalises with, ``[3, 1, 1]``."""
    return like.new_tensor(transform.image_mean).view(3, 1, 1), like.new_tensor(transform.image_std).view(3, 1, 1)


def clipped(boxes: Tensor, geometry: Geometry) -> Tensor:
    """Boxes ``[A, 4]`` xyxy canvas pixels, clipped to the photograph without padding."""
    (height, width), (scale_x, scale_y) = geometry.source, geometry.scale
    return clip_boxes_to_image(boxes, (round(height * scale_y), round(width * scale_x)))


def to_source(boxes: Tensor, geometry: Geometry) -> Tensor:
    """Boxes ``[N, 4]`` xyxy from canvas pixels to source pixels."""
    return boxes / boxes.new_tensor([*geometry.scale, *geometry.scale])
