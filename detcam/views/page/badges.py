"""Badges: a short name on its colour, beside a row or on a photograph, where none covers another."""

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.patches import Rectangle
from numpy.typing import NDArray

from detcam.views.page.colours import ink_on
from detcam.views.page.crop import Region
from detcam.views.page.lettering import width_of
from detcam.views.page.sheet import Sheet

BADGE = 0.24  # height beside a row, inches
HEIGHT = 1.52  # of a badge on a photograph, over its font's size
PADDING = 0.1  # inches, both sides together
Rect = tuple[float, float, float, float]
"""Left, top, right, bottom, source pixels."""


def paper_badge(sheet: Sheet, x: float, y: float, text: str, colour: str) -> float:
    """Draw a badge on the page, its top left corner at ``(x, y)`` inches, and return its width in inches."""
    width = max(BADGE, width_of(text, 10, True) + 0.14)
    sheet.fill((x, y, width, BADGE), colour)
    sheet.write(x + width / 2, y + BADGE / 2, text, 10, bold=True, colour=ink_on(colour), ha="center",
                va="center_baseline")
    return width


def badge_size(text: str, size: float) -> tuple[float, float]:
    """Width and height in inches of a badge on a photograph whose font has ``size`` points."""
    return width_of(text, size, True) + PADDING, HEIGHT * size / 72


def photograph_badge(axes: Axes, place: Rect, text: str, colour: str, size: float) -> None:
    """Draw a badge on a photograph, over everything else.

    Args:
        axes: the photograph's, in source pixels.
        place: left, top, right and bottom, source pixels.
        text, colour: of the badge.
        size: of the font, points.
    """
    x1, y1, x2, y2 = place
    axes.add_patch(Rectangle((x1, y1), x2 - x1, y2 - y1, facecolor=colour, edgecolor="white", linewidth=0.8, zorder=5,
                             clip_on=False))
    axes.text((x1 + x2) / 2, (y1 + y2) / 2, text, fontsize=size, color=ink_on(colour), fontweight="bold", ha="center",
              va="center_baseline", family="DejaVu Sans", zorder=6, usetex=False)


def leader(axes: Axes, badge: Rect, box: NDArray[np.floating], colour: str) -> None:
    """Draw a line from a badge to its box ``[4]`` xyxy, source pixels, where they do not touch."""
    x = float(np.clip((badge[0] + badge[2]) / 2, box[0], box[2]))
    y = float(np.clip((badge[1] + badge[3]) / 2, box[1], box[3]))
    nearest = float(np.clip(x, badge[0], badge[2])), float(np.clip(y, badge[1], badge[3]))
    if np.hypot(nearest[0] - x, nearest[1] - y) < 1:
        return
    for line, wide in (("white", 2.6), (colour, 1.3)):
        axes.plot([nearest[0], x], [nearest[1], y], color=line, linewidth=wide, solid_capstyle="butt", zorder=4.5)


def free_corner(box: NDArray[np.floating], size: tuple[float, float], region: Region, taken: Sequence[Rect]
                ) -> tuple[float, float]:
    """The first place along a box's border where a badge overlaps nothing taken, else the top left corner.

    Args:
        box: ``[4]`` xyxy, source pixels.
        size: the badge's width and height, source pixels.
        region: the photograph, within which the badge stays.
        taken: what the badge must not cover, source pixels.

    Returns:
        The badge's left and top, source pixels.
    """
    x1, y1, x2, y2 = (float(value) for value in box)
    width, height = size
    small = x2 - x1 < 2 * width or y2 - y1 < 2 * height  # a badge inside would cover it
    corners = [(x1, y1 - height), (x1, y2), (x2 - width, y1 - height), (x2, y1)] if small else []
    corners += [(x1, y1), (x2 - width, y1), (x1, y2 - height), (x2 - width, y2 - height), (x1, y1 - height), (x1, y2)]
    corners += [(x1, y1 + step * height) for step in range(1, 6)] + [(x2, y1 + step * height) for step in range(6)]
    inside = [(min(max(x, region.x1), max(region.x2 - width, region.x1)),
               min(max(y, region.y1), max(region.y2 - height, region.y1))) for x, y in corners]
    return next((place for place in inside if is_free(place, size, taken)), inside[0])


def is_free(place: tuple[float, float], size: tuple[float, float], taken: Sequence[Rect]) -> bool:
    """Whether a badge of this size with its top left corner at ``place`` overlaps nothing taken; source pixels."""
    x, y = place
    return all(x + size[0] <= a or x >= c or y + size[1] <= b or y >= d for a, b, c, d in taken)


def free_place(box: NDArray[np.floating], size: tuple[float, float], region: Region, taken: Sequence[Rect]
               ) -> tuple[float, float]:
    """The left and top of a badge along a box's border or, where all of that is taken, at the nearest free place.

    Args:
        box: ``[4]`` xyxy, source pixels.
        size: the badge's width and height, source pixels.
        region: the photograph.
        taken: what the badge must not cover, source pixels.
    """
    corner = free_corner(box, size, region, taken)
    if is_free(corner, size, taken):
        return corner
    x = np.arange(region.x1, max(region.x2 - size[0], region.x1) + 1, max(size[0] / 2, 1))
    y = np.arange(region.y1, max(region.y2 - size[1], region.y1) + 1, max(size[1] / 2, 1))
    places = np.stack(np.meshgrid(x, y), -1).reshape(-1, 2)
    middle = places + np.array(size) / 2
    away = np.hypot(*(middle - middle.clip(box[:2], box[2:])).T)  # from the box; nothing inside it
    away += 1e-3 * np.hypot(*(middle - box[:2]).T)
    for i in np.argsort(away, kind="stable"):
        if is_free(tuple(places[i]), size, taken):
            return float(places[i, 0]), float(places[i, 1])
    return corner
