"""G-CAME, Gaussian Class Activation Mapping Explainer (Nguyen et al. 2023, section 3)."""

from math import log

import torch
from torch import Tensor

CANVAS = 640  # pixels along each side of the canvas that the authors' YOLOX sees
LEAST = 1.0  # cells: the smallest standard deviation, as in the authors' code for Faster R-CNN


def gcame(activations: Tensor, gradients: Tensor, canvas: float = CANVAS) -> Tensor:
    """``sum_k mean(G_k) * M_k * A_k`` of one layer's ``[c, h, w]``: signed ``[h, w]``, before the paper's ReLU.

    ``M_k`` is a Gaussian around the cell with the channel's largest gradient by absolute value, scaled to 0..1. Its
    standard deviation in cells is ``|log |mean G_k|| / R * log(stride)`` with ``R = floor(sqrt(h w) - 1) / 6``: the
    smaller the weight, the wider the Gaussian. Two properties follow from the paper's formula: the map's width depends
    on the unit of the score, and a channel with a weight close to 1 is nearly a point.

    It follows the authors' code for YOLOX, with three differences. That code centres the Gaussian on the first cell
    with any gradient, in reading order; here it is the cell with the largest, as in their code for Faster R-CNN. (The
    two agree where one cell alone has a gradient, as in the layer before the last that the authors explain.) The
    standard deviation is at least one cell, as in their code for Faster R-CNN. The stride is ``canvas`` over
    ``sqrt(h w)``, since a layer method does not know the canvas.

    Args:
        activations: ``[c, h, w]`` of one layer.
        gradients: ``[c, h, w]`` of the target.
        canvas: pixels along a side of the canvas; only its logarithm matters.
    """
    _, height, width = activations.shape
    cells = (height * width) ** 0.5
    weights = gradients.mean(dim=(1, 2))
    logarithms = torch.where(weights != 0, weights, 1).abs().log().abs()
    radius = max(int(cells - 1) / 6, 1 / 6)
    sigma = (logarithms * abs(log(canvas / cells)) / radius).clamp(min=LEAST)
    centres = gradients.abs().flatten(1).argmax(1)
    y, x = (torch.arange(size, device=gradients.device) for size in (height, width))
    away = ((y[None, :, None] - (centres // width)[:, None, None]) ** 2
            + (x[None, None, :] - (centres % width)[:, None, None]) ** 2)
    below = torch.expm1(-away / (2 * sigma[:, None, None] ** 2))  # the bell, from 0 at its top downwards
    lowest = below.amin(dim=(1, 2), keepdim=True)
    masks = torch.where(lowest < 0, 1 - below / lowest, 1)  # a map of one cell is the top alone
    return (weights[:, None, None] * masks * activations).sum(0)
