"""Guided Backpropagation (Springenberg et al. 2015, section 3.4 and figure 1)."""

from collections.abc import Iterator

from torch import Generator, Tensor

from detcam.attribution.gradients.pixel_gradients import PixelGradients


def guided_backprop(gradients: PixelGradients, pixels: Tensor, generator: Generator) -> Iterator[Tensor]:
    """The gradient at the pixels, with negative gradients set to 0 at every activation.

    The map is the sum of its absolute values over the colours. At a ReLU the rule is the paper's. At other activations
    (SiLU, Hardswish, GELU, leaky ReLU) it is an approximation: the incoming gradient is clipped at 0 and then
    multiplied by the activation's derivative, which may be negative.

    Args:
        gradients: of the boxes.
        pixels: ``[S, 3, h, w]`` RGB in 0..1.
        generator: not used.

    Returns:
        ``[S, 3, h, w]`` canvas pixels for each box, one after the other.
    """
    return gradients(pixels, guided=True)
