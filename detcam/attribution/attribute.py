"""Heatmaps of every detection of a photograph together."""

from collections.abc import Iterable, Iterator, Sequence

import numpy as np
import torch
from torch import Tensor

from detcam.attribution.baselines import from_blur
from detcam.attribution.heatmap import NOT_FINITE, OK, UNREACHABLE, ZERO, Heatmap, fuse
from detcam.attribution.methods import Method
from detcam.attribution.methods.table import LAYER, MASKED, PATH, PIXEL
from detcam.attribution.similarity import similarities
from detcam.attribution.tape import LEVEL, PIXELS, Tape
from detcam.attribution.target import Key, Target, settled
from detcam.detectors.base import Canvas, Detector
from detcam.detectors.detections import Detections
from detcam.detectors.prediction import Grid
from detcam.errors import InputError, LayerError, MethodError, near
from detcam.imaging import Geometry

AUTO = "auto"
FOUND = ("logit", "probability")  # targets that D-RISE's similarity stands for
FOCUS_STEPS = 4  # of a path from a blurred photograph to a sharp one
TOGETHER = 16  # boxes whose pixel gradients are summed at a time: 5 MB each at 640 px


def layers_of(detector: Detector, layer: str | Sequence[str], level: int) -> tuple[str, ...]:
    """The layers to explain a box of ``level`` at: ``"auto"`` is the level's own input to the head.

    Raises:
        LayerError: no name was given, or the detector has no such layer.
    """
    names = [layer] if isinstance(layer, str) else list(layer)
    if not names:
        raise LayerError("no layer named: give 'auto', a name, or several names to fuse")
    known = detector.layer_names()
    for name in names:
        if name != AUTO and name not in known:
            raise LayerError(f"{detector.name} has no layer {name!r}: {near(name, [AUTO, *known])}")
    return tuple(dict.fromkeys(f"{LEVEL}{level}" if name == AUTO else name for name in names))


def layers_of_all(detector: Detector, layer: str | Sequence[str], levels: Iterable[int]) -> list[str]:
    """Every layer that boxes of these levels are explained at, each once.

    Raises:
        LayerError: as :func:`layers_of`.
    """
    return list(dict.fromkeys(name for level in levels for name in layers_of(detector, layer, level)))


def attribute(detector: Detector, canvas: Canvas, detections: Detections, method: Method, layer: str | Sequence[str],
              target: Target, seed: int = 0, tape: Tape | None = None) -> list[Heatmap]:
    """A heatmap for each detection of the canvas's only photograph, all of them from one forward pass a sample.

    Args:
        detector: what is explained.
        canvas: one photograph.
        detections: the boxes to explain.
        method: how.
        layer: ``"auto"``, a name, or several names to fuse; pixel methods do not use it.
        target: what is explained about each box.
        seed: where a method's noise starts from.
        tape: an open one of this canvas that recorded the layers, for layer methods to use; None makes one.

    Raises:
        LayerError: an unknown layer, or one that gives no map.
        InputError: the detector has no runner-up for a margin.
        MethodError: the method returns a map of another shape than its input's.
    """
    if not len(detections):
        return []
    target = settled(target, detector, canvas, keys_of(detections))
    if method.kind == PIXEL:
        return _pixel_maps(detector, canvas, detections, method, target, seed)
    if method.kind == PATH:
        return _path_maps(detector, canvas, detections, method, layer, target)
    if method.kind == MASKED:
        return _masked_maps(detector, canvas, detections, method, target, seed)
    if tape is None:
        return attribute_batch(detector, canvas, [detections], method, layer, target)[0]
    return _layer_maps(tape, detector, canvas, [detections], method, layer, target)[0]


def keys_of(detections: Detections) -> list[Key]:
    """The ``(row, label)`` of each detection."""
    return list(zip(detections.rows.tolist(), detections.labels.tolist(), strict=True))


def attribute_batch(detector: Detector, canvas: Canvas, detections: Sequence[Detections], method: Method,
                    layer: str | Sequence[str], target: Target) -> list[list[Heatmap]]:
    """The heatmaps of a layer method for a canvas of several photographs, from one forward pass.

    Boxes of one level in different photographs share a backward pass, whatever lies between their level and the layer.

    Args:
        detector: what is explained.
        canvas: the photographs.
        detections: the boxes of each photograph.
        method: a layer method.
        layer, target: as in :func:`attribute`.

    Raises:
        InputError: the target still has a runner-up to choose, which each photograph has of its own.
        LayerError, MethodError: as in :func:`attribute`; the method is a pixel method.
    """
    if target.settle is not None:
        raise InputError(f"target {target.name!r} is chosen photograph by photograph: use attribute()")
    if method.kind != LAYER:
        raise MethodError(f"method {method.name!r} explains one photograph at a time: use attribute()")
    levels = [level for found in detections for level in found.levels.tolist()]
    with Tape(detector, canvas.pixels, layers_of_all(detector, layer, levels)) as tape:
        return _layer_maps(tape, detector, canvas, detections, method, layer, target)


