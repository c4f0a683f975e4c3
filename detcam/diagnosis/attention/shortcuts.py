"""The four shortcuts of the literature, each a score of one detection's heatmap beside what even heat would give.

Heat in the photograph's corners (a logo, a watermark), spread evenly (the scene and not the object), outside the object
(what often stands beside it), on one side of the box only. Attribution suggests them; to decide takes an intervention,
for which :mod:`detcam.diagnosis.interventions.shortcut_probes` makes the regions.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from detcam.attribution.heatmap import Heatmap
from detcam.diagnosis.attention.mask_shares import Mask, pixels_shared, whole_edges
from detcam.imaging.geometry import Geometry
from detcam.measures.shares import BoxUnion

Array = NDArray[np.float64]

CORNERS, SPREAD, CONTEXT, ONE_SIDE = "corners", "spread", "context", "one side"
PATTERNS = (CORNERS, SPREAD, CONTEXT, ONE_SIDE)
CORNER = 0.20  # of the photograph's shorter side: the side of the four corner squares
CORNER_NAMES = ("top left", "top right", "bottom left", "bottom right")
SIDES = ("left", "right", "top", "bottom")
OPPOSITE = {"left": "right", "right": "left", "top": "bottom", "bottom": "top"}

LIMITS = {CORNERS: 0.0, SPREAD: 0.3, CONTEXT: 0.0, ONE_SIDE: 0.6}
"""Excess over chance above which a detection is flagged: about 1 in 100 boxes of sound detectors is.

A flag is a reason to look: heat alone hardly tells detectors that take a shortcut (docs/measurements/shortcuts.md).
"""
LEAST = 0.10  # a pattern with less of the heat is not worth a look, whatever chance gives: a box may fill the picture


@dataclass(frozen=True)
class Shortcuts:
    """Scores of one detection's heatmap, by pattern; all NaN for a map without heat, or one that is not finite.

    Only heat on the photograph counts, integrated on the canvas with each cell constant.

    Attributes:
        scores: ``"corners"``: share of the heat in four squares at the photograph's corners (20 % of its shorter side)
            and on no object. ``"spread"``: participation ratio of the heat over the photograph,
            ``(sum h)^2 / (area * sum h^2)``: 1 for even heat, the share of the photograph that holds it if it is even
            there and nothing elsewhere. ``"context"``: share of the heat on no object; what lies on another object is
            leakage, not context. ``"one side"``: heat in the hotter half of the box minus that in the opposite half,
            over their sum, for the half where that is largest.
        chance: what heat that knows nothing would give on this very photograph and box: even heat over the whole
            photograph, which is the share of the area; for ``"spread"`` even heat over the object alone.
        flags: where the excess over chance passes the limit of :data:`LIMITS`, and the score itself is over 0.10.
        corner: the corner with the most heat on no object, such as ``"top left"``; empty without heat there.
        side: the half of the box with the most heat against its opposite, such as ``"left"``; empty without heat there.
    """

    scores: Mapping[str, float]
    chance: Mapping[str, float]
    flags: Mapping[str, bool]
    corner: str
    side: str

    def excess(self, name: str) -> float:
        """How far a score is above chance: -1 for none at all, 0 at chance, 1 for all there could be."""
        return float(excess(np.array(self.scores[name]), np.array(self.chance[name])))


def excess(score: Array, chance: Array) -> Array:
    """Above chance ``(score - chance) / (1 - chance)``, below it ``(score - chance) / chance``; 0 where both agree."""
    room = np.where(score > chance, 1 - chance, chance)
    away = score - chance
    return np.asarray(np.divide(away, room, out=np.where(np.isnan(away), np.nan, 0.0), where=room > 0))


def shortcuts(heatmap: Heatmap, box: NDArray[np.floating], others: NDArray[np.floating], mask: Mask | None = None,
              truth: NDArray[np.floating] | None = None) -> Shortcuts:
    """Measure the four patterns.

    The object is its mask where there is one, else its true box, else the detected box.

    Args:
        heatmap: the detection's.
        box: ``[4]`` xyxy, source pixels: the detection.
        others: ``[M, 4]`` the other objects of the photograph, source pixels.
        mask: ``[H, W]`` True on the object, source pixels.
        truth: ``[4]`` its true box, source pixels.
    """
    heat = heatmap.heat.astype(np.float64)
    ground = _Ground(heatmap, box if truth is None else truth, others, mask)
    areas = ground.cells(ground.content)
    total, area = float((heat * areas).sum()), float(areas.sum())
    if not (np.isfinite(total) and total > 0):
        unknown = dict.fromkeys(PATTERNS, float("nan"))
        return Shortcuts(unknown, unknown, dict.fromkeys(PATTERNS, False), "", "")
    context = ground.free(ground.content)
    corners = [ground.free(corner) for corner in corner_boxes(heatmap.geometry)]
    halves = [ground.cells(half) for half in half_boxes(heatmap.geometry.to_canvas(box))]
    corner_heat, half_heat = ([float((heat * each).sum()) for each in places] for places in (corners, halves))
    leads = [_lead(*half_heat[first : first + 2]) * sign for first in (0, 2) for sign in (1, -1)]
    even = [_lead(*(float(each.sum()) for each in halves[first : first + 2])) * sign for first in (0, 2)
            for sign in (1, -1)]
    hottest = int(np.argmax(np.nan_to_num(leads, nan=-1)))
    scores = {CORNERS: sum(corner_heat) / total, SPREAD: total**2 / (area * float((heat**2 * areas).sum())),
              CONTEXT: float((heat * context).sum()) / total, ONE_SIDE: leads[hottest]}
    chance = {CORNERS: float(sum(each.sum() for each in corners)) / area,
              SPREAD: float(ground.on_object(ground.content).sum()) / area, CONTEXT: float(context.sum()) / area,
              ONE_SIDE: even[hottest]}
    flags = {name: bool(excess(np.array(scores[name]), np.array(chance[name])) > LIMITS[name])
             and scores[name] > LEAST for name in PATTERNS}
    return Shortcuts(scores, chance, flags,
                     CORNER_NAMES[int(np.argmax(corner_heat))] if any(corner_heat) else "",
                     SIDES[hottest] if any(half_heat) else "")


def corner_boxes(geometry: Geometry) -> Array:
    """The photograph's corner squares, ``[4, 4]`` xyxy canvas pixels, in the order of :data:`CORNER_NAMES`."""
    height, width = geometry.source
    side = CORNER * min(height, width)
    found = [(x, y, x + side, y + side) for y in (0.0, height - side) for x in (0.0, width - side)]
    return np.asarray(geometry.to_canvas(np.array(found)), np.float64)


