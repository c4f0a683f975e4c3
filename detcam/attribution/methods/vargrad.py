"""VarGrad (Adebayo et al. 2018, section 2; named so in Hooker et al. 2019, section 3.1)."""

from collections.abc import Iterator

from torch import Generator, Tensor

from detcam.attribution.gradients.pixel_gradients import Attributions
from detcam.attribution.inputs.noise import NOISE, SAMPLES, over_noise


def vargrad(attributions: Attributions, pixels: Tensor, generator: Generator, samples: int = SAMPLES,
            noise: float = NOISE) -> Iterator[Tensor]:
    """Variance over noisy copies of a box's attribution, by default of its gradient, ``[1, ...]`` a box.

    The sum of squares is divided by the number of copies, not by one less.

    Args:
        attributions, pixels, generator, samples, noise: as in
            :func:`detcam.attribution.methods.smoothgrad.smoothgrad`.
    """
    return (each.variance[None] for each in over_noise(attributions, pixels, generator, samples, noise))
