"""Photographs as a model sees them: resized and padded, and where each lies on its canvas."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from detcam.imaging.geometry import Geometry


@dataclass(frozen=True)
class Canvas:
    """A batch of photographs as the model sees them.

    Attributes:
        pixels: ``[B, 3, h, w]`` RGB in 0..1; the model's own normalisation happens in ``Detector.forward``.
        geometries: where each photograph lies on its canvas, ``B`` of them.
    """

    pixels: Tensor
    geometries: tuple[Geometry, ...]

    def of_image(self, image: int) -> "Canvas":
        """The canvas of one photograph alone, by its index in the batch."""
        return Canvas(self.pixels[image : image + 1], self.geometries[image : image + 1])

    @staticmethod
    def together(canvases: Sequence["Canvas"]) -> "Canvas":
        """Canvases of one height and width as one batch, in their order."""
        return Canvas(torch.cat([canvas.pixels for canvas in canvases]),
                      tuple(geometry for canvas in canvases for geometry in canvas.geometries))
