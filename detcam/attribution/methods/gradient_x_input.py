"""Gradient x Input (Shrikumar et al. 2016, section 3; named so in Ancona et al. 2018, table 1)."""

from collections.abc import Iterator

from torch import Generator, Tensor

from detcam.attribution.gradients.pixel_gradients import PixelGradients


def gradient_x_input(gradients: PixelGradients, pixels: Tensor, generator: Generator) -> Iterator[Tensor]:
    """``d target / d pixel * pixel``; the map is its signed sum over the colours.

    Pixels are RGB in 0..1, so a black pixel has no attribution, however much the score depends on it.

    Args:
        gradients: of the boxes.
        pixels: ``[S, 3, h, w]`` RGB in 0..1.
        generator: not used.

    Returns:
        ``[S, 3, h, w]`` canvas pixels for each box, one after the other.
    """
    return (gradient * pixels for gradient in gradients(pixels))
