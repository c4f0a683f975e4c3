"""CAM (Zhou et al. 2016, eq. 2)."""

from torch import Tensor

from detcam.errors import MethodError

ROUNDING = 1e-4  # of the largest gradient: cells of a pooled map differ by less in float32


def cam(activations: Tensor, gradients: Tensor) -> Tensor:
    """``sum_k w_k A_k`` of one layer, signed; its mean is the logit without its bias.

    ``w_k`` are the weights of a linear head on the layer's global averages. With such a head the logit's gradient is
    ``w_k / (h w)`` in every cell, so the weights are the gradient times the number of cells. The paper pools by a sum,
    which gives the same map divided by ``h w``.

    An equal gradient in every cell proves the pooling, not that the head is linear. With hidden layers after the
    pooling, or with another target than the logit, the map is Grad-CAM's (times ``h w``), a linear approximation.

    Args:
        activations: ``[c, h, w]`` of the layer that is pooled.
        gradients: ``[c, h, w]`` of the target.

    Returns:
        ``[h, w]``.

    Raises:
        MethodError: the gradient differs between cells, so the layer is not globally averaged, or the layer has a
            single cell, so that this cannot be seen.
    """
    largest = gradients.abs().max()
    varies = (gradients.amax(dim=(1, 2)) - gradients.amin(dim=(1, 2))).max()
    if varies > ROUNDING * largest:
        raise MethodError("method 'cam' is exact only below a linear head on globally pooled features, where the "
                          "gradient is the same in every cell, and here it is not (for a detector's boxes it never "
                          "is): use 'hirescam', or 'gradcam', which is CAM's generalisation")
    cells = gradients[0].numel()
    if cells == 1:
        raise MethodError("method 'cam' needs a map of several cells, and this layer has one: name an earlier layer")
    return (gradients.mean(dim=(1, 2), keepdim=True) * cells * activations).sum(0)
