"""The size of a photograph on a padded canvas, read from its pixels: the padding is exactly the mean colour."""

import torch
from torch import Tensor
from torchvision.models.detection.transform import GeneralizedRCNNTransform

from detcam.detectors.canvas import Canvas
from detcam.detectors.for_torchvision.transform import normalised

Size = tuple[int, int]  # height, width


def content_sizes(normalised_pixels: Tensor) -> list[Size]:
    """Height and width in pixels of each photograph on its canvas, without the padding at the bottom and the right.

    Where the padding of a changed copy was changed too, that is the size of the whole canvas.

    Args:
        normalised_pixels: ``[B, 3, h, w]`` as the backbone takes them, in which padding is 0.
    """
    photographs = (normalised_pixels.detach() != 0).any(1)
    return [(_end(photograph.any(1)), _end(photograph.any(0))) for photograph in photographs]


def _end(filled: Tensor) -> int:
    """The length without what is not ``filled`` at the end; the whole length where nothing is filled."""
    places = filled.nonzero()
    return int(places[-1]) + 1 if len(places) else len(filled)


def mark_padding_border(transform: GeneralizedRCNNTransform, canvas: Canvas) -> Canvas:
    """A canvas on which the photograph's last row and column cannot be taken for padding.

    Where one of them has the mean colour all along (black, under a mean of 0), one value of it is moved by the smallest
    step that there is.

    Args:
        transform: the model's.
        canvas: of one photograph.
    """
    pixels = canvas.pixels.clone()
    x, y = canvas.geometries[0].content[2:].round().astype(int)
    for last in (pixels[0, :, y - 1, :x], pixels[0, :, :y, x - 1]):
        if not bool((normalised(transform, last[None, :, None]) != 0).any()):
            value = last[0, -1]
            last[0, -1] = torch.nextafter(value, torch.where(value < 0.5, 1, 0).to(value))
    return Canvas(pixels, canvas.geometries)
