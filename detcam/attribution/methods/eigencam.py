"""Eigen-CAM (Muhammad and Yeasin 2020, eq. 2 and 3)."""

import torch
from torch import Tensor


def eigencam(activations: Tensor, gradients: Tensor) -> Tensor:
    """The first principal component of one layer's activations: signed.

    The gradients are not used, so every box and every target get the same map.

    Each channel is centred first, as in the grad-cam package. The paper decomposes the activations as they are; their
    first component is then mostly their mean. An eigenvector's sign is arbitrary: here the cell furthest from 0 is
    positive. The computation runs on the CPU in float64.

    Args:
        activations: ``[c, h, w]`` of the layer.
        gradients: not used.

    Returns:
        ``[h, w]``.
    """
    cells = activations.detach().cpu().double().flatten(1)
    centred = cells - cells.mean(1, keepdim=True)
    if len(centred) <= centred.shape[1]:
        projected = _last_eigenvector(centred @ centred.T) @ centred
    else:  # fewer cells than channels: the same from the smaller matrix
        projected = _last_eigenvector(centred.T @ centred)
        projected = projected * (centred @ projected).norm()
    sign = projected[projected.abs().argmax()].sign()
    return (sign * projected).view(activations.shape[1:]).to(activations)


def _last_eigenvector(matrix: Tensor) -> Tensor:
    return torch.linalg.eigh(matrix)[1][:, -1]  # that of the largest eigenvalue
