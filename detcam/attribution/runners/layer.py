"""Layer methods: a layer's activations and gradients to a map, box by box."""

from collections.abc import Sequence

import torch
from torch import Tensor

from detcam.attribution.gradients.tape import Tape
from detcam.attribution.heatmap import UNREACHABLE, Heatmap, fuse
from detcam.attribution.inputs.baselines import from_blur
from detcam.attribution.layers.names import layers_of, layers_of_all
from detcam.attribution.method import LAYER, Method
from detcam.attribution.target import Target
from detcam.attribution.task import Task, heatmap_of, keys_of, side_by_side
from detcam.detectors.base import Detector
from detcam.detectors.canvas import Canvas
from detcam.detectors.detections import Detections
from detcam.errors import InputError, MethodError
from detcam.imaging.geometry import Geometry
from detcam.imaging.grid import Grid

FOCUS_STEPS = 4  # of a path from a blurred photograph to a sharp one


def layer_maps(task: Task) -> list[Heatmap]:
    """From one forward pass, or from the tape's."""
    return attribute_batch(task.detector, task.canvas, [task.detections], task.method, task.layer, task.target,
                           task.tape)[0]


def attribute_batch(detector: Detector, canvas: Canvas, detections: Sequence[Detections], method: Method,
                    layer: str | Sequence[str], target: Target, tape: Tape | None = None) -> list[list[Heatmap]]:
    """The heatmaps of a layer method for a canvas of several photographs, from one forward pass.

    Boxes of one level in different photographs share a backward pass, whatever lies between their level and the layer.

    Args:
        detector: what is explained.
        canvas: the photographs.
        detections: the boxes of each photograph.
        method: a layer method.
        layer, target: as in :func:`attribute`.
        tape: an open one of this canvas that recorded the layers; None makes one.

    Raises:
        InputError: the target still has a runner-up to choose, which each photograph has of its own.
        LayerError, MethodError: as in :func:`attribute`; the method is a pixel method.
    """
    if target.settle is not None:
        raise InputError(f"target {target.name!r} is chosen photograph by photograph: use attribute()")
    if method.kind != LAYER:
        raise MethodError(f"method {method.name!r} explains one photograph at a time: use attribute()")
    if tape is None:
        levels = [level for found in detections for level in found.levels.tolist()]
        with Tape(detector, canvas.pixels, layers_of_all(detector, layer, levels)) as own:
            return attribute_batch(detector, canvas, detections, method, layer, target, own)
    boxes = [(image, index, int(detections[image].levels[index])) for image, index in side_by_side(detections)]
    wanted = {level: layers_of(detector, layer, level) for _, _, level in boxes}
    places: list[dict[int, Heatmap]] = [{} for _ in detections]
    for level, names in wanted.items():
        members = [box for box in boxes if box[2] == level]
        keys = [keys_of(detections[image])[index] for image, index, _ in members]
        gradients = tape.gradients_at(names, keys, target, [image for image, _, _ in members])
        for (image, index, _), found in zip(members, gradients, strict=True):
            geometry = canvas.geometries[image]
            places[image][index] = one_map({
                name: layer_map(method, tape.activations[name].detach()[image],
                                None if gradient is None else gradient[0], tape.grid(name), geometry, name,
                                target.poles is not None)
                for name, gradient in zip(names, found, strict=True)})
    return [[place[index] for index in range(len(place))] for place in places]


def one_map(maps: dict[str, Heatmap]) -> Heatmap:
    return next(iter(maps.values())) if len(maps) == 1 else fuse(maps)


def layer_map(method: Method, activations: Tensor, gradient: Tensor | None, grid: Grid, geometry: Geometry,
              name: str, signed: bool = False) -> Heatmap:
    """A method's map from activations and gradients ``[c, h, w]``; without gradients it is unreachable.

    ``signed`` says whether both signs of its values are of interest.

    Raises:
        MethodError: the method returns a map of another shape than its input's.
    """
    shape = activations.shape[-2:]
    if gradient is None:
        return heatmap_of(torch.zeros(shape), grid, geometry, name, UNREACHABLE)
    values = method.function(activations, gradient)
    if values.shape != shape:
        raise MethodError(f"method {method.name!r} returned shape {list(values.shape)}, expected {list(shape)}")
    return heatmap_of(values, grid, geometry, name, signed=signed)


def path_maps(task: Task) -> list[Heatmap]:
    """From one forward pass of copies that come into focus."""
    detector, layer, levels = task.detector, task.layer, task.detections.levels.tolist()
    maps = []
    with Tape(detector, from_blur(task.canvas, FOCUS_STEPS), layers_of_all(detector, layer, levels)) as tape:
        for key, level in zip(task.keys, levels, strict=True):
            names = layers_of(detector, layer, level)
            gradients = next(tape.gradients_at(names, [key], task.target))
            maps.append(one_map({
                name: layer_map(task.method, tape.activations[name].detach(), gradient, tape.grid(name),
                                task.canvas.geometries[0], name, task.target.poles is not None)
                for name, gradient in zip(names, gradients, strict=True)}))
    return maps
