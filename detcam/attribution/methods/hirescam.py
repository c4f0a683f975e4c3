"""HiResCAM (Draelos and Carin 2020, eq. 4), the same formula as ODAM (Zhao et al. 2023, eq. 5)."""

from torch import Tensor


def hirescam(activations: Tensor, gradients: Tensor) -> Tensor:
    """``sum_k G_k * A_k``, elementwise, of one layer's ``[c, h, w]``: signed ``[h, w]``, before the ReLU.

    The gradient keeps its position, so the map shows the evidence for one box. ODAM also smooths the gradients of
    coarse layers; that is left out here.

    Args:
        activations: ``[c, h, w]`` of the layer.
        gradients: ``[c, h, w]`` of the target.
    """
    return (gradients * activations).sum(0)
