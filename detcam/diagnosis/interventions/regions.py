"""Regions of a photograph that an intervention occludes, and control regions of the same shape elsewhere."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from detcam.attribution.inputs.baselines import photograph_pixels
from detcam.imaging.geometry import Geometry

Mask = NDArray[np.bool_]

CONTROLS = 3  # of a region: their mean varies less than a single one, and each costs a forward pass


@dataclass(frozen=True)
class Region:
    """A part of a photograph.

    Attributes:
        name: such as ``"top left corner"``.
        mask: bool ``[h, w]``, canvas pixels, True on the region.
    """

    name: str
    mask: Mask


def in_box(geometry: Geometry, box: NDArray[np.floating]) -> Mask:
    """Bool ``[h, w]``: the photograph's canvas pixels whose centres lie in a box ``[4]`` xyxy, canvas pixels."""
    height, width = geometry.canvas
    x, y = np.arange(width) + 0.5, np.arange(height) + 0.5
    inside = np.outer((y > box[1]) & (y < box[3]), (x > box[0]) & (x < box[2]))
    return inside & photograph_pixels(geometry)


def in_boxes(geometry: Geometry, boxes: NDArray[np.floating]) -> Mask:
    """Bool ``[h, w]``: the photograph's canvas pixels whose centres lie in any box ``[M, 4]`` xyxy, canvas pixels."""
    inside = np.zeros(geometry.canvas, bool)
    for box in boxes:
        inside |= in_box(geometry, box)
    return inside


def area_of(region: Region, geometry: Geometry) -> float:
    """The region's share of the photograph's pixels, 0 to 1."""
    photograph = photograph_pixels(geometry)
    return float((region.mask & photograph).sum() / photograph.sum())


def controls_for(region: Region, geometry: Geometry, objects: Mask, count: int = CONTROLS, seed: int = 0
                 ) -> tuple[Region, ...]:
    """The same shape at other places of the photograph: to see what occluding *anything* of that size does.

    A control lies wholly on the photograph and on no object. It neither overlaps nor touches the region or another
    control. Their places are drawn at random, one after the other. Where there is no room there are fewer, or none.

    Args:
        region: what the controls are for.
        geometry: of the canvas.
        objects: bool ``[h, w]``, canvas pixels, True where no control may lie.
        count: number of controls at most.
        seed: of the random draws.
    """
    random = np.random.default_rng(seed)
    taken = grown(region.mask, 1) | objects | ~photograph_pixels(geometry)
    shape = _cropped(region.mask)
    controls: list[Region] = []
    while len(controls) < count:
        places = np.argwhere(free_places(shape, taken))
        if not len(places):
            break
        y, x = places[random.integers(len(places))]
        mask = np.zeros_like(taken)
        mask[y : y + shape.shape[0], x : x + shape.shape[1]] = shape
        controls.append(Region(f"control {len(controls) + 1} of {region.name}", mask))
        taken |= grown(mask, 1)
    return tuple(controls)


def free_places(shape: Mask, taken: Mask) -> Mask:
    """Where the top left corner of a shape, bool ``[a, b]``, may lie so that it overlaps nothing taken.

    Args:
        shape: bool ``[a, b]``.
        taken: bool ``[h, w]``.

    Returns:
        Bool ``[h - a + 1, w - b + 1]``.
    """
    import cv2  # imported late: it sets environment variables

    # correlation counts the taken pixels under the shape; it is computed in float32 by way of Fourier transforms, so
    # that none means nearly none
    met = cv2.matchTemplate(taken.astype(np.float32), shape.astype(np.float32), cv2.TM_CCORR)
    free: Mask = met < 0.5
    return free


def grown(mask: Mask, pixels: int) -> Mask:
    """A mask, bool ``[h, w]``, with all pixels up to so many away, diagonally too."""
    import cv2

    side = 2 * pixels + 1
    return np.asarray(cv2.dilate(mask.astype(np.uint8), np.ones((side, side), np.uint8)), bool)


def _cropped(mask: Mask) -> Mask:
    """The smallest rectangle of a mask that holds all of it."""
    rows, columns = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
    return mask[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]


def distinct(regions: Sequence[Sequence[Region]]) -> tuple[list[Region], list[list[int]]]:
    """The regions with different masks, and the index among them of each given region."""
    known: dict[bytes, int] = {}
    kept: list[Region] = []
    indices = []
    for group in regions:
        for region in group:
            if known.setdefault(np.packbits(region.mask).tobytes(), len(kept)) == len(kept):
                kept.append(region)
        indices.append([known[np.packbits(region.mask).tobytes()] for region in group])
    return kept, indices
