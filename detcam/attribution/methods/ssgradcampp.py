"""SSGrad-CAM++, Spatial Sensitive Grad-CAM++ (Yamauchi 2024, CVPR workshops)."""

from torch import Tensor

from detcam.attribution.methods.gradcampp import gradcampp_weights
from detcam.attribution.methods.ssgradcam import space_maps


def ssgradcampp(activations: Tensor, gradients: Tensor) -> Tensor:
    """``sum_k w_k S_k A_k`` of one layer's ``[c, h, w]``: signed ``[h, w]``, before the paper's ReLU.

    ``w_k`` are Grad-CAM++'s weights. ``S_k = |G_k| / max |G_k|`` is the channel's space map, as in SSGrad-CAM, which
    restores the position that the weights lose. The paper adapts Grad-CAM++'s weights to detectors; code that follows
    it takes their sum of activations in the detection's region alone. Here it is the sum over the whole map, since a
    layer method does not know the boxes.

    Args:
        activations: ``[c, h, w]`` of the layer.
        gradients: ``[c, h, w]`` of the target.
    """
    return (gradcampp_weights(activations, gradients) * space_maps(gradients) * activations).sum(0)
