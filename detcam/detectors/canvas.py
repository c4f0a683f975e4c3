"""Photographs as a model sees them."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from detcam.imaging.geometry import Geometry


@dataclass(frozen=True)
class Canvas:
    """Photographs as the model sees them.

    Attributes:
        pixels: ``[B, 3, h, w]`` RGB in 0..1; the model's own normalisation happens in ``Detector.forward``.
        geometries: where each photograph lies on its canvas, one an image.
    """

    pixels: Tensor
    geometries: tuple[Geometry, ...]

    def of_image(self, image: int) -> "Canvas":
        """The canvas of one of the photographs alone."""
        return Canvas(self.pixels[image : image + 1], self.geometries[image : image + 1])

    @staticmethod
    def together(canvases: Sequence["Canvas"]) -> "Canvas":
        """Canvases of one size as one."""
        return Canvas(torch.cat([each.pixels for each in canvases]),
                      tuple(geometry for each in canvases for geometry in each.geometries))
