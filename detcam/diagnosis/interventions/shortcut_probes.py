"""What to occlude to test whether a detection takes a shortcut: for each pattern a region and its controls."""

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
from detcam.diagnosis.interventions.intervention import Probe
from detcam.diagnosis.interventions.regions import CONTROLS, Mask, Region, controls_for, in_box, in_boxes
from detcam.imaging.boxes import grow, sizes
from detcam.imaging.geometry import Geometry

WINDOW = 0.30  # of the mean of the box's width and height: the side of the window in which context is looked for
LEAST_WINDOW = 4  # canvas pixels: a first layer of stride 2 hardly sees less
MARGIN = 0.10  # of each object's width and height, which stays visible when everything around the objects is occluded
FREE = 0.5  # of a corner square: with less of it free of objects, occluding the rest says little about the corner
LEFT_RIGHT, TOP_BOTTOM = "left or right", "top or bottom"
PROBES = (CORNERS, CONTEXT, SPREAD, LEFT_RIGHT, TOP_BOTTOM)


def shortcut_probes(heatmap: Heatmap, box: NDArray[np.floating], others: NDArray[np.floating],
                    truth: NDArray[np.floating] | None = None, controls: int = CONTROLS, seed: int = 0,
                    of: tuple[str, ...] = PROBES) -> list[Probe]:
    """The regions to occlude for one detection; :func:`detcam.diagnosis.interventions.intervention.run_probes` does it.

    - ``"corners"``: the corner square with the most heat, without the parts that objects cover; controls have the same
      shape, away from corners and objects.
    - ``"context"``: the window with the most heat outside all objects and corner squares, which have a probe of their
      own; controls are the same window elsewhere outside them.
    - ``"spread"``: the whole photograph but the objects with a margin of 10 %; compared with the detected box.
    - ``"left or right"``, ``"top or bottom"``: the left (top) half of the detected box, compared with the other half.

    A probe without a region (no heat outside the objects, every corner covered) is left out. One whose controls find no
    room has none.

    Args:
        heatmap: the detection's.
        box: ``[4]`` xyxy, source pixels: the detection.
        others: ``[M, 4]`` xyxy, source pixels: the other objects of the photograph.
        truth: ``[4]`` xyxy, source pixels: its true box, which is an object, too.
        controls: number of controls of a corner and of a window, at most.
        seed: of the random draws of their places.
        of: which probes.
    """
    geometry = heatmap.geometry
    this_object = np.stack([box] if truth is None else [box, truth])
    objects = geometry.to_canvas(np.concatenate([this_object, np.reshape(others, (-1, 4))]))
    on_canvas, covered = objects[0], in_boxes(geometry, objects)
    probes: list[Probe | None] = []
    if CORNERS in of:
        probes.append(_corner(heatmap, covered, controls, seed))
    if CONTEXT in of:
        probes.append(_window(heatmap, box, covered, controls, seed))
    if SPREAD in of:
        around = photograph_pixels(geometry) & ~in_boxes(geometry, grow(objects, MARGIN))
        probes.append(_probe(SPREAD, Region("everything around the objects", around),
                             (Region("the object", in_box(geometry, on_canvas)),)))
    halves = {name: Region(f"{name} half", in_box(geometry, half))
              for name, half in zip(SIDES, half_boxes(on_canvas), strict=True)}
    for name, side in ((LEFT_RIGHT, "left"), (TOP_BOTTOM, "top")):
        if name in of:
            probes.append(_probe(name, halves[side], (halves[OPPOSITE[side]],)))
    return [probe for probe in probes if probe is not None]


def _probe(name: str, suspect: Region, controls: tuple[Region, ...]) -> Probe | None:
    if not suspect.mask.any():
        return None
    return Probe(name, suspect, tuple(control for control in controls if control.mask.any()))


def _corner(heatmap: Heatmap, covered: Mask, controls: int, seed: int) -> Probe | None:
    geometry = heatmap.geometry
    squares = [in_box(geometry, corner) for corner in corner_boxes(geometry)]
    heat = heat_at_pixels(heatmap)
    free = [square & ~covered for square in squares]
    heats = [float(heat[part].sum()) if part.sum() > FREE * square.sum() else -1.0
             for part, square in zip(free, squares, strict=True)]
    hottest = int(np.argmax(heats))
    if heats[hottest] <= 0:
        return None
    suspect = Region(f"{CORNER_NAMES[hottest]} corner", free[hottest])
    return _probe(CORNERS, suspect, controls_for(suspect, geometry, covered | np.any(squares, 0), controls, seed))


def _window(heatmap: Heatmap, box: NDArray[np.floating], covered: Mask, controls: int, seed: int) -> Probe | None:
    geometry = heatmap.geometry
    covered = covered | in_boxes(geometry, corner_boxes(geometry))
    heat = np.where(covered, 0.0, heat_at_pixels(heatmap))
    hottest = hottest_window(heat, geometry, WINDOW * float(sizes(box).mean()))
    if hottest is None:
        return None
    mask = np.zeros(geometry.canvas, bool)
    mask[hottest] = True
    suspect = Region("the region around it with the most heat", mask & ~covered)
    return _probe(CONTEXT, suspect, controls_for(suspect, geometry, covered, controls, seed))


def hottest_window(heat: NDArray[np.float64], geometry: Geometry, side: float) -> tuple[slice, slice] | None:
    """The square with the most heat, as slices of canvas rows and columns; None if there is no heat.

    Args:
        heat: ``[h, w]`` at canvas pixels.
        geometry: of the canvas.
        side: of the square, source pixels; at least 4 canvas pixels are taken.
    """
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
    """The heat at each canvas pixel, ``[h, w]``, constant within a cell; 0 on the padding and where not finite."""
    height, width = heatmap.geometry.canvas
    heat = replace(heatmap, values=np.nan_to_num(heatmap.heat, posinf=0.0))
    values = heat.at(np.arange(width) + 0.5, np.arange(height) + 0.5).astype(np.float64)
    return np.where(photograph_pixels(heatmap.geometry), values, 0.0)
