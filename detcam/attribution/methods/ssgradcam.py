"""SSGrad-CAM, Spatial Sensitive Grad-CAM (Yamauchi and Ishikawa 2022, ICIP)."""

import torch
from torch import Tensor


def ssgradcam(activations: Tensor, gradients: Tensor) -> Tensor:
    """``sum_k mean(G_k) * S_k * A_k`` of one layer's ``[c, h, w]``: signed ``[h, w]``, before the paper's ReLU.

    ``S_k = |G_k| / max |G_k|`` is the channel's space map, from 0 to 1. It restores the position that the mean in
    Grad-CAM's weights loses. A channel without any gradient adds nothing.

    Args:
        activations: ``[c, h, w]`` of the layer.
        gradients: ``[c, h, w]`` of the target.
    """
    weights = gradients.mean(dim=(1, 2), keepdim=True)
    return (weights * space_maps(gradients) * activations).sum(0)


def space_maps(gradients: Tensor) -> Tensor:
    """``|G_k| / max |G_k|`` of gradients ``[c, h, w]``: ``[c, h, w]`` from 0 to 1; 0 for a channel without gradient."""
    magnitude = gradients.abs()
    largest = magnitude.amax(dim=(1, 2), keepdim=True)
    return torch.where(largest > 0, magnitude / largest, 0)
