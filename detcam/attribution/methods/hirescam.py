"""HiResCAM (Draelos and Carin 2020, eq. 4), which is ODAM's combination (Zhao et al. 2023, eq. 5) too."""

from torch import Tensor


def hirescam(activations: Tensor, gradients: Tensor) -> Tensor:
    """``sum_k G_k * A_k``, elementwise, of one layer's ``[c, h, w]``: signed ``[h, w]``, before the ReLU.

    The gradient keeps its position, so the map belongs to the box that was asked about. ODAM also smooths the
    gradients of coarse layers; that is left out here.
    """
    return (gradients * activations).sum(0)
