"""Grad-CAM++ (Chattopadhay et al. 2018, eq. 5 and 19)."""

from torch import Tensor


def gradcampp(activations: Tensor, gradients: Tensor) -> Tensor:
    """``sum_k w_k A_k`` of one layer's ``[c, h, w]``: signed ``[h, w]``, before the paper's ReLU (its eq. 11).

    The weights are those of :func:`gradcampp_weights`. Like Grad-CAM's they have no position: the map highlights other
    objects of the class as much as the box's own.

    Args:
        activations: ``[c, h, w]`` of the layer.
        gradients: ``[c, h, w]`` of the target.
    """
    return (gradcampp_weights(activations, gradients) * activations).sum(0)


def gradcampp_weights(activations: Tensor, gradients: Tensor) -> Tensor:
    """Grad-CAM++'s weights of one layer's channels: ``w_k = sum_ij alpha_k(ij) relu(G_k(ij))``.

    ``alpha_k(ij) = G_k(ij)^2 / (2 G_k(ij)^2 + G_k(ij)^3 sum_ab A_k(ab))`` (eq. 19), which is
    ``1 / (2 + G_k(ij) sum_ab A_k(ab))`` wherever the ReLU is not 0. The paper takes the exponential of the score, which
    multiplies all weights of a box by the same number; it is left out. The authors' code also divides a channel's
    alphas by their sum, which the paper does not mention; that is left out too. Other libraries add a small number to
    the denominator, or multiply ``A`` and ``G^3`` cell by cell. The paper assumes activations that are never negative:
    where a channel's sum is negative (SiLU), the denominator can come close to 0 and the weight explode.

    Args:
        activations: ``[c, h, w]``.
        gradients: ``[c, h, w]`` of the target.

    Returns:
        ``[c, 1, 1]``.
    """
    positive = gradients.clamp(min=0)
    sums = activations.sum(dim=(1, 2), keepdim=True)
    return (positive / (2 + positive * sums)).sum(dim=(1, 2), keepdim=True)
