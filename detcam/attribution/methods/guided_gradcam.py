"""Guided Grad-CAM (Selvaraju et al. 2017, section 3.2)."""

from collections.abc import Iterator
from dataclasses import replace

import torch
from torch import Generator, Tensor
from torch.nn.functional import grid_sample

from detcam.attribution.gradients.pixel_gradients import PixelGradients
from detcam.attribution.heatmap import Heatmap
from detcam.attribution.layers.names import AUTO, DEPTH
from detcam.attribution.method import LAYER, Method
from detcam.attribution.methods.gradcam import gradcam
from detcam.attribution.runners.layer import layer_maps


def guided_gradcam(gradients: PixelGradients, pixels: Tensor, generator: Generator) -> Iterator[Tensor]:
    """Guided Backpropagation times the positive part of Grad-CAM, enlarged bilinearly.

    Grad-CAM is taken at the named layer, or, if none was named, at the box's own level (``"auto"``): the paper
    multiplies by one layer's map, not by a sum over depth. The map is enlarged from the position of its cells, which do
    not always cover the whole canvas.

    Args:
        gradients: of the boxes.
        pixels: ``[S, 3, h, w]`` RGB in 0..1.
        generator: not used.

    Returns:
        ``[S, 3, h, w]`` canvas pixels for each box, one after the other.
    """
    task = gradients.task
    layer = AUTO if task.layer == DEPTH or list(task.layer) == [DEPTH] else task.layer
    cam = replace(task, method=Method("gradcam", LAYER, gradcam), layer=layer, tape=None)
    cams = [layer_maps(replace(cam, canvas=replace(task.canvas, pixels=copy))) for copy in pixels.split(1)]
    for i, gradient in enumerate(gradients(pixels, guided=True)):
        enlarged = torch.stack([_enlarged(heatmaps[i]) for heatmaps in cams])
        yield gradient * enlarged[:, None].to(gradient)


def _enlarged(heatmap: Heatmap) -> Tensor:
    """The positive part at every pixel of the canvas, ``[h, w]``, bilinear between the centres of the cells."""
    size, cells = heatmap.geometry.canvas, heatmap.values.shape
    y, x = ((torch.arange(size[axis]) + 0.5 - heatmap.grid.origin[1 - axis]) / heatmap.grid.stride[1 - axis]
            for axis in (0, 1))  # in cells
    places = torch.stack(torch.meshgrid(2 * x / cells[1] - 1, 2 * y / cells[0] - 1, indexing="xy"), -1)
    values = torch.from_numpy(heatmap.values.clip(0))[None, None]
    return grid_sample(values, places[None], padding_mode="border", align_corners=False)[0, 0]
