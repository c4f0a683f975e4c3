"""Masked methods: what is still found on masked copies of a photograph to a map, for all boxes together."""

import torch
from torch import Tensor

from detcam.attribution.gradients.tape import PIXELS
from detcam.attribution.heatmap import Heatmap
from detcam.attribution.inputs.similarity import similarities
from detcam.attribution.target import DETECTION_TARGETS
from detcam.attribution.task import Task, heatmap_of
from detcam.detectors.base import CLASSIFY
from detcam.errors import MethodError
from detcam.imaging.grid import Grid


def masked_maps(task: Task) -> list[Heatmap]:
    """From a forward pass a mask, whatever the number of boxes.

    Raises:
        MethodError: the target is not that a box is found.
    """
    detector, pixels = task.detector, task.canvas.pixels
    if task.target.name not in DETECTION_TARGETS:
        raise MethodError(f"method {task.method.name!r} explains that a box is found, not {task.target.name!r}: choose "
                          f"another method, or the target {DETECTION_TARGETS[0]}")
    labels = sorted(detector.class_names)
    boxes = torch.from_numpy(task.canvas.geometries[0].to_canvas(task.detections.boxes)).to(pixels)
    with detector.borrowed(), torch.no_grad():
        rows = torch.from_numpy(task.detections.rows)
        profiles = detector.forward(pixels).profiles(rows, labels)

        def similar(changed: Tensor) -> Tensor:
            prediction = detector.forward(changed)
            if detector.task == CLASSIFY:  # RISE (Petsiuk et al. 2018): there is no box to be found, only the class
                return prediction.scores[:, rows, task.detections.labels].T
            return similarities(prediction, boxes, profiles, labels)

        maps = task.method.function(similar, pixels, task.generator())
    return [heatmap_of(values, Grid((1.0, 1.0)), task.canvas.geometries[0], PIXELS) for values in maps]