def _layer_maps(tape: Tape, detector: Detector, canvas: Canvas, detections: Sequence[Detections], method: Method,
                layer: str | Sequence[str], target: Target) -> list[list[Heatmap]]:
    boxes = [(image, index, int(found.levels[index])) for image, found in enumerate(detections)
             for index in range(len(found))]
    boxes.sort(key=lambda box: (box[2], box[1], box[0]))  # of one level, and of different photographs, side by side
    wanted = {level: layers_of(detector, layer, level) for _, _, level in boxes}
    maps: list[list[dict[str, Heatmap]]] = [[{} for _ in range(len(found))] for found in detections]
    for name in dict.fromkeys(name for names in wanted.values() for name in names):
        members = [box for box in boxes if name in wanted[box[2]]]
        keys = [keys_of(detections[image])[index] for image, index, _ in members]
        activations, grid = tape.activations[name].detach(), tape.grid(name)
        gradients = tape.gradients(name, keys, target, [image for image, _, _ in members])
        for (image, index, _), gradient in zip(members, gradients, strict=True):
            own = None if gradient is None else gradient[0]
            geometry = canvas.geometries[image]
            maps[image][index][name] = layer_map(method, activations[image], own, grid, geometry, name)
    return [[_one_map(each, wanted[level]) for each, level in zip(own, found.levels.tolist(), strict=True)]
            for own, found in zip(maps, detections, strict=True)]


def _one_map(maps: dict[str, Heatmap], names: Sequence[str]) -> Heatmap:
    return maps[names[0]] if len(names) == 1 else fuse({name: maps[name] for name in names})


def layer_map(method: Method, activations: Tensor, gradient: Tensor | None, grid: Grid, geometry: Geometry,
              name: str) -> Heatmap:
    """A method's map from activations and gradients ``[c, h, w]``; without gradients it is unreachable.

    Raises:
        MethodError: the method returns a map of another shape than its input's.
    """
    shape = activations.shape[-2:]
    if gradient is None:
        return _heatmap(torch.zeros(shape), grid, geometry, name, UNREACHABLE)
    values = method.function(activations, gradient)
    if values.shape != shape:
        raise MethodError(f"method {method.name!r} returned shape {list(values.shape)}, expected {list(shape)}")
    return _heatmap(values, grid, geometry, name)


def _path_maps(detector: Detector, canvas: Canvas, detections: Detections, method: Method,
               layer: str | Sequence[str], target: Target) -> list[Heatmap]:
    wanted = [layers_of(detector, layer, level) for level in detections.levels.tolist()]
    names = list(dict.fromkeys(name for each in wanted for name in each))
    maps: list[dict[str, Heatmap]] = [{} for _ in wanted]
    with Tape(detector, from_blur(canvas, FOCUS_STEPS), names) as tape:
        for name in names:
            members = [index for index, each in enumerate(wanted) if name in each]
            keys = [keys_of(detections)[index] for index in members]
            activations, grid = tape.activations[name].detach(), tape.grid(name)
            for index, gradient in zip(members, tape.gradients(name, keys, target), strict=True):
                maps[index][name] = layer_map(method, activations, gradient, grid, canvas.geometries[0], name)
    return [_one_map(each, names) for each, names in zip(maps, wanted, strict=True)]


def _pixel_maps(detector: Detector, canvas: Canvas, detections: Detections, method: Method, target: Target,
                seed: int) -> list[Heatmap]:
    maps: list[Heatmap] = []
    for start in range(0, len(detections), TOGETHER):
        keys = keys_of(detections[start : start + TOGETHER])

        def gradients(pixels: Tensor, keys: list[Key] = keys) -> Iterator[Tensor]:
            with Tape(detector, pixels, [PIXELS]) as tape:
                for gradient in tape.gradients(PIXELS, keys, target):
                    yield torch.zeros_like(pixels) if gradient is None else gradient

        generator = torch.Generator().manual_seed(seed)  # the same noise for every box
        for values in method.function(gradients, canvas.pixels, generator):
            maps.append(_heatmap(values, Grid((1.0, 1.0)), canvas.geometries[0], PIXELS))
    return maps


def _masked_maps(detector: Detector, canvas: Canvas, detections: Detections, method: Method, target: Target,
                 seed: int) -> list[Heatmap]:
    if target.name not in FOUND:
        raise MethodError(f"method {method.name!r} explains that a box is found, not {target.name!r}: choose another "
                          f"method, or the target {FOUND[0]}")
    labels = sorted(detector.class_names)
    boxes = torch.from_numpy(canvas.geometries[0].to_canvas(detections.boxes)).to(canvas.pixels)
    with detector.borrowed(), torch.no_grad():
        profiles = detector.forward(canvas.pixels).scores[0, torch.from_numpy(detections.rows)][:, labels]

        def similar(pixels: Tensor) -> Tensor:
            return similarities(detector.forward(pixels), boxes, profiles, labels)

        maps = method.function(similar, canvas.pixels, torch.Generator().manual_seed(seed))
    return [_heatmap(values, Grid((1.0, 1.0)), canvas.geometries[0], PIXELS) for values in maps]


def _heatmap(values: Tensor, grid: Grid, geometry: Geometry, layer: str, status: str = OK) -> Heatmap:
    array = values.detach().float().cpu().numpy()
    if status == OK and not array.any():
        status = ZERO
    if not np.isfinite(array).all():
        status = NOT_FINITE
    return Heatmap(array, grid, geometry, layer, status)
