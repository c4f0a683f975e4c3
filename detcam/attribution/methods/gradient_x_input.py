"""Gradient x Input (Shrikumar et al. 2016, section 3; named so in Ancona et al. 2018, table 1)."""

from collections.abc import Iterator

from torch import Generator, Tensor

from detcam.attribution.gradients.pixel_gradients import PixelGradients


def gradient_x_input(gradients: PixelGradients, pixels: Tensor, generator: Generator) -> Iterator[Tensor]:
    """``d target / d pixel * pixel``, ``[S, 3, h, w]`` a box; the map is its signed sum over the colours.

    Pixels are RGB in 0..1, so that black counts as nothing at all: a black pixel has no attribution, whatever it says.
    """
    return (gradient * pixels for gradient in gradients(pixels))
