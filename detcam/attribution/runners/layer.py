"""Layer methods: a layer's activations and gradients to a map, box by box."""

from collections.abc import Sequence

import torch
from torch import Tensor

from detcam.attribution.gradients.tape import Tape
from detcam.attribution.heatmap import UNREACHABLE, Heatmap, fuse
from detcam.attribution.inputs.baselines import from_blur
from detcam.attribution.layers.names import layers_of, layers_of_all
from detcam.attribution.method import Method
from detcam.attribution.target import Target
from detcam.attribution.task import Task, heatmap_of, keys_of, side_by_side
from detcam.detectors.base import Detector
from detcam.detectors.canvas import Canvas
from detcam.detectors.detections import Detections
from detcam.errors import MethodError
from detcam.imaging.geometry import Geometry
from detcam.imaging.grid import Grid

FOCUS_STEPS = 4  # of a path from a blurred photograph to a sharp one


def layer_maps(task: Task) -> list[Heatmap]:
    """A layer method's heatmaps of one photograph's detections, from one forward pass, or from the tape's."""
    (by_layer,) = layer_maps_by_name(task.detector, task.canvas, [task.detections], task.method, task.layer,
                                     task.target, task.tape)
    return [fused(maps) for maps in by_layer]


def layer_maps_by_name(detector: Detector, canvas: Canvas, photographs: Sequence[Detections], method: Method,
                       layer: str | Sequence[str], target: Target, tape: Tape | None = None
                       ) -> list[list[dict[str, Heatmap]]]:
    """Of each photograph, each detection's maps at its layers, by name, from one forward pass of all photographs.

    Boxes of one level in different photographs share a backward pass, whatever lies between their level and the layer.

    Args:
        detector: what is explained.
        canvas: the photographs.
        photographs: the detections of each.
        method: a layer method.
        layer: ``"depth"``, ``"auto"``, a name, or several names.
        target: what is explained about each box, settled.
        tape: an open one of this canvas that recorded the layers; None makes one.

    Raises:
        LayerError: an unknown layer, or one that gives no map.
        MethodError: the method returns a map of another shape than its input's.
    """
    if tape is None:
        levels = [level for detections in photographs for level in detections.levels.tolist()]
        with Tape(detector, canvas.pixels, layers_of_all(detector, layer, levels)) as own:
            return layer_maps_by_name(detector, canvas, photographs, method, layer, target, own)
    order = [(image, i, int(photographs[image].levels[i])) for image, i in side_by_side(photographs)]
    maps: list[dict[int, dict[str, Heatmap]]] = [{} for _ in photographs]
    for level, names in {level: layers_of(detector, layer, level) for _, _, level in order}.items():
        members = [(image, i) for image, i, of_level in order if of_level == level]
        keys = [keys_of(photographs[image])[i] for image, i in members]
        gradients = tape.gradients_at(names, keys, target, [image for image, _ in members])
        for (image, i), at_layers in zip(members, gradients, strict=True):
            maps[image][i] = {
                name: layer_map(method, tape.activations[name].detach()[image],
                                None if gradient is None else gradient[0], tape.grid(name), canvas.geometries[image],
                                name, target.sign_meanings is not None)
                for name, gradient in zip(names, at_layers, strict=True)}
    return [[by_index[i] for i in range(len(by_index))] for by_index in maps]


def fused(maps: dict[str, Heatmap]) -> Heatmap:
    """One layer's map as it is, those of several layers as one."""
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
            maps.append(fused({
                name: layer_map(task.method, tape.activations[name].detach(), gradient, tape.grid(name),
                                task.canvas.geometries[0], name, task.target.sign_meanings is not None)
                for name, gradient in zip(names, gradients, strict=True)}))
    return maps
