"""Four patterns of heat that shortcuts leave, each a score of one detection's heatmap and what even heat would give.

Heat in the photograph's corners (a logo, a watermark), spread over the whole photograph (the scene and not the object),
outside of all objects (what often stands beside one), on one side of the box. A pattern suggests a shortcut; only an
intervention shows one, and :mod:`detcam.diagnosis.interventions.shortcut_probes` makes the regions for it.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from detcam.attribution.heatmap import Heatmap
from detcam.diagnosis.attention.cell_areas import CellAreas
from detcam.diagnosis.attention.mask_shares import Mask
from detcam.imaging.geometry import Geometry

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
        chance: the same scores of even heat over the whole photograph, which are shares of its area, on this very
            photograph and box; for ``"spread"`` of even heat over the object alone.
        flags: where the excess over chance passes the limit of :data:`LIMITS`, and the score itself is over 0.10.
        corner: the corner with the most heat on no object, such as ``"top left"``; empty without heat there.
        side: the half of the box with the most heat against its opposite, such as ``"left"``; empty without heat there.
    """

    scores: Mapping[str, float]
    chance: Mapping[str, float]
    flags: Mapping[str, bool]
    corner: str
    side: str

    def excess(self, pattern: str) -> float:
        """How far a pattern's score is above chance: -1 for a score of 0, 0 at chance, 1 for a score of 1."""
        return float(excess(np.array(self.scores[pattern]), np.array(self.chance[pattern])))


def excess(score: Array, chance: Array) -> Array:
    """Above chance ``(score - chance) / (1 - chance)``, below it ``(score - chance) / chance``; 0 where both agree."""
    room = np.where(score > chance, 1 - chance, chance)
    away = score - chance
    return np.asarray(np.divide(away, room, out=np.where(np.isnan(away), np.nan, 0.0), where=room > 0))


def shortcuts(heatmap: Heatmap, box: NDArray[np.floating], others: NDArray[np.floating], mask: Mask | None = None,
              truth: NDArray[np.floating] | None = None) -> Shortcuts:
    """Measure the four patterns of one detection's heatmap.

    The object is its mask where there is one, else its true box, else the detected box.

    Args:
        heatmap: the detection's.
        box: ``[4]`` xyxy, source pixels: the detection.
        others: ``[M, 4]`` xyxy, source pixels: the other objects of the photograph.
        mask: ``[H, W]`` True on the object, source pixels.
        truth: ``[4]`` xyxy, source pixels: its true box.
    """
    heat = heatmap.heat.astype(np.float64)
    areas = CellAreas(heatmap, box if truth is None else truth, others, mask)
    on_photograph = areas.covered(areas.photograph)
    total, area = float((heat * on_photograph).sum()), float(on_photograph.sum())
    if not (np.isfinite(total) and total > 0):
        return _no_heat()
    read = {
        CORNERS: _corners(heat, areas, heatmap.geometry, total, area),
        SPREAD: _spread(heat, areas, on_photograph, total, area),
        CONTEXT: _context(heat, areas, total, area),
        ONE_SIDE: _one_side(heat, areas, heatmap.geometry.to_canvas(box)),
    }
    scores = {pattern: reading.score for pattern, reading in read.items()}
    chance = {pattern: reading.chance for pattern, reading in read.items()}
    return Shortcuts(scores, chance, _flags(scores, chance), read[CORNERS].where, read[ONE_SIDE].where)


@dataclass(frozen=True)
class _Reading:
    """One pattern's score, what even heat would give, and the name of the corner or side where it is strongest."""

    score: float
    chance: float
    where: str = ""


def _no_heat() -> Shortcuts:
    unknown = dict.fromkeys(PATTERNS, float("nan"))
    return Shortcuts(unknown, unknown, dict.fromkeys(PATTERNS, False), "", "")


def _corners(heat: Array, areas: CellAreas, geometry: Geometry, total: float, area: float) -> _Reading:
    """Share of the heat ``[gh, gw]`` that lies in the photograph's corner squares and on no object."""
    corners = [areas.on_no_object(corner) for corner in corner_boxes(geometry)]
    heats = _heats(heat, corners)
    hottest = CORNER_NAMES[int(np.argmax(heats))] if any(heats) else ""
    return _Reading(sum(heats) / total, float(sum(corner.sum() for corner in corners)) / area, hottest)


def _spread(heat: Array, areas: CellAreas, on_photograph: Array, total: float, area: float) -> _Reading:
    """Participation ratio of the heat over the photograph; by chance that of even heat on the object alone."""
    return _Reading(total**2 / (area * float((heat**2 * on_photograph).sum())),
                    float(areas.on_object(areas.photograph).sum()) / area)


def _context(heat: Array, areas: CellAreas, total: float, area: float) -> _Reading:
    """Share of the heat that lies on no object."""
    context = areas.on_no_object(areas.photograph)
    return _Reading(float((heat * context).sum()) / total, float(context.sum()) / area)


def _one_side(heat: Array, areas: CellAreas, box: NDArray[np.floating]) -> _Reading:
    """The largest lead of one half of the box over the opposite half; ``box`` is ``[4]`` xyxy canvas pixels."""
    halves = [areas.covered(half) for half in half_boxes(box)]
    heats = _heats(heat, halves)
    leads, even = _leads(heats), _leads([float(half.sum()) for half in halves])
    hottest = int(np.argmax(np.nan_to_num(leads, nan=-1)))
    return _Reading(leads[hottest], even[hottest], SIDES[hottest] if any(heats) else "")


def _heats(heat: Array, places: list[Array]) -> list[float]:
    """The heat in each of some places, each the areas ``[gh, gw]`` of the map's cells inside it."""
    return [float((heat * place).sum()) for place in places]


def _leads(amounts: list[float]) -> list[float]:
    """How far each half leads its opposite, -1 to 1, from the amounts in the halves in the order of :data:`SIDES`."""
    leads = []
    for first, second in (amounts[:2], amounts[2:]):
        lead = (first - second) / (first + second) if first + second > 0 else float("nan")
        leads += [lead, -lead]
    return leads


def _flags(scores: Mapping[str, float], chance: Mapping[str, float]) -> dict[str, bool]:
    """Which patterns exceed chance by more than their limit, and hold enough heat to be worth a look."""
    return {pattern: bool(excess(np.array(scores[pattern]), np.array(chance[pattern])) > LIMITS[pattern])
            and scores[pattern] > LEAST for pattern in PATTERNS}


def corner_boxes(geometry: Geometry) -> Array:
    """The photograph's corner squares, ``[4, 4]`` xyxy canvas pixels, in the order of :data:`CORNER_NAMES`."""
    height, width = geometry.source
    side = CORNER * min(height, width)
    corners = [(x, y, x + side, y + side) for y in (0.0, height - side) for x in (0.0, width - side)]
    return np.asarray(geometry.to_canvas(np.array(corners)), np.float64)


def half_boxes(box: NDArray[np.floating]) -> Array:
    """The halves of a box ``[4]`` xyxy, ``[4, 4]`` xyxy in the same pixels, in the order of :data:`SIDES`."""
    x1, y1, x2, y2 = box
    x, y = (x1 + x2) / 2, (y1 + y2) / 2
    return np.array([(x1, y1, x, y2), (x, y1, x2, y2), (x1, y1, x2, y), (x1, y, x2, y2)], np.float64)
