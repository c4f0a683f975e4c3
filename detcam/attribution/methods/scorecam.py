"""Score-CAM (Wang et al. 2020, algorithm 1)."""

import torch
from torch import Tensor

from detcam.attribution.method import Channels


def scorecam(channels: Channels) -> Tensor:
    """``sum_k w_k A_k`` for N boxes, before the paper's ReLU.

    ``w = softmax_k(S_k)`` over the channels, where ``S_k`` is the box's score on the photograph masked with channel
    ``k``: enlarged to the canvas, scaled to 0..1 and multiplied with the pixels. The paper subtracts the score on an
    empty photograph, which the softmax cancels. All weights are positive. The softmax is meant for logits: of two
    scores ten apart the lower one gets almost no weight.

    Masked pixels are black; the authors mask normalised pixels, so that theirs have the data set's mean colour. A
    channel that is the same everywhere is left out, as in the authors' code. That code also takes the classifier's
    probability instead of the algorithm's softmax over channels.

    Args:
        channels: of one layer of one photograph.

    Returns:
        float ``[N, h, w]`` on the layer's grid.
    """
    varied = (channels.activations.amax((1, 2)) > channels.activations.amin((1, 2))).nonzero()[:, 0]
    if not len(varied):
        return channels.activations.new_zeros((len(channels.clean), *channels.activations.shape[1:]))
    weights = channels.through(varied).softmax(1)
    return torch.einsum("nk,khw->nhw", weights, channels.activations[varied])
