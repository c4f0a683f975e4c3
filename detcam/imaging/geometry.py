"""The map between a photograph's pixels and the pixels of the canvas that a model sees."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Geometry:
    """``canvas = scale * source + offset`` in pixel-edge coordinates, where pixel ``i`` covers ``[i, i + 1]``.

    ``source`` is the photograph, ``canvas`` the model's input. One class serves a stretch (SSD), a resize with padding
    (torchvision) and a letterbox (YOLO).

    Attributes:
        source: height and width of the photograph, pixels.
        canvas: height and width of the model's input, pixels.
        scale: canvas pixels per source pixel, along x and along y.
        offset: position of the photograph's top left corner on the canvas, x and y in canvas pixels.
    """

    source: tuple[int, int]
    canvas: tuple[int, int]
    scale: tuple[float, float]
    offset: tuple[float, float] = (0.0, 0.0)

    def to_canvas(self, boxes: NDArray[np.floating]) -> NDArray[np.floating]:
        """Boxes ``[..., 4]`` xyxy from source pixels to canvas pixels."""
        return boxes * np.tile(self.scale, 2) + np.tile(self.offset, 2)

    def to_source(self, boxes: NDArray[np.floating]) -> NDArray[np.floating]:
        """Boxes ``[..., 4]`` xyxy from canvas pixels to source pixels."""
        return (boxes - np.tile(self.offset, 2)) / np.tile(self.scale, 2)

    @property
    def content(self) -> NDArray[np.floating]:
        """The rectangle that the photograph covers, ``[4]`` xyxy, canvas pixels: everything outside it is padding."""
        height, width = self.source
        return self.to_canvas(np.array([0.0, 0.0, width, height]))
