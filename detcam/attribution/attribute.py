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
from detcam.attribution.tape import PIXELS, Tape
from detcam.attribution.target import Key, Target, settled
from detcam.detectors.base import Canvas, Detector
from detcam.detectors.detections import Detections
from detcam.detectors.prediction import Grid
from detcam.detectors.stages import LEVEL
from detcam.errors import InputError, LayerError, MethodError, near
from detcam.imaging import Geometry

AUTO = "auto"
DEPTH = "depth"
FOUND = ("logit", "probability")  # targets that D-RISE's similarity stands for
FOCUS_STEPS = 4  # of a path from a blurred photograph to a sharp one
TOGETHER = 16  # boxes whose pixel gradients are summed at a time: 5 MB each at 640 px


def layers_of(detector: Detector, layer: str | Sequence[str], level: int) -> tuple[str, ...]:
    """The layers to explain a box of ``level`` at.

    ``"auto"`` is the level's own input to the head; ``"depth"`` that and the detector's ``depth_layers``.

    Raises:
        LayerError: no name was given, or the detector has no such layer.
    """
    names = [layer] if isinstance(layer, str) else list(layer)
    if not names:
        raise LayerError("no layer named: give 'depth', 'auto', a name, or several names to fuse")
    known = detector.layer_names()
    for name in names:
        if name not in (AUTO, DEPTH) and name not in known:
            raise LayerError(f"{detector.name} has no layer {name!r}: {near(name, [DEPTH, AUTO, *known])}")
    own = f"{LEVEL}{level}"
    deep = [stage.name for stage in detector.depth_layers if stage.level != level] if DEPTH in names else []
    meant = {AUTO: [own], DEPTH: [own, *deep]}
    return tuple(dict.fromkeys(each for name in names for each in meant.get(name, [name])))


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
        layer: ``"depth"``, ``"auto"``, a name, or several names to fuse; pixel methods do not use it.
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
    places: list[dict[int, Heatmap]] = [{} for _ in detections]
    for level, names in wanted.items():
        members = [box for box in boxes if box[2] == level]
        keys = [keys_of(detections[image])[index] for image, index, _ in members]
        gradients = tape.gradients_at(names, keys, target, [image for image, _, _ in members])
        for (image, index, _), own in zip(members, gradients, strict=True):
            geometry = canvas.geometries[image]
            found = {name: layer_map(method, tape.activations[name].detach()[image],
                                     None if gradient is None else gradient[0], tape.grid(name), geometry, name)
                     for name, gradient in zip(names, own, strict=True)}
            places[image][index] = _one_map(found)
    return [[place[index] for index in range(len(place))] for place in places]


def _one_map(maps: dict[str, Heatmap]) -> Heatmap:
    return next(iter(maps.values())) if len(maps) == 1 else fuse(maps)


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
    keys, levels = keys_of(detections), detections.levels.tolist()
    maps = []
    with Tape(detector, from_blur(canvas, FOCUS_STEPS), layers_of_all(detector, layer, levels)) as tape:
        for key, level in zip(keys, levels, strict=True):
            names = layers_of(detector, layer, level)
            gradients = next(tape.gradients_at(names, [key], target))
            maps.append(_one_map({
                name: layer_map(method, tape.activations[name].detach(), gradient, tape.grid(name),
                                canvas.geometries[0], name)
                for name, gradient in zip(names, gradients, strict=True)}))
    return maps


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
