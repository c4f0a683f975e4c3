"""Pixel methods: gradients at the canvas to a map, box by box."""

from contextlib import closing
from dataclasses import replace

from detcam.attribution.gradients.pixel_gradients import PixelGradients
from detcam.attribution.gradients.tape import PIXELS
from detcam.attribution.heatmap import Heatmap
from detcam.attribution.task import Task, heatmap_of
from detcam.imaging.grid import Grid

TOGETHER = 16  # boxes whose pixel gradients are summed at a time: 5 MB each at 640 px


def pixel_maps(task: Task) -> list[Heatmap]:
    """From a forward pass a sample, and a backward pass a box and sample."""
    maps: list[Heatmap] = []
    for start in range(0, len(task.detections), TOGETHER):
        part = replace(task, detections=task.detections[start : start + TOGETHER])
        with closing(PixelGradients(part)) as gradients:
            for values in task.method.function(gradients, task.canvas.pixels, task.generator()):
                colours = values.reshape(-1, *values.shape[-2:])
                summed = (colours if task.method.adds_up else colours.abs()).sum(0)
                maps.append(heatmap_of(summed, Grid((1.0, 1.0)), task.canvas.geometries[0], PIXELS,
                                       signed=task.target.sign_meanings is not None))
    return maps
