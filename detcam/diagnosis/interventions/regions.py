"""Regions of a photograph that an intervention hides, and control regions of the same shape elsewhere."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from detcam.attribution.inputs.baselines import photograph_pixels
from detcam.imaging.geometry import Geometry

Mask = NDArray[np.bool_]

CONTROLS = 3  # control regions of a region: their mean is steadier than one, and each costs a forward pass


@dataclass(frozen=True)
class Region:
    """A part of a photograph.

    Attributes:
        name: what to call it, such as ``"top left corner"``.
        mask: ``[h, w]`` True on it, canvas pixels.
    """

    name: str
    mask: Mask


def in_box(geometry: Geometry, box: NDArray[np.floating]) -> Mask:
    """The photograph's pixels ``[h, w]`` whose centres lie in a box ``[4]`` xyxy, canvas pixels."""
    height, width = geometry.canvas
    x, y = np.arange(width) + 0.5, np.arange(height) + 0.5
    inside = np.outer((y > box[1]) & (y < box[3]), (x > box[0]) & (x < box[2]))
    return inside & photograph_pixels(geometry)


def in_boxes(geometry: Geometry, boxes: NDArray[np.floating]) -> Mask:
    """The photograph's pixels ``[h, w]`` whose centres lie in any of some boxes ``[M, 4]`` xyxy, canvas pixels."""
    found = np.zeros(geometry.canvas, bool)
    for box in boxes:
        found |= in_box(geometry, box)
    return found


def area_of(region: Region, geometry: Geometry) -> float:
    """The region's share of the photograph's pixels."""
    photograph = photograph_pixels(geometry)
    return float((region.mask & photograph).sum() / photograph.sum())


def controls_for(region: Region, geometry: Geometry, objects: Mask, count: int = CONTROLS, seed: int = 0
                 ) -> tuple[Region, ...]:
    """The same shape at other places of the photograph: what hiding *something* of that size does.

    A control lies wholly on the photograph, off all objects, and does not touch the region (nor a neighbouring pixel of
    it) or another control. Of all such places one after the other is drawn. Where there is no room there are fewer, or
    none: an empty tuple says that nothing of that shape fits.

    Args:
        region: what is asked about.
        geometry: of the canvas.
        objects: ``[h, w]`` True where no control may lie.
        count: how many at most.
        seed: where the draws start from.
    """
    random = np.random.default_rng(seed)
    taken = grown(region.mask, 1) | objects | ~photograph_pixels(geometry)
    shape = _cropped(region.mask)
    found: list[Region] = []
    while len(found) < count:
        places = np.argwhere(free_places(shape, taken))
        if not len(places):
            break
        y, x = places[random.integers(len(places))]
        mask = np.zeros_like(taken)
        mask[y : y + shape.shape[0], x : x + shape.shape[1]] = shape
        found.append(Region(f"control {len(found) + 1} of {region.name}", mask))
        taken |= grown(mask, 1)
    return tuple(found)


def free_places(shape: Mask, taken: Mask) -> Mask:
    """Where the top left corner of a shape ``[a, b]`` may lie so that it meets nothing taken, ``[h-a+1, w-b+1]``."""
    import cv2  # imported late: it sets environment variables

    # correlation counts the taken pixels under the shape; it is computed in float32 by way of Fourier transforms, so
    # that none means nearly none
    met = cv2.matchTemplate(taken.astype(np.float32), shape.astype(np.float32), cv2.TM_CCORR)
    free: Mask = met < 0.5
    return free


def grown(mask: Mask, pixels: int) -> Mask:
    """A mask ``[h, w]`` with all neighbours, diagonal ones too, up to so many pixels away."""
    import cv2

    side = 2 * pixels + 1
    return np.asarray(cv2.dilate(mask.astype(np.uint8), np.ones((side, side), np.uint8)), bool)


def _cropped(mask: Mask) -> Mask:
    """The smallest rectangle of a mask that holds all of it."""
    rows, columns = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
    return mask[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]


def distinct(regions: Sequence[Sequence[Region]]) -> tuple[list[Region], list[list[int]]]:
    """Regions without those whose masks are there already, and for each of the given ones its place among them."""
    places: dict[bytes, int] = {}
    kept: list[Region] = []
    index = []
    for own in regions:
        for region in own:
            if places.setdefault(np.packbits(region.mask).tobytes(), len(kept)) == len(kept):
                kept.append(region)
        index.append([places[np.packbits(region.mask).tobytes()] for region in own])
    return kept, index
