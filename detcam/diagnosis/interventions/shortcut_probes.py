"""What to hide to find out whether a detection rests on a shortcut: for each pattern a region and its comparison."""

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from detcam.attribution.heatmap import Heatmap
from detcam.attribution.inputs.baselines import photograph_pixels, photograph_slices
from detcam.diagnosis.attention.shortcuts import (
    CONTEXT,
    CORNER_NAMES,
    CORNERS,
    OPPOSITE,
    SIDES,
    SPREAD,
    corner_boxes,
    half_boxes,
)
from detcam.diagnosis.interventions.intervention import Question
from detcam.diagnosis.interventions.regions import CONTROLS, Mask, Region, controls_for, in_box, in_boxes
from detcam.imaging.boxes import grow, sizes
from detcam.imaging.geometry import Geometry

WINDOW = 0.30  # of the mean of the box's width and height: the side of the window in which context is looked for
LEAST_WINDOW = 4  # canvas pixels: less is below what a first layer of stride 2 sees
MARGIN = 0.10  # of each object's width and height, which stays when everything around the objects is hidden
FREE = 0.5  # of a corner square: with more of it under objects, hiding the rest of it says little of a corner
LEFT_RIGHT, TOP_BOTTOM = "left or right", "top or bottom"
QUESTIONS = (CORNERS, CONTEXT, SPREAD, LEFT_RIGHT, TOP_BOTTOM)


def questions(heatmap: Heatmap, box: NDArray[np.floating], others: NDArray[np.floating],
              truth: NDArray[np.floating] | None = None, controls: int = CONTROLS, seed: int = 0,
              of: tuple[str, ...] = QUESTIONS) -> list[Question]:
    """The regions that interventions on one detection hide;
    :func:`detcam.diagnosis.interventions.intervention.answer` asks them.

    - ``"corners"``: the corner square with the most heat, what objects cover of it left out; controls are the same
      shape away from corners and objects.
    - ``"context"``: the window with the most heat outside all objects and corner squares, which have a question of
      their own; controls are the same window elsewhere outside them.
    - ``"spread"``: the whole photograph but the objects, which keep 10 % around them; compared with the detected box.
    - ``"left or right"``, ``"top or bottom"``: the left (top) half of the detected box, compared with the opposite
      half.

    A question for which there is no region (no heat outside the objects, every corner covered) is left out; one whose
    controls find no room has none.

    Args:
        heatmap: the detection's.
        box: ``[4]`` xyxy, source pixels: the detection.
        others: ``[M, 4]`` the other objects of the photograph, source pixels.
        truth: ``[4]`` its true box, source pixels, which is an object too.
        controls: control regions of a corner and of a window, at most.
        seed: where their draws start from.
        of: which questions.
    """
    geometry = heatmap.geometry
    own = np.stack([box] if truth is None else [box, truth])
    objects = geometry.to_canvas(np.concatenate([own, np.reshape(others, (-1, 4))]))
    on_canvas, covered = objects[0], in_boxes(geometry, objects)
    found: list[Question | None] = []
    if CORNERS in of:
        found.append(_corner(heatmap, covered, controls, seed))
    if CONTEXT in of:
        found.append(_window(heatmap, box, covered, controls, seed))
    if SPREAD in of:
        around = photograph_pixels(geometry) & ~in_boxes(geometry, grow(objects, MARGIN))
        found.append(_question(SPREAD, Region("all around the objects", around),
                               (Region("the object", in_box(geometry, on_canvas)),)))
    halves = {name: Region(f"{name} half", in_box(geometry, half))
              for name, half in zip(SIDES, half_boxes(on_canvas), strict=True)}
    for name, side in ((LEFT_RIGHT, "left"), (TOP_BOTTOM, "top")):
        if name in of:
            found.append(_question(name, halves[side], (halves[OPPOSITE[side]],)))
    return [each for each in found if each is not None]


def _question(name: str, suspect: Region, controls: tuple[Region, ...]) -> Question | None:
    return Question(name, suspect, tuple(each for each in controls if each.mask.any())) if suspect.mask.any() else None


def _corner(heatmap: Heatmap, covered: Mask, controls: int, seed: int) -> Question | None:
    geometry = heatmap.geometry
    squares = [in_box(geometry, corner) for corner in corner_boxes(geometry)]
    heat = heat_at_pixels(heatmap)
    free = [square & ~covered for square in squares]
    hot = [float(heat[own].sum()) if own.sum() > FREE * square.sum() else -1.0
           for own, square in zip(free, squares, strict=True)]
    hottest = int(np.argmax(hot))
    if hot[hottest] <= 0:
        return None
    suspect = Region(f"{CORNER_NAMES[hottest]} corner", free[hottest])
    return _question(CORNERS, suspect, controls_for(suspect, geometry, covered | np.any(squares, 0), controls, seed))


def _window(heatmap: Heatmap, box: NDArray[np.floating], covered: Mask, controls: int, seed: int) -> Question | None:
    geometry = heatmap.geometry
    covered = covered | in_boxes(geometry, corner_boxes(geometry))
    heat = np.where(covered, 0.0, heat_at_pixels(heatmap))
    side = WINDOW * float(sizes(box).mean())
    hottest = hottest_window(heat, geometry, side)
    if hottest is None:
        return None
    mask = np.zeros(geometry.canvas, bool)
    mask[hottest] = True
    suspect = Region("the hottest spot around", mask & ~covered)
    return _question(CONTEXT, suspect, controls_for(suspect, geometry, covered, controls, seed))


def hottest_window(heat: NDArray[np.float64], geometry: Geometry, side: float) -> tuple[slice, slice] | None:
    """The square of a side in source pixels, at least 4 canvas pixels, with the most heat; None if none has any."""
    rows, columns = photograph_slices(geometry)
    lengths = [min(max(LEAST_WINDOW, round(side * scale)), along.stop - along.start)
               for scale, along in ((geometry.scale[1], rows), (geometry.scale[0], columns))]
    a, b = lengths
    before = np.pad(heat[rows, columns].cumsum(0).cumsum(1), ((1, 0), (1, 0)))
    within = before[a:, b:] - before[:-a, b:] - before[a:, :-b] + before[:-a, :-b]
    y, x = np.unravel_index(int(within.argmax()), within.shape)
    if within[y, x] <= 1e-9 * before[-1, -1]:  # the rounding of the sums
        return None
    top, left = rows.start + int(y), columns.start + int(x)
    return slice(top, top + a), slice(left, left + b)


def heat_at_pixels(heatmap: Heatmap) -> NDArray[np.float64]:
    """The heat at the canvas's pixel centres, ``[h, w]``, each cell constant; 0 on the padding and where not finite."""
    height, width = heatmap.geometry.canvas
    heat = replace(heatmap, values=np.nan_to_num(heatmap.heat, posinf=0.0))
    found = heat.at(np.arange(width) + 0.5, np.arange(height) + 0.5).astype(np.float64)
    return np.where(photograph_pixels(heatmap.geometry), found, 0.0)
