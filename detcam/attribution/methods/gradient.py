"""The vanilla gradient at the pixels (Simonyan et al. 2014, section 3)."""

from collections.abc import Iterator

from torch import Generator, Tensor

from detcam.attribution.gradients.pixel_gradients import PixelGradients


def gradient(gradients: PixelGradients, pixels: Tensor, generator: Generator) -> Iterator[Tensor]:
    """``d target / d pixel``; the map is the sum of its absolute values over the colours.

    The paper takes the largest colour instead of the sum (eq. 5). SmoothGrad's authors take the sum.

    Args:
        gradients: of the boxes.
        pixels: ``[S, 3, h, w]`` RGB in 0..1.
        generator: not used.

    Returns:
        ``[S, 3, h, w]`` canvas pixels for each box, one after the other.
    """
    return gradients(pixels)
