"""Ablation-CAM (Desai and Ramaswamy 2020, eq. 3 and 4)."""

import torch
from torch import Tensor

from detcam.attribution.method import Channels


def ablationcam(channels: Channels) -> Tensor:
    """``sum_k w_k A_k`` for N boxes, signed, before the paper's ReLU.

    ``w_k = (y - y_k) / |y|``, where ``y`` is the box's score, and ``y_k`` its score with channel ``k`` of the layer set
    to 0. The paper divides by ``y`` itself; that would invert the map of a box whose logit is negative. A score of
    exactly 0 divides nothing. A channel that is 0 everywhere gets the weight 0 without a forward pass.

    Args:
        channels: of one layer of one photograph.

    Returns:
        float ``[N, h, w]`` on the layer's grid.
    """
    nonzero = channels.activations.flatten(1).any(1).nonzero()[:, 0]
    if not len(nonzero):
        return channels.activations.new_zeros((len(channels.clean), *channels.activations.shape[1:]))
    score = channels.clean[:, None]
    weights = (score - channels.without(nonzero)) / torch.where(score == 0, 1, score.abs())
    return torch.einsum("nk,khw->nhw", weights, channels.activations[nonzero])
