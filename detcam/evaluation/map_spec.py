"""Maps specified by a text: a method with its settings, layers and smoothing, or a baseline map."""

import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from zlib import crc32

import cv2
import numpy as np

from detcam.attribution.attribute import attribute
from detcam.attribution.heatmap import Heatmap
from detcam.attribution.layers.names import AUTO, layers_of
from detcam.attribution.method import WITH
from detcam.attribution.methods.registry import get_method
from detcam.attribution.methods.settings import FORMAT as METHOD_FORMAT
from detcam.attribution.methods.table import METHODS
from detcam.attribution.target import Target
from detcam.attribution.task import keys_of
from detcam.detectors.base import Detector
from detcam.detectors.canvas import Canvas
from detcam.detectors.detections import Detections
from detcam.errors import MethodError, near
from detcam.evaluation.baseline_maps import gaussian_map, random_map
from detcam.imaging.boxes import areas
from detcam.imaging.grid import Grid

LINE = re.compile(r"(?P<method>(?P<name>[\w+-]+)(?::[^@~]+)?)(?:@(?P<layers>[^~]+))?"
                  r"(?:~(?P<smooth>\d*\.?\d+)(?P<of>px|box))?")
FORMAT = f"{METHOD_FORMAT}[@LAYER+LAYER...][~8px or ~0.1box]"
GAUSSIAN = "gaussian"


@dataclass(frozen=True)
class MapSpec:
    """How to make a map of each detection.

    Attributes:
        words: the text that specifies it, which is also its name.
        make: ``(detector, canvas, detections, target, seed)`` to a map for each detection.
        layers: the layers that it needs, to be checked before a long run.
    """

    words: str
    make: Callable[[Detector, Canvas, Detections, Target, int], list[Heatmap]]
    layers: tuple[str, ...] = (AUTO,)


def read_map_spec(words: str) -> MapSpec:
    """The map that a text specifies.

    Args:
        words: such as ``"hirescam@auto"``, ``"smoothgrad+hirescam:samples=8@auto+model.9~8px"``, ``"gaussian"`` or
            ``"random"``. ``level`` means ``auto``, the box's own level. ``~8px`` smooths the map by a Gaussian of that
            standard deviation in canvas pixels, ``~0.1box`` by that share of the square root of the box's area.

    Raises:
        MethodError: the text has another format, or there is no such method, baseline map or setting.
    """
    match = LINE.fullmatch(words)
    if match is None:
        raise MethodError(f"map {words!r}: expected {FORMAT}, or one of {', '.join(BASELINE_MAPS)}")
    name, layers = match["name"], match["layers"]
    if name in BASELINE_MAPS:
        if name != words:
            raise MethodError(f"map {words!r}: {name} takes neither settings nor layers")
        return MapSpec(words, BASELINE_MAPS[name])
    if name.partition(WITH)[0] not in METHODS:
        raise MethodError(f"map {words!r}: no such method: {near(name, [*METHODS, *BASELINE_MAPS])}")
    method = get_method(match["method"])
    names = tuple(AUTO if name == "level" else name for name in (layers or AUTO).split("+"))

    def make(detector: Detector, canvas: Canvas, detections: Detections, target: Target, seed: int) -> list[Heatmap]:
        maps = attribute(detector, canvas, detections, method, names, target, seed)
        if match["smooth"] is None:
            return list(maps)
        boxes = canvas.geometries[0].to_canvas(detections.boxes)
        units = np.sqrt(areas(boxes)) if match["of"] == "box" else np.ones(len(boxes))
        return [smoothed(heatmap, float(match["smooth"]) * unit)
                for heatmap, unit in zip(maps, units.tolist(), strict=True)]

    return MapSpec(words, make, names)


def check_map_spec(spec: MapSpec, detector: Detector) -> None:
    """Check that the detector has the layers of a map.

    Raises:
        LayerError: it does not.
    """
    layers_of(detector, spec.layers, 0)


def smoothed(heatmap: Heatmap, sigma: float) -> Heatmap:
    """The map at the canvas's pixels ``[h, w]``, smoothed by a Gaussian.

    Args:
        heatmap: constant over each cell before it is smoothed.
        sigma: standard deviation, canvas pixels; 0 smooths nothing.
    """
    height, width = heatmap.geometry.canvas
    values = heatmap.at(np.arange(width) + 0.5, np.arange(height) + 0.5).astype(np.float32)
    if sigma > 0:
        values = np.asarray(cv2.GaussianBlur(values, (0, 0), sigma, borderType=cv2.BORDER_REFLECT), np.float32)
    return replace(heatmap, values=values, grid=Grid((1.0, 1.0)))


def _gaussian(detector: Detector, canvas: Canvas, detections: Detections, target: Target, seed: int) -> list[Heatmap]:
    geometry = canvas.geometries[0]
    return [gaussian_map(geometry, box) for box in geometry.to_canvas(detections.boxes)]


def _random(cells: int | None) -> Callable[[Detector, Canvas, Detections, Target, int], list[Heatmap]]:
    """Random maps with so many cells along the canvas's longer side; None gives every pixel its own."""
    def make(detector: Detector, canvas: Canvas, detections: Detections, target: Target, seed: int) -> list[Heatmap]:
        geometry = canvas.geometries[0]
        side = max(geometry.canvas) / cells if cells else 1.0
        shape = (int(np.ceil(geometry.canvas[0] / side)), int(np.ceil(geometry.canvas[1] / side)))
        seeds = [crc32(repr((seed, *key)).encode()) for key in keys_of(detections)]
        return [random_map(geometry, Grid((side, side)), shape, own_seed) for own_seed in seeds]

    return make


BASELINE_MAPS = {GAUSSIAN: _gaussian, "random": _random(20), "random-pixels": _random(None)}
"""Maps that do not use the network, by name; they are made and measured by the same code as the others."""
