"""CAM (Zhou et al. 2016, eq. 2)."""

from torch import Tensor

from detcam.errors import MethodError

ROUNDING = 1e-4  # of the largest gradient: by more no two cells of a pooled map differ in float32


def cam(activations: Tensor, gradients: Tensor) -> Tensor:
    """``sum_k w_k A_k`` of one layer's ``[c, h, w]``: signed ``[h, w]``; its mean is the logit without its bias.

    ``w_k`` are the weights of a linear head on the layer's global averages. Through it the logit's gradient is
    ``w_k / (h w)`` in every cell, and that is where the weights are read: the gradient times the number of cells. The
    paper pools by a sum and has the same map over ``h w``.

    A gradient that is the same in every cell shows the pooling, not that the head after it is linear: with hidden
    layers there, or with another target than the logit, the map is Grad-CAM's (times ``h w``), a linear approximation.

    Raises:
        MethodError: the gradient changes over the map, so that no head on its average can have made it, or the map has
            a single cell, of which nobody can tell.
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
