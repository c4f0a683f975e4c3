"""Methods that hide parts of the photograph and read what becomes of every box's own row."""

import torch
from torch import Tensor

from detcam.attribution.gradients.tape import PIXELS
from detcam.attribution.heatmap import Heatmap
from detcam.attribution.task import Task, heatmap_of
from detcam.detectors.canvas import Canvas
from detcam.imaging.grid import Grid


class Scores:
    """The targets of N boxes on changed copies of their photograph, for methods to call.

    Attributes:
        task: the boxes, and what is asked about them.
    """

    def __init__(self, task: Task) -> None:
        self.task = task

    @property
    def canvas(self) -> Canvas:
        """The photograph as it is."""
        return self.task.canvas

    def __call__(self, changed: Tensor) -> Tensor:
        """Canvases ``[S, 3, h, w]`` to targets ``[N, S]``, each read at its own row, from one forward pass."""
        with self.task.detector.borrowed(), torch.no_grad():
            prediction = self.task.detector.forward(changed)
            return torch.stack([self.task.target.read(prediction, *key) for key in self.task.keys])


def scored_maps(task: Task) -> list[Heatmap]:
    """From a forward pass a changed copy, whatever the number of boxes."""
    maps = task.method.function(Scores(task), task.canvas.pixels, task.generator())
    return [heatmap_of(values, Grid((1.0, 1.0)), task.canvas.geometries[0], PIXELS,
                       signed=task.target.sign_meanings is not None) for values in maps]
