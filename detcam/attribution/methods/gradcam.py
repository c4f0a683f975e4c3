"""Grad-CAM (Selvaraju et al. 2017, eq. 1 and 2)."""

from torch import Tensor


def gradcam(activations: Tensor, gradients: Tensor) -> Tensor:
    """``sum_k mean(G_k) A_k`` of one layer's ``[c, h, w]``: signed ``[h, w]``, before the ReLU of eq. 2.

    The mean over the map (eq. 1) loses the box's position: on a detector the map highlights other objects of the class
    as much as the box's own.

    Args:
        activations: ``[c, h, w]`` of the layer.
        gradients: ``[c, h, w]`` of the target.
    """
    weights = gradients.mean(dim=(1, 2), keepdim=True)
    return (weights * activations).sum(0)
