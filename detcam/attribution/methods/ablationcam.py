"""Ablation-CAM (Desai and Ramaswamy 2020, eq. 3 and 4)."""

import torch
from torch import Tensor

from detcam.attribution.method import Channels


def ablationcam(channels: Channels) -> Tensor:
    """``sum_k w_k A_k``, ``[N, h, w]`` for N boxes: signed, before the paper's ReLU.

    ``w_k = (y - y_k) / |y|``, where ``y`` is the box's score and ``y_k`` that without channel ``k`` of the layer, set
    to 0. The paper divides by ``y`` itself; a box's logit may be negative, and would turn the whole map round. For a
    score of exactly 0 the weights are left undivided. A channel that is 0 everywhere has the weight 0 without a pass.
    """
    alive = channels.activations.flatten(1).any(1).nonzero()[:, 0]
    if not len(alive):
        return channels.activations.new_zeros((len(channels.clean), *channels.activations.shape[1:]))
    score = channels.clean[:, None]
    weights = (score - channels.without(alive)) / torch.where(score == 0, 1, score.abs())
    return torch.einsum("nk,khw->nhw", weights, channels.activations[alive])
