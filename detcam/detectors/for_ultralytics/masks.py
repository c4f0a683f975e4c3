"""Which rows of a YOLO segmentation model have a mask at all: ``predict`` reports no box without one."""

from dataclasses import dataclass

import torch
from torch import Tensor

CHUNK = 16  # masks at a time: one takes four bytes a canvas pixel


@dataclass(frozen=True)
class Masks:
    """What the masks of all rows are made of; detached, since masks are not explained.

    Attributes:
        prototypes: ``[B, K, h, w]``, ``K`` maps that masks are sums of.
        coefficients: ``[B, K, A]``, each row's weights of them.
        size: height and width of the canvas, in pixels.
    """

    prototypes: Tensor
    coefficients: Tensor
    size: tuple[int, int]

    def of_image(self, image: int) -> "Masks":
        """The masks of one image of the batch alone, by its index."""
        only = slice(image, image + 1)
        return Masks(self.prototypes[only], self.coefficients[only], self.size)

    def filled(self, image: int, rows: Tensor, boxes: Tensor) -> Tensor:
        """Whether any pixel of a row's mask lies in its box, ``[N]``.

        Args:
            image: the image's index in the batch.
            rows: ``[N]`` indices of rows.
            boxes: ``[N, 4]`` of these rows, xyxy canvas pixels.
        """
        from ultralytics.utils.ops import process_mask

        filled = [torch.zeros(0, dtype=torch.bool, device=rows.device)]
        for first in range(0, len(rows), CHUNK):
            some = slice(first, first + CHUNK)
            coefficients = self.coefficients[image, :, rows[some]].T.float()
            masks = process_mask(self.prototypes[image], coefficients, boxes[some].float(), self.size, upsample=True)
            filled.append(masks.amax((-2, -1)) > 0)
        return torch.cat(filled)
