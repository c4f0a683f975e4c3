"""Which rows of a YOLO segmentation model have a mask at all: ``predict`` reports no box without one."""

from dataclasses import dataclass

import torch
from torch import Tensor

TOGETHER = 16  # masks at a time: one takes four bytes a canvas pixel


@dataclass(frozen=True)
class Masks:
    """What the masks of all rows are made of; all detached, since masks are not explained.

    Attributes:
        prototypes: ``[B, K, h, w]``.
        coefficients: ``[B, K, A]`` of each row.
        size: height and width of the canvas.
    """

    prototypes: Tensor
    coefficients: Tensor
    size: tuple[int, int]

    def of_image(self, image: int) -> "Masks":
        """Those of one image of the batch alone."""
        own = slice(image, image + 1)
        return Masks(self.prototypes[own], self.coefficients[own], self.size)

    def filled(self, image: int, rows: Tensor, boxes: Tensor) -> Tensor:
        """Whether any pixel of each row's mask lies in its box, ``[N]``.

        Args:
            image: its index in the batch.
            rows: ``[N]``.
            boxes: ``[N, 4]`` of these rows, xyxy canvas pixels.
        """
        from ultralytics.utils.ops import process_mask

        found = [torch.zeros(0, dtype=torch.bool, device=rows.device)]
        for first in range(0, len(rows), TOGETHER):
            own = slice(first, first + TOGETHER)
            coefficients = self.coefficients[image, :, rows[own]].T.float()
            masks = process_mask(self.prototypes[image], coefficients, boxes[own].float(), self.size, upsample=True)
            found.append(masks.amax((-2, -1)) > 0)
        return torch.cat(found)
