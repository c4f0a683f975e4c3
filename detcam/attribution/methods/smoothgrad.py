"""SmoothGrad (Smilkov et al. 2017, section 3)."""

from collections.abc import Iterator

from torch import Generator, Tensor

from detcam.attribution.gradients.pixel_gradients import Attributions
from detcam.attribution.inputs.noise import NOISE, SAMPLES, over_noise


def smoothgrad(attributions: Attributions, pixels: Tensor, generator: Generator, samples: int = SAMPLES,
               noise: float = NOISE) -> Iterator[Tensor]:
    """Mean over noisy copies of a box's attribution, by default of its gradient, ``[1, ...]`` a box.

    The map is the sum over the colours of the mean's absolute values.

    Args:
        attributions: copies ``[S, 3, h, w]`` to ``[S, ...]`` a box; the same rows are read on every copy.
        pixels: ``[1, 3, h, w]`` RGB in 0..1.
        generator: where the noise comes from.
        samples: how many noisy copies.
        noise: standard deviation of the Gaussian noise, as a share of the pixel range.
    """
    return (each.mean[None] for each in over_noise(attributions, pixels, generator, samples, noise))
