"""XGrad-CAM, Axiom-based Grad-CAM (Fu et al. 2020, eq. 7 and 8)."""

import torch
from torch import Tensor


def xgradcam(activations: Tensor, gradients: Tensor) -> Tensor:
    """``sum_k w_k A_k`` of one layer's ``[c, h, w]``: signed ``[h, w]``, before the paper's ReLU.

    ``w_k = sum_ij A_k(ij) G_k(ij) / sum_ij A_k(ij)`` is the mean gradient, weighted by the activation, so the map adds
    up to the sum of gradient times activation. Like Grad-CAM's the weights have no position. A channel whose
    activations add up to 0 adds nothing: after a ReLU it is 0 everywhere. Where activations can be negative (SiLU), a
    sum close to 0 makes a weight explode.

    Args:
        activations: ``[c, h, w]`` of the layer.
        gradients: ``[c, h, w]`` of the target.
    """
    products = (gradients * activations).sum(dim=(1, 2), keepdim=True)
    sums = activations.sum(dim=(1, 2), keepdim=True)
    weights = torch.where(sums != 0, products / sums, 0)
    return (weights * activations).sum(0)
