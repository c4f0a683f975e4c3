"""Noisy copies of a photograph, and the mean and variance of the attributions on them."""

from dataclasses import dataclass

import torch
from torch import Generator, Tensor

from detcam.attribution.chunks import in_chunks
from detcam.attribution.gradients.pixel_gradients import Attributions
from detcam.errors import MethodError

SAMPLES = 25  # SmoothGrad's paper sees little change above 50 and most of the gain by 20 (its figure 4)
NOISE = 0.15  # of the pixel range; SmoothGrad's paper recommends 10 to 20 % (its figure 3)
CHUNK = 4  # noisy copies in one forward pass: this limits the memory


@dataclass
class Moments:
    """The mean and variance of an attribution over copies.

    Attributes:
        count: the number of copies.
        mean: of the attribution, ``[...]``.
        squares: the sum of the squared differences from the mean, ``[...]``.
    """

    count: int
    mean: Tensor
    squares: Tensor

    @classmethod
    def of(cls, values: Tensor) -> "Moments":
        """The moments of attributions ``[S, ...]`` over S copies."""
        mean = values.mean(0)
        return cls(len(values), mean, (values - mean).square().sum(0))

    def add(self, other: "Moments") -> None:
        """Add other copies (Chan, Golub and LeVeque 1979, eq. 2.1): more exact than the mean square minus the squared
        mean."""
        count, difference = self.count + other.count, other.mean - self.mean
        self.mean = self.mean + difference * (other.count / count)
        self.squares = self.squares + other.squares + difference.square() * (self.count * other.count / count)
        self.count = count

    @property
    def variance(self) -> Tensor:
        """``[...]``, divided by the number of copies."""
        return self.squares / self.count

    @property
    def mean_square(self) -> Tensor:
        """``[...]``."""
        return self.variance + self.mean.square()


def over_noise(attributions: Attributions, pixels: Tensor, generator: Generator, samples: int, noise: float
               ) -> list[Moments]:
    """The moments of each box's attribution over noisy copies of the canvas, the same copies for every box.

    Args:
        attributions: copies ``[S, 3, h, w]`` to ``[S, ...]`` for each box.
        pixels: ``[1, 3, h, w]`` RGB in 0..1.
        generator: of the noise. Every copy has its own seed, so that its noise does not depend on how many copies fit
            into a forward pass.
        samples: the number of noisy copies.
        noise: standard deviation of the Gaussian noise, as a share of the pixel range; copies are not clipped.

    Returns:
        One for each box.

    Raises:
        MethodError: there are no samples, or the noise is negative.
    """
    if samples < 1 or noise < 0:
        raise MethodError(f"samples {samples}, noise {noise}: expected at least 1 sample, and noise of at least 0")
    totals: list[Moments] = []
    seeds = torch.randint(2**62, (samples,), generator=generator)

    def of_copies(some: Tensor) -> list[Moments]:
        return [Moments.of(values) for values in attributions(_noisy(pixels, noise, some))]

    for moments in in_chunks(of_copies, seeds, CHUNK):
        for total, other in zip(totals, moments, strict=bool(totals)):
            total.add(other)
        totals = totals or moments
    return totals


def _noisy(pixels: Tensor, noise: float, seeds: Tensor) -> Tensor:
    return torch.cat([pixels + noise * _normal(pixels, seed) for seed in seeds.tolist()])


def _normal(like: Tensor, seed: int) -> Tensor:
    """Standard normal noise of the same shape, drawn on the CPU: equal on every device."""
    drawn = torch.randn(like.shape, generator=Generator().manual_seed(seed), dtype=like.dtype)
    return drawn.to(like.device)

