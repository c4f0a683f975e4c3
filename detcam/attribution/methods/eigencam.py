"""Eigen-CAM (Muhammad and Yeasin 2020, eq. 2 and 3)."""

import torch
from torch import Tensor


def eigencam(activations: Tensor, gradients: Tensor) -> Tensor:
    """One layer's cells ``[c, h, w]`` along their first principal component: signed ``[h, w]``.

    The gradients are not looked at: every box, and every target, gets the same map, that of what stands out most among
    the activations.

    Each channel is centred first, as principal components are, and as the grad-cam package does; the paper's own
    decomposition is of the activations as they are, whose first component is mostly their mean. An eigenvector's sign
    is arbitrary: here the cell that is furthest from 0 is positive. Computed on the processor in float64.
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
