"""Maps by a line of words: a method, its settings, its layers and a smoothing; or a control that knows no network."""

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
from detcam.attribution.methods.settings import FORMAT
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
SHAPE = f"{FORMAT}[@LAYER+LAYER...][~8px or ~0.1box]"
GAUSSIAN = "gaussian"


@dataclass(frozen=True)
class Recipe:
    """How to make a map of each detection.

    Attributes:
        words: the line that it was read from, which names it.
        make: ``(detector, canvas, detections, target, seed)`` to a map a detection.
        layers: the layers it needs, to be checked before a long run.
    """

    words: str
    make: Callable[[Detector, Canvas, Detections, Target, int], list[Heatmap]]
    layers: tuple[str, ...] = (AUTO,)


def read_recipe(words: str) -> Recipe:
    """``"hirescam@auto"``, ``"smoothgrad+hirescam:samples=8@auto+model.9~8px"``, ``"gaussian"``, ``"random"``.

    ``level`` means ``auto``, the box's own level. ``~8px`` smooths the map by a Gaussian of that standard deviation in
    canvas pixels, ``~0.1box`` by that share of the square root of the box's area.

    Raises:
        MethodError: it has another shape, or there is no such method, control or setting.
    """
    match = LINE.fullmatch(words)
    if match is None:
        raise MethodError(f"map {words!r}: expected {SHAPE}, or one of {', '.join(CONTROLS)}")
    name, layers = match["name"], match["layers"]
    if name in CONTROLS:
        if name != words:
            raise MethodError(f"map {words!r}: {name} takes neither settings nor layers")
        return Recipe(words, CONTROLS[name])
    if name.partition(WITH)[0] not in METHODS:
        raise MethodError(f"map {words!r}: no such method: {near(name, [*METHODS, *CONTROLS])}")
    method = get_method(match["method"])
    names = tuple(AUTO if each == "level" else each for each in (layers or AUTO).split("+"))

    def make(detector: Detector, canvas: Canvas, detections: Detections, target: Target, seed: int) -> list[Heatmap]:
        maps = attribute(detector, canvas, detections, method, names, target, seed)
        if match["smooth"] is None:
            return list(maps)
        boxes = canvas.geometries[0].to_canvas(detections.boxes)
        units = np.sqrt(areas(boxes)) if match["of"] == "box" else np.ones(len(boxes))
        return [smoothed(each, float(match["smooth"]) * unit) for each, unit in zip(maps, units.tolist(), strict=True)]

    return Recipe(words, make, names)


def check_recipe(recipe: Recipe, detector: Detector) -> None:
    """See that the detector has the layers.

    Raises:
        LayerError: it does not.
    """
    layers_of(detector, recipe.layers, 0)


def smoothed(heatmap: Heatmap, sigma: float) -> Heatmap:
    """The map at the canvas's pixels, constant over each cell, after a Gaussian of ``sigma`` canvas pixels."""
    height, width = heatmap.geometry.canvas
    values = heatmap.at(np.arange(width) + 0.5, np.arange(height) + 0.5).astype(np.float32)
    if sigma > 0:
        values = np.asarray(cv2.GaussianBlur(values, (0, 0), sigma, borderType=cv2.BORDER_REFLECT), np.float32)
    return replace(heatmap, values=values, grid=Grid((1.0, 1.0)))


def _gaussian(detector: Detector, canvas: Canvas, detections: Detections, target: Target, seed: int) -> list[Heatmap]:
    geometry = canvas.geometries[0]
    return [gaussian_map(geometry, box) for box in geometry.to_canvas(detections.boxes)]


def _random(cells: int | None) -> Callable[[Detector, Canvas, Detections, Target, int], list[Heatmap]]:
    """Random maps of so many cells along the canvas's longer side; None: a cell for each pixel."""
    def make(detector: Detector, canvas: Canvas, detections: Detections, target: Target, seed: int) -> list[Heatmap]:
        geometry = canvas.geometries[0]
        side = max(geometry.canvas) / cells if cells else 1.0
        shape = (int(np.ceil(geometry.canvas[0] / side)), int(np.ceil(geometry.canvas[1] / side)))
        seeds = [crc32(repr((seed, *key)).encode()) for key in keys_of(detections)]
        return [random_map(geometry, Grid((side, side)), shape, each) for each in seeds]

    return make


CONTROLS = {GAUSSIAN: _gaussian, "random": _random(20), "random-pixels": _random(None)}
"""Maps that know nothing of the network, made by the same code as the others."""
