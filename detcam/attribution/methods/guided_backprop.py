"""Guided Backpropagation (Springenberg et al. 2015, section 3.4 and figure 1)."""

from collections.abc import Iterator

from torch import Generator, Tensor

from detcam.attribution.gradients.pixel_gradients import PixelGradients


def guided_backprop(gradients: PixelGradients, pixels: Tensor, generator: Generator) -> Iterator[Tensor]:
    """The gradient at the pixels when activations let positive gradients alone through, ``[S, 3, h, w]`` a box.

    The map is the sum over the colours of its absolute values. The rule is the paper's at a ReLU. At activations that
    are smooth or let negative values through (SiLU, Hardswish, GELU, leaky ReLU) it is an approximation: what comes
    back is cut at 0 and goes on through the activation's own derivative, which may be negative.
    """
    return gradients(pixels, guided=True)
