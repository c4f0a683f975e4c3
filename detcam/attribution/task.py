"""What a kind of methods is given to do: the boxes of one photograph, and what is asked about them."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from detcam.attribution.gradients.tape import Tape
from detcam.attribution.heatmap import NOT_FINITE, OK, ZERO, Heatmap
from detcam.attribution.method import Method
from detcam.attribution.target import Key, Target
from detcam.detectors.base import Detector
from detcam.detectors.canvas import Canvas
from detcam.detectors.detections import Detections
from detcam.imaging.geometry import Geometry
from detcam.imaging.grid import Grid


@dataclass(frozen=True)
class Task:
    """The detections of one photograph, to be explained by one method.

    Attributes:
        detector: what is explained.
        canvas: one photograph.
        detections: the boxes, at least one.
        method: how.
        layer: ``"depth"``, ``"auto"``, a layer's name, or several names to fuse; pixel methods do not use it.
        target: what is explained about each box, settled.
        seed: where a method's noise starts from.
        tape: an open one of this canvas that recorded the layers, for layer and channel methods to use; None to make
            one.
    """

    detector: Detector
    canvas: Canvas
    detections: Detections
    method: Method
    layer: str | Sequence[str]
    target: Target
    seed: int
    tape: Tape | None = None

    @property
    def keys(self) -> list[Key]:
        return keys_of(self.detections)

    def generator(self) -> torch.Generator:
        """The same noise for every box and every method."""
        return torch.Generator().manual_seed(self.seed)


def keys_of(detections: Detections) -> list[Key]:
    """The ``(row, label)`` of each detection."""
    return list(zip(detections.rows.tolist(), detections.labels.tolist(), strict=True))


def side_by_side(detections: Sequence[Detections]) -> list[tuple[int, int]]:
    """All boxes of several photographs, ``(image, index)``: those that can share a backward pass follow each other.

    They are of one level and of different photographs.
    """
    boxes = [(level, index, image) for image, found in enumerate(detections)
             for index, level in enumerate(found.levels.tolist())]
    return [(image, index) for _, index, image in sorted(boxes)]


def heatmap_of(values: Tensor, grid: Grid, geometry: Geometry, layer: str, status: str = OK, signed: bool = False
               ) -> Heatmap:
    """A raw map ``[gh, gw]`` with its place; a map of zeros and one with NaN get their status.

    Of a target with a sign both signs count, where the method's values have them.
    """
    array = values.detach().float().cpu().numpy()
    if status == OK and not array.any():
        status = ZERO
    if not np.isfinite(array).all():
        status = NOT_FINITE
    return Heatmap(array, grid, geometry, layer, status, signed=signed and bool((array < 0).any()))
