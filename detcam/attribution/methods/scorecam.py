"""Score-CAM (Wang et al. 2020, algorithm 1)."""

import torch
from torch import Tensor

from detcam.attribution.method import Channels


def scorecam(channels: Channels) -> Tensor:
    """``sum_k w_k A_k``, ``[N, h, w]`` for N boxes, before the paper's ReLU.

    ``w = softmax_k(S_k)`` over the channels, where ``S_k`` is the box's score on the photograph seen through channel
    ``k``: enlarged to the canvas, stretched from 0 to 1 and multiplied with the pixels. The score on an empty
    photograph, which the paper subtracts, falls away in the softmax. All weights are positive, and a difference of ten
    between two scores leaves the lower one nothing: meant for logits.

    What is hidden is black; the authors hide what their model has normalised, where it is the data set's mean colour. A
    channel that is the same everywhere hides nothing and shows nothing: it is left out, as in the authors' code. That
    code also takes the classifier's probability instead of the algorithm's softmax over channels.
    """
    varied = (channels.activations.amax((1, 2)) > channels.activations.amin((1, 2))).nonzero()[:, 0]
    if not len(varied):
        return channels.activations.new_zeros((len(channels.clean), *channels.activations.shape[1:]))
    weights = channels.through(varied).softmax(1)
    return torch.einsum("nk,khw->nhw", weights, channels.activations[varied])
