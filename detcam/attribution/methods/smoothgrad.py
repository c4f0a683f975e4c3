"""SmoothGrad (Smilkov et al. 2017, section 3)."""

import torch
from torch import Generator, Tensor

from detcam.attribution.methods.table import PixelGradients

SAMPLES = 25  # the paper sees little change above 50 and most of the gain by 20 (its figure 4)
NOISE = 0.15  # of the pixel range; the paper recommends 10 to 20 % (its figure 3)
CHUNK = 4  # noisy copies in one forward pass: what bounds the memory


def smoothgrad(gradients: PixelGradients, pixels: Tensor, generator: Generator, samples: int = SAMPLES,
               noise: float = NOISE) -> Tensor:
    """Sum over the colours of ``|mean over noise of d target / d pixel|``, ``[N, h, w]`` for N boxes.

    Args:
        gradients: pixels ``[S, 3, h, w]`` to each box's gradients; the same rows are read on every copy.
        pixels: ``[1, 3, h, w]`` RGB in 0..1.
        generator: where the noise comes from.
        samples: how many noisy copies.
        noise: standard deviation of the Gaussian noise, as a share of the pixel range.
    """
    totals: list[Tensor] = []
    for start in range(0, samples, CHUNK):
        count = min(CHUNK, samples - start)
        added = torch.randn((count, *pixels.shape[1:]), generator=generator, dtype=pixels.dtype)
        summed = (gradient.sum(0) for gradient in gradients(pixels + noise * added.to(pixels.device)))
        totals = [total + own for total, own in zip(totals, summed, strict=True)] if totals else list(summed)
    return torch.stack([(total / samples).abs().sum(0) for total in totals])
