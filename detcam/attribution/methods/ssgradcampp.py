"""SSGrad-CAM++, Spatial Sensitive Grad-CAM++ (Yamauchi 2024, CVPR workshops)."""

from torch import Tensor

from detcam.attribution.methods.gradcampp import weights
from detcam.attribution.methods.ssgradcam import space_maps


def ssgradcampp(activations: Tensor, gradients: Tensor) -> Tensor:
    """``sum_k w_k S_k A_k`` of one layer's ``[c, h, w]``: signed ``[h, w]``, before the paper's ReLU.

    ``w_k`` are Grad-CAM++'s weights, and ``S_k = |G_k| / max |G_k|`` the channel's space map as in SSGrad-CAM, which
    gives them the place that they lack. The paper fits Grad-CAM++'s weights to detectors; code that follows it confines
    their sum over the activations to the detection's region. Here it runs over the whole map, since a layer method
    knows no boxes.
    """
    return (weights(activations, gradients) * space_maps(gradients) * activations).sum(0)
