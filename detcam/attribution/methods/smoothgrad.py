"""SmoothGrad (Smilkov et al. 2017, section 3)."""

from collections.abc import Iterator

from torch import Generator, Tensor

from detcam.attribution.gradients.pixel_gradients import Attributions
from detcam.attribution.inputs.noise import NOISE, SAMPLES, over_noise


def smoothgrad(attributions: Attributions, pixels: Tensor, generator: Generator, samples: int = SAMPLES,
               noise: float = NOISE) -> Iterator[Tensor]:
    """The mean over noisy copies of each box's attribution, by default its gradient.

    The map is the sum of the mean's absolute values over the colours.

    Args:
        attributions: copies ``[S, 3, h, w]`` to ``[S, ...]`` for each box; every copy is read at the same rows.
        pixels: ``[1, 3, h, w]`` RGB in 0..1.
        generator: of the noise.
        samples: the number of noisy copies.
        noise: standard deviation of the Gaussian noise, as a share of the pixel range.

    Returns:
        ``[1, ...]`` for each box, one after the other.

    Raises:
        MethodError: there are no samples, or the noise is negative.
    """
    return (moments.mean[None] for moments in over_noise(attributions, pixels, generator, samples, noise))
