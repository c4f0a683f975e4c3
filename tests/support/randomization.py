"""Parameter randomization (Adebayo et al. 2018, section 3): is a map still the same when the weights know nothing?

A network's parts are given untrained weights from the top down, one after the other and for good ("cascading"). What a
method shows of the same row must then change: a map that stays the same shows the photograph, not what was learnt.
"""

import copy
from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.stats import rankdata
from torch import nn

import detcam
from detcam.attribution.heatmap import Heatmap
from detcam.detectors.base import Detector
from detcam.detectors.canvas import Canvas
from detcam.detectors.detections import Detections
from detcam.imaging.grid import Grid

Map = NDArray[np.floating]


def randomized(detector: Detector, parts: Sequence[str], canvases: Sequence[Canvas], seed: int) -> Detector:
    """A copy whose modules called ``parts`` (or inside them) are as before training, the others as they were.

    Convolutions get He's weights, batch norms the statistics of the photographs, so that signals neither die nor burst
    on their way through the untrained part.
    """
    model, generator = copy.deepcopy(detector.model), torch.Generator().manual_seed(seed)
    norms = []
    for name, module in model.named_modules():
        if not any(name == part or name.startswith(part + ".") for part in parts):
            continue
        if isinstance(module, nn.Conv2d):
            nn.init.kaiming_normal_(module.weight, nonlinearity="relu", generator=generator)
            if module.bias is not None:
                nn.init.zeros_(module.bias)
        elif isinstance(module, nn.BatchNorm2d):
            module.reset_parameters()
            module.momentum = 1.0
            norms.append(module)
    untrained = detcam.load(model)
    with torch.no_grad():
        for norm in norms:
            norm.train()
        untrained.forward(torch.cat([canvas.pixels for canvas in canvases]))
        model.eval()
    return untrained


def distance(heatmap: Heatmap, detections: Detections, index: int, grids: Sequence[Grid]) -> Map:
    """How far each cell of a map lies from the middle of the row's own cell, canvas pixels ``[gh, gw]``."""
    grid = grids[int(detections.levels[index])]
    cell = detections.cells[index]
    own_y, own_x = ((cell[axis] + 0.5) * grid.stride[1 - axis] + grid.origin[1 - axis] for axis in (0, 1))
    rows, columns = heatmap.values.shape
    x = heatmap.grid.origin[0] + (np.arange(columns) + 0.5) * heatmap.grid.stride[0]
    y = heatmap.grid.origin[1] + (np.arange(rows) + 0.5) * heatmap.grid.stride[1]
    return np.hypot(x - own_x, (y - own_y)[:, None])


def likeness(a: Map, b: Map, away: Map) -> tuple[float, float]:
    """Rank correlation of two maps' absolute values over the cells that either reaches: plain, and adjusted.

    Adjusted: after the ranks of both were regressed on the rank of the distance from the row's own cell. Any network,
    trained or not, sees less of what lies further away; that is architecture, and no method is to blame for it.
    """
    a, b = np.abs(a.ravel()), np.abs(b.ravel())
    kept = (a > 0) | (b > 0)
    if kept.sum() < 3:
        return 0.0, 0.0
    ranks = np.stack([rankdata(each[kept]) for each in (a, b, away.ravel())])
    table = np.nan_to_num(np.corrcoef(ranks))
    ab, ac, bc = table[0, 1], table[0, 2], table[1, 2]
    return float(ab), float((ab - ac * bc) / np.sqrt(max((1 - ac**2) * (1 - bc**2), 1e-12)))
