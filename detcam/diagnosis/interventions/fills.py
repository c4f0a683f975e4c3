"""What takes the place of a region that is hidden: its blur, grey, or what lies around it."""

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

RADIUS = 3  # pixels around a hidden one that its new colour is made of, as in OpenCV's own tutorial on inpainting


def check_fill(fill: str) -> None:
    """See that there is such a fill.

    Raises:
        InputError: there is none.
    """
    if fill not in FILLS:
        raise InputError(f"unknown fill {fill!r}: {near(fill, FILLS)}")


def filler(canvas: Canvas, fill: str) -> Filler:
    """What hides regions of a photograph: a mask ``[h, w]`` to a changed canvas ``[3, h, w]``.

    Nothing outside the mask changes, nor does the padding.

    Args:
        canvas: one photograph.
        fill: ``"blur"`` (the photograph out of focus, as faithfulness is measured with: a Gaussian of 5 % of the longer
            side, so that a small region keeps some of its colour), ``"grey"`` (0.5), or ``"inpaint"`` (the colours of
            what lies around it, Telea 2004, on 8-bit values).

    Raises:
        InputError: there is no such fill.
    """
    check_fill(fill)
    rows, columns = photograph_slices(canvas.geometries[0])
    content = torch.zeros(canvas.pixels.shape[-2:], dtype=torch.bool)
    content[rows, columns] = True
    make = FILLS[fill](canvas)

    def hide(mask: Mask) -> Tensor:
        hidden = (torch.from_numpy(mask) & content).to(canvas.pixels.device)
        return torch.where(hidden, make(mask), canvas.pixels[0])

    return hide


def _constant(name: str) -> Callable[[Canvas], Filler]:
    def prepare(canvas: Canvas) -> Filler:
        hidden = STARTS[name](canvas)[0]
        return lambda mask: hidden

    return prepare


def _inpaint(canvas: Canvas) -> Filler:
    import cv2  # imported late: it sets environment variables

    own = photograph_slices(canvas.geometries[0])  # without the padding, whose colour is nobody's surroundings
    pixels = canvas.pixels[0].permute(1, 2, 0).cpu().double().numpy().copy()
    photograph = (pixels[own] * 255).round().clip(0, 255).astype(np.uint8)

    def paint(mask: Mask) -> Tensor:
        hidden = mask[own]
        if hidden.all():
            raise InputError("fill 'inpaint': the region covers the whole photograph, so there is nothing around it to "
                             "paint from; use 'blur' or 'grey'")
        painted = pixels.copy()
        painted[own] = cv2.inpaint(photograph, hidden.astype(np.uint8), RADIUS, cv2.INPAINT_TELEA) / 255
        return torch.from_numpy(painted).permute(2, 0, 1).to(canvas.pixels)

    return paint


FILLS: dict[str, Callable[[Canvas], Filler]] = {
    "blur": _constant("blur"), "grey": _constant("grey"), "inpaint": _inpaint}
"""Name to what makes, from a canvas, the function from a mask to what is shown there."""
