"""Noisy copies of a photograph, and the mean and the variance of what is attributed on them."""

from dataclasses import dataclass

import torch
from torch import Generator, Tensor

from detcam.attribution.chunks import in_chunks
from detcam.attribution.gradients.pixel_gradients import Attributions
from detcam.errors import MethodError

SAMPLES = 25  # SmoothGrad's paper sees little change above 50 and most of the gain by 20 (its figure 4)
NOISE = 0.15  # of the pixel range; SmoothGrad's paper recommends 10 to 20 % (its figure 3)
CHUNK = 4  # noisy copies in one forward pass: what bounds the memory


@dataclass
class Moments:
    """Over ``count`` copies: the ``mean`` of an attribution and the sum of the ``squares`` of what differs from it."""

    count: int
    mean: Tensor
    squares: Tensor

    @classmethod
    def of(cls, values: Tensor) -> "Moments":
        """Of ``[S, ...]``."""
        mean = values.mean(0)
        return cls(len(values), mean, (values - mean).square().sum(0))

    def add(self, other: "Moments") -> None:
        """Take in other copies (Chan, Golub and LeVeque 1979, eq. 2.1): nothing cancels out, as it does in the
        difference of mean square and squared mean."""
        count, difference = self.count + other.count, other.mean - self.mean
        self.mean = self.mean + difference * (other.count / count)
        self.squares = self.squares + other.squares + difference.square() * (self.count * other.count / count)
        self.count = count

    @property
    def variance(self) -> Tensor:
        return self.squares / self.count

    @property
    def mean_square(self) -> Tensor:
        return self.variance + self.mean.square()


def over_noise(attributions: Attributions, pixels: Tensor, generator: Generator, samples: int, noise: float
               ) -> list[Moments]:
    """The moments of each box's attribution over noisy copies of the canvas, the same copies for every box.

    Args:
        attributions: copies ``[S, 3, h, w]`` to ``[S, ...]`` a box.
        pixels: ``[1, 3, h, w]`` RGB in 0..1.
        generator: where the noise comes from. Every copy has a seed of its own, so that a copy's noise does not depend
            on how many copies fit into a pass.
        samples: how many noisy copies.
        noise: standard deviation of the Gaussian noise, as a share of the pixel range; copies are not clipped.

    Raises:
        MethodError: there are no copies, or the noise is negative.
    """
    if samples < 1 or noise < 0:
        raise MethodError(f"samples {samples}, noise {noise}: expected at least 1 sample, and noise of at least 0")
    found: list[Moments] = []
    seeds = torch.randint(2**62, (samples,), generator=generator)
    for moments in in_chunks(lambda piece: [Moments.of(each) for each in attributions(_noisy(pixels, noise, piece))],
                             seeds, CHUNK):
        for mine, other in zip(found, moments, strict=bool(found)):
            mine.add(other)
        found = found or moments
    return found


def _noisy(pixels: Tensor, noise: float, seeds: Tensor) -> Tensor:
    return torch.cat([pixels + noise * _normal(pixels, seed) for seed in seeds.tolist()])


def _normal(like: Tensor, seed: int) -> Tensor:
    """Drawn on the CPU: the same on every device."""
    drawn = torch.randn(like.shape, generator=Generator().manual_seed(seed), dtype=like.dtype)
    return drawn.to(like.device)

