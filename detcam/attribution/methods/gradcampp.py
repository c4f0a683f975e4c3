"""Grad-CAM++ (Chattopadhay et al. 2018, eq. 5 and 19)."""

from torch import Tensor


def gradcampp(activations: Tensor, gradients: Tensor) -> Tensor:
    """``sum_k w_k A_k`` of one layer's ``[c, h, w]``: signed ``[h, w]``, before the paper's ReLU (its eq. 11).

    The weights are those of :func:`weights`. Like Grad-CAM's they have no place: the map lights up other objects of the
    class as much as the box's own.
    """
    return (weights(activations, gradients) * activations).sum(0)


def weights(activations: Tensor, gradients: Tensor) -> Tensor:
    """``w_k = sum_ij alpha_k(ij) relu(G_k(ij))``, ``[c, 1, 1]``.

    ``alpha_k(ij) = G_k(ij)^2 / (2 G_k(ij)^2 + G_k(ij)^3 sum_ab A_k(ab))`` (eq. 19), which is
    ``1 / (2 + G_k(ij) sum_ab A_k(ab))`` wherever the ReLU leaves anything. The exponential that the paper puts on the
    score multiplies all of a box's weights alike and is left out. The authors' code also divides a channel's alphas by
    their sum, of which the paper says nothing; that is left out too. Other libraries add a small number to the
    denominator, or multiply ``A`` and ``G^3`` cell by cell. The paper's activations are not negative: where a channel's
    sum is (SiLU), the denominator can come close to 0 and its weight burst.
    """
    positive = gradients.clamp(min=0)
    sums = activations.sum(dim=(1, 2), keepdim=True)
    return (positive / (2 + positive * sums)).sum(dim=(1, 2), keepdim=True)
