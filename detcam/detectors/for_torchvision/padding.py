"""How large a photograph is on a padded canvas, read from the canvas alone: the padding is exactly the mean colour."""

import torch
from torch import Tensor
from torchvision.models.detection.transform import GeneralizedRCNNTransform

from detcam.detectors.canvas import Canvas
from detcam.detectors.for_torchvision.transform import normalised

Size = tuple[int, int]  # height, width


def content_sizes(normalised_pixels: Tensor) -> list[Size]:
    """Height and width of each photograph on its normalised canvas ``[B, 3, h, w]``, without the zeros at its end.

    Where the padding of a changed copy was changed too, that is the size of the whole canvas.
    """
    photographs = (normalised_pixels.detach() != 0).any(1)
    return [(_end(each.any(1)), _end(each.any(0))) for each in photographs]


def _end(kept: Tensor) -> int:
    places = kept.nonzero()
    return int(places[-1]) + 1 if len(places) else len(kept)


def mark_padding_border(transform: GeneralizedRCNNTransform, canvas: Canvas) -> Canvas:
    """A canvas of one photograph that does not end like padding: one whose last row or column has the mean colour all
    along (a black one, under a mean of 0) gets one value there moved by the smallest step there is."""
    pixels = canvas.pixels.clone()
    x, y = canvas.geometries[0].content[2:].round().astype(int)
    for last in (pixels[0, :, y - 1, :x], pixels[0, :, :y, x - 1]):
        if not bool((normalised(transform, last[None, :, None]) != 0).any()):
            own = last[0, -1]
            last[0, -1] = torch.nextafter(own, torch.where(own < 0.5, 1, 0).to(own))
    return Canvas(pixels, canvas.geometries)
