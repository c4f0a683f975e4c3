"""G-CAME, Gaussian Class Activation Mapping Explainer (Nguyen et al. 2023, section 3)."""

from math import log

import torch
from torch import Tensor

CANVAS = 640  # pixels along each side of the canvas that the authors' YOLOX sees
LEAST = 1.0  # cells: the smallest standard deviation, as in the authors' code for Faster R-CNN


def gcame(activations: Tensor, gradients: Tensor, canvas: float = CANVAS) -> Tensor:
    """``sum_k mean(G_k) * M_k * A_k`` of one layer's ``[c, h, w]``: signed ``[h, w]``, before the paper's ReLU.

    ``M_k`` is a Gaussian around the cell where the channel's gradient is largest in size, stretched from 0 to 1, whose
    standard deviation in cells is ``|log |mean G_k|| / R * log(stride)`` with ``R = floor(sqrt(h w) - 1) / 6``: the
    smaller a weight is, the wider. What follows from that is the paper's: the map's width depends on the unit of the
    score, and a channel whose weight is close to 1 is nearly a point.

    It follows the authors' code for YOLOX, with these deviations. Their centre is the first cell with any gradient, in
    reading order: the same where one cell has one, as in the layer before the last that they look at, and a corner of
    the receptive field elsewhere; the largest is what their code for Faster R-CNN takes. The standard deviation is at
    least one cell, as there. The stride is ``canvas`` over ``sqrt(h w)``, since a layer method knows no canvas.

    Args:
        activations: of one layer.
        gradients: of the target.
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
    masks = torch.where(lowest < 0, 1 - below / lowest, 1)  # a map of one cell has nothing below the top
    return (weights[:, None, None] * masks * activations).sum(0)
