"""SmoothGrad-squared (Hooker et al. 2019, section 3.1)."""

from collections.abc import Iterator

from torch import Generator, Tensor

from detcam.attribution.gradients.pixel_gradients import Attributions
from detcam.attribution.inputs.noise import NOISE, SAMPLES, over_noise


def smoothgrad_squared(attributions: Attributions, pixels: Tensor, generator: Generator, samples: int = SAMPLES,
                       noise: float = NOISE) -> Iterator[Tensor]:
    """Mean over noisy copies of the square of a box's attribution, by default of its gradient, ``[1, ...]`` a box.

    Args:
        attributions, pixels, generator, samples, noise: as in
            :func:`detcam.attribution.methods.smoothgrad.smoothgrad`.
    """
    return (each.mean_square[None] for each in over_noise(attributions, pixels, generator, samples, noise))
