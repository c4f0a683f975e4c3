"""What an occluded region is filled with: its blur, grey, or the colours around it."""

from collections.abc import Callable

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from detcam.attribution.inputs.baselines import STARTS, photograph_slices
from detcam.detectors.canvas import Canvas
from detcam.errors import InputError, near

Mask = NDArray[np.bool_]
Filler = Callable[[Mask], Tensor]

RADIUS = 3  # pixels around an occluded one that its new colour is made of, as in OpenCV's tutorial on inpainting


def check_fill(fill: str) -> None:
    """Check the name of a fill.

    Raises:
        InputError: there is no such fill.
    """
    if fill not in FILLS:
        raise InputError(f"unknown fill {fill!r}: {near(fill, FILLS)}")


def filler(canvas: Canvas, fill: str) -> Filler:
    """A function that occludes regions: from a mask, bool ``[h, w]`` canvas pixels, to changed pixels ``[3, h, w]``.

    Nothing outside the mask changes, nor does the padding.

    Args:
        canvas: of one photograph, float ``[1, 3, h, w]``, RGB from 0 to 1.
        fill: ``"blur"`` (the blurred photograph, by a Gaussian of 5 % of the longer side as for faithfulness, so that a
            small region keeps some of its colour), ``"grey"`` (0.5), or ``"inpaint"`` (from the colours around the
            region, Telea 2004, on 8-bit values).

    Raises:
        InputError: there is no such fill.
    """
    check_fill(fill)
    rows, columns = photograph_slices(canvas.geometries[0])
    content = torch.zeros(canvas.pixels.shape[-2:], dtype=torch.bool)
    content[rows, columns] = True
    make = FILLS[fill](canvas)

    def occlude(mask: Mask) -> Tensor:
        occluded = (torch.from_numpy(mask) & content).to(canvas.pixels.device)
        return torch.where(occluded, make(mask), canvas.pixels[0])

    return occlude


def _constant(name: str) -> Callable[[Canvas], Filler]:
    def prepare(canvas: Canvas) -> Filler:
        filled = STARTS[name](canvas)[0]
        return lambda mask: filled

    return prepare


def _inpaint(canvas: Canvas) -> Filler:
    import cv2  # imported late: it sets environment variables

    inside = photograph_slices(canvas.geometries[0])  # without the padding, whose colour must not spread
    pixels = canvas.pixels[0].permute(1, 2, 0).cpu().double().numpy().copy()
    photograph = (pixels[inside] * 255).round().clip(0, 255).astype(np.uint8)

    def paint(mask: Mask) -> Tensor:
        occluded = mask[inside]
        if occluded.all():
            raise InputError("fill 'inpaint': the region covers the whole photograph, so no colour is left around it; "
                             "use 'blur' or 'grey'")
        painted = pixels.copy()
        painted[inside] = cv2.inpaint(photograph, occluded.astype(np.uint8), RADIUS, cv2.INPAINT_TELEA) / 255
        return torch.from_numpy(painted).permute(2, 0, 1).to(canvas.pixels)

    return paint


FILLS: dict[str, Callable[[Canvas], Filler]] = {
    "blur": _constant("blur"), "grey": _constant("grey"), "inpaint": _inpaint}
"""Name to a function of a canvas, which gives a function from a mask ``[h, w]`` to the pixels ``[3, h, w]`` to show."""
