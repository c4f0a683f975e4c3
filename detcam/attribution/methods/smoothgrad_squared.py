"""SmoothGrad-squared (Hooker et al. 2019, section 3.1)."""

from collections.abc import Iterator

from torch import Generator, Tensor

from detcam.attribution.gradients.pixel_gradients import Attributions
from detcam.attribution.inputs.noise import NOISE, SAMPLES, over_noise


def smoothgrad_squared(attributions: Attributions, pixels: Tensor, generator: Generator, samples: int = SAMPLES,
                       noise: float = NOISE) -> Iterator[Tensor]:
    """The mean over noisy copies of the square of each box's attribution, by default its gradient.

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
    return (moments.mean_square[None] for moments in over_noise(attributions, pixels, generator, samples, noise))
