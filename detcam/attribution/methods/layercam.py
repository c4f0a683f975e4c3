"""LayerCAM (Jiang, Zhang, Hou, Cheng and Wei 2021, section III.B)."""

from torch import Tensor


def layercam(activations: Tensor, gradients: Tensor) -> Tensor:
    """``sum_k relu(G_k) * A_k``, elementwise, of one layer's ``[c, h, w]``: ``[h, w]``, before the paper's ReLU.

    Only gradients that raise the target count. The map can be negative where the activations are (SiLU). The paper
    scales the maps of shallow layers by a tanh before it fuses them; that is left out here.

    Args:
        activations: ``[c, h, w]`` of the layer.
        gradients: ``[c, h, w]`` of the target.
    """
    return (gradients.clamp(min=0) * activations).sum(0)
