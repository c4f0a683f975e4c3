"""The vanilla gradient at the pixels (Simonyan et al. 2014, section 3)."""

from collections.abc import Iterator

from torch import Generator, Tensor

from detcam.attribution.gradients.pixel_gradients import PixelGradients


def gradient(gradients: PixelGradients, pixels: Tensor, generator: Generator) -> Iterator[Tensor]:
    """``d target / d pixel``, ``[S, 3, h, w]`` a box; the map is the sum over the colours of its absolute values.

    The paper takes the largest colour instead of their sum (its eq. 5); the sum is what SmoothGrad's authors and
    captum's users take, and it lets colours add up.
    """
    return gradients(pixels)