def half_boxes(box: NDArray[np.floating]) -> Array:
    """The halves of a box ``[4]`` xyxy, ``[4, 4]``, in the order of :data:`SIDES`."""
    x1, y1, x2, y2 = box
    x, y = (x1 + x2) / 2, (y1 + y2) / 2
    return np.array([(x1, y1, x, y2), (x, y1, x2, y2), (x1, y1, x2, y), (x1, y, x2, y2)], np.float64)


def _lead(first: float, second: float) -> float:
    return (first - second) / (first + second) if first + second > 0 else float("nan")


class _Ground:
    """Areas of a map's cells, ``[gh, gw]`` in squared canvas pixels, within rectangles ``[4]`` of the canvas.

    Attributes:
        content: the photograph.
    """

    def __init__(self, heatmap: Heatmap, box: NDArray[np.floating], others: NDArray[np.floating], mask: Mask | None
                 ) -> None:
        self._geometry, self._mask = heatmap.geometry, mask
        self._x, self._y = whole_edges(heatmap)
        self.content, self._box = self._geometry.content, self._geometry.to_canvas(box)
        others = np.reshape(others, (-1, 4))
        known = others if mask is not None else np.concatenate([others, box[None]])
        self._boxes = BoxUnion(self._geometry.to_canvas(known), self.content)
        self._rest = None if mask is None else mask & ~_pixels_in(others, mask.shape)

    def cells(self, within: NDArray[np.floating]) -> Array:
        """On the photograph."""
        x, y = self._borders(within)
        return np.outer(np.diff(y), np.diff(x))

    def on_object(self, within: NDArray[np.floating]) -> Array:
        """On the object."""
        return self.cells(_common(within, self._box)) if self._mask is None else self._on(self._mask, within)

    def free(self, within: NDArray[np.floating]) -> Array:
        """On no object: neither this one nor the box of another."""
        in_boxes = np.diff(np.diff(self._boxes.area(*self._borders(within)), axis=0), axis=1)
        found = self.cells(within) - in_boxes
        return (found if self._rest is None else found - self._on(self._rest, within)).clip(0)

    def _on(self, mask: Mask, within: NDArray[np.floating]) -> Array:
        rows, columns = pixels_shared(*self._borders(within), self._geometry)
        return np.asarray(rows @ mask.astype(np.float64) @ columns.T)

    def _borders(self, within: NDArray[np.floating]) -> tuple[Array, Array]:
        x1, y1, x2, y2 = _common(within, self.content)
        return self._x.clip(x1, max(x1, x2)), self._y.clip(y1, max(y1, y2))


def _pixels_in(boxes: NDArray[np.floating], shape: tuple[int, ...]) -> Mask:
    """Source pixels ``[H, W]`` whose centres lie in any of some boxes."""
    y, x = (np.arange(side) + 0.5 for side in shape)
    found = np.zeros(shape, bool)
    for x1, y1, x2, y2 in boxes:
        found |= np.outer((y > y1) & (y < y2), (x > x1) & (x < x2))
    return found


def _common(a: NDArray[np.floating], b: NDArray[np.floating]) -> NDArray[np.floating]:
    return np.concatenate([np.maximum(a[:2], b[:2]), np.minimum(a[2:], b[2:])])
