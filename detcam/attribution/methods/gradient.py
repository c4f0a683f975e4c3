"""The vanilla gradient at the pixels (Simonyan et al. 2014, section 3)."""

import torch
from torch import Generator, Tensor

from detcam.attribution.methods.table import PixelGradients


def gradient(gradients: PixelGradients, pixels: Tensor, generator: Generator) -> Tensor:
    """Sum over the colours of ``|d target / d pixel|``, ``[N, h, w]`` for N boxes.

    The paper takes the largest colour instead of their sum (its eq. 5); the sum is what SmoothGrad's authors and
    captum's users take, and it lets colours add up.
    """
    return torch.stack([gradient[0].abs().sum(0) for gradient in gradients(pixels)])
