"""A photograph brought to a canvas of a given size: stretched, or letterboxed."""

import numpy as np
import torch
from torch import Tensor

from detcam.imaging.geometry import Geometry
from detcam.imaging.image import Image
from detcam.imaging.resize import stretched

STRETCH, LETTERBOX = "stretch", "letterbox"
GREY = 114 / 255  # ultralytics' padding


def fitted_canvas(image: Image, size: tuple[int, int], fit: str, fill: float, antialias: bool
                  ) -> tuple[Tensor, Geometry]:
    """Pixels ``[1, 3, h, w]`` float32 in 0..1, and where the photograph lies on them.

    Args:
        image: the photograph.
        size: height and width of the canvas, in pixels.
        fit: ``"stretch"`` to the whole canvas, or ``"letterbox"``: its shape kept, in the middle, padding around it.
        fill: the grey of the padding, 0..1.
        antialias: whether bilinear interpolation takes all pixels that a smaller one covers, or the nearest four.
    """
    height, width = size
    inner, offset = size, (0, 0)
    if fit == LETTERBOX:
        gain = min(height / image.height, width / image.width)
        inner = (max(round(image.height * gain), 1), max(round(image.width * gain), 1))
        offset = ((width - inner[1]) // 2, (height - inner[0]) // 2)
    pixels = torch.full((1, 3, height, width), fill)
    x, y = offset
    pixels[0, :, y : y + inner[0], x : x + inner[1]] = _resized(image, inner, antialias)
    scale = (inner[1] / image.width, inner[0] / image.height)
    return pixels, Geometry((image.height, image.width), size, scale, (float(x), float(y)))


def _resized(image: Image, size: tuple[int, int], antialias: bool) -> Tensor:
    """The photograph in a height and width, ``[3, height, width]`` in 0..1, bilinear."""
    if not antialias:
        return torch.from_numpy(np.ascontiguousarray(stretched(image.rgb, (size[1], size[0])))).permute(2, 0, 1)
    whole = torch.from_numpy(image.rgb).permute(2, 0, 1)[None].float() / 255
    return torch.nn.functional.interpolate(whole, size, mode="bilinear", antialias=True)[0]
