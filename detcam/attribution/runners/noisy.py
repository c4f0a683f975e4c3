"""A layer method's maps, averaged over noisy copies of the photograph."""

from collections.abc import Iterator

import torch
from torch import Tensor

from detcam.attribution.gradients.tape import Tape
from detcam.attribution.heatmap import OK, UNREACHABLE, Heatmap
from detcam.attribution.layers.names import layers_of, layers_of_all
from detcam.attribution.runners.layer import fused, layer_map
from detcam.attribution.task import Task, heatmap_of
from detcam.imaging.grid import Grid


def noisy_maps(task: Task) -> list[Heatmap]:
    """From a forward pass of each copy. A layer's map is averaged, with its signs, before layers are fused."""
    assert task.method.base is not None
    detector, base, geometry = task.detector, task.method.base, task.canvas.geometries[0]
    levels = task.detections.levels.tolist()
    names = [layers_of(detector, task.layer, level) for level in levels]
    grids: dict[str, Grid] = {}
    statuses: list[str] = []

    def attributions(copies: Tensor) -> Iterator[Tensor]:
        statuses.clear()
        with Tape(detector, copies, layers_of_all(detector, task.layer, levels)) as tape:
            grids.update({name: tape.grid(name) for own in names for name in own})
            for key, own in zip(task.keys, names, strict=True):
                for name, gradient in zip(own, next(tape.gradients_at(own, [key], task.target)), strict=True):
                    statuses.append(OK if gradient is not None else UNREACHABLE)
                    activations = tape.activations[name].detach()
                    maps = [layer_map(base, activations[i], None if gradient is None else gradient[i], grids[name],
                                      geometry, name) for i in range(len(copies))]
                    yield torch.stack([torch.from_numpy(each.values) for each in maps])

    averaged = iter(task.method.function(attributions, task.canvas.pixels, task.generator()))
    found = []
    for own in names:
        values = {name: next(averaged)[0] for name in own}
        found.append(fused({name: heatmap_of(mean, grids[name], geometry, name, statuses.pop(0),
                                               signed=task.target.sign_meanings is not None)
                              for name, mean in values.items()}))
    return found
