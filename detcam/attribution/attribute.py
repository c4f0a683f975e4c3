"""Heatmaps of every detection of a photograph together."""

from collections.abc import Iterable, Iterator, Sequence

import torch
from torch import Tensor

from detcam.attribution.heatmap import OK, UNREACHABLE, ZERO, Heatmap, fuse
from detcam.attribution.local import Key
from detcam.attribution.methods import Method
from detcam.attribution.methods.table import PIXEL
from detcam.attribution.tape import LEVEL, PIXELS, Tape
from detcam.attribution.target import Target
from detcam.detectors.base import Canvas, Detector
from detcam.detectors.detections import Detections
from detcam.detectors.prediction import Grid
from detcam.errors import LayerError, MethodError, near

AUTO = "auto"
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
        MethodError: the method returns a map of another shape than its input's.
    """
    if not len(detections):
        return []
    if method.kind == PIXEL:
        return _pixel_maps(detector, canvas, detections, method, target, seed)
    if tape is not None:
        return _layer_maps(tape, detector, canvas, detections, method, layer, target)
    with Tape(detector, canvas.pixels, layers_of_all(detector, layer, detections.levels.tolist())) as tape:
        return _layer_maps(tape, detector, canvas, detections, method, layer, target)


def keys_of(detections: Detections) -> list[Key]:
    """The ``(row, label)`` of each detection."""
    return list(zip(detections.rows.tolist(), detections.labels.tolist(), strict=True))


def _layer_maps(tape: Tape, detector: Detector, canvas: Canvas, detections: Detections, method: Method,
                layer: str | Sequence[str], target: Target) -> list[Heatmap]:
    keys = keys_of(detections)
    wanted = [layers_of(detector, layer, level) for level in detections.levels.tolist()]
    maps: list[dict[str, Heatmap]] = [{} for _ in keys]
    for name in dict.fromkeys(name for each in wanted for name in each):
        members = [index for index, each in enumerate(wanted) if name in each]
        gradients = tape.gradients(name, [keys[index] for index in members], target)
        activations, grid = tape.activations[name].detach()[0], tape.grid(name)
        for index, gradient in zip(members, gradients, strict=True):
            own = None if gradient is None else gradient[0]
            maps[index][name] = _layer_map(method, activations, own, grid, canvas, name)
    return [next(iter(each.values())) if len(each) == 1 else fuse(each) for each in maps]


def _layer_map(method: Method, activations: Tensor, gradient: Tensor | None, grid: Grid, canvas: Canvas,
               name: str) -> Heatmap:
    shape = activations.shape[-2:]
    if gradient is None:
        return _heatmap(torch.zeros(shape), grid, canvas, name, UNREACHABLE)
    values = method.function(activations, gradient)
    if values.shape != shape:
        raise MethodError(f"method {method.name!r} returned shape {list(values.shape)}, expected {list(shape)}")
    return _heatmap(values, grid, canvas, name)


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
            maps.append(_heatmap(values, Grid((1.0, 1.0)), canvas, PIXELS))
    return maps


def _heatmap(values: Tensor, grid: Grid, canvas: Canvas, layer: str, status: str = OK) -> Heatmap:
    array = values.detach().float().cpu().numpy()
    if status == OK and not array.any():
        status = ZERO
    return Heatmap(array, grid, canvas.geometries[0], layer, status)
