"""A page measured in inches from its top left corner, and photographs placed on it."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from matplotlib.patheffects import Stroke, withStroke
from numpy.typing import NDArray

from detcam.views.page.colours import INK, RULE
from detcam.views.page.crop import Region
from detcam.views.page.lettering import drawable, families, wrap

LINE = 1.45  # distance of two lines of text over the font's size
Place = tuple[float, float, float, float]
"""Left, top, width and height on a page, inches."""


class Sheet:
    """A Matplotlib figure on which everything is placed in inches.

    Attributes:
        figure: the figure, on its own Agg canvas.
        width, height: inches.
        paper: axes over the whole page, in inches from the top left corner, for text and lines.
    """

    def __init__(self, width: float, height: float, dpi: float) -> None:
        self.figure = Figure(figsize=(width, height), dpi=dpi, facecolor="white")
        self.figure.set_layout_engine("none")
        FigureCanvasAgg(self.figure)
        self.width, self.height = width, height
        self.paper = self._axes((0, 0, width, height), 0)
        self.paper.set(xlim=(0, width), ylim=(height, 0))

    def _axes(self, place: Place, zorder: float) -> Axes:
        x, y, width, height = place
        axes = self.figure.add_axes(
            (x / self.width, 1 - (y + height) / self.height, width / self.width, height / self.height), zorder=zorder)
        axes.set_axis_off()
        return axes

    def size(self, place: Place) -> tuple[int, int]:
        """Width and height of a place on the page, in the figure's pixels, at least one each."""
        return max(1, round(place[2] * self.figure.dpi)), max(1, round(place[3] * self.figure.dpi))

    def photograph(self, rgb: NDArray[np.uint8], region: Region, place: Place) -> Axes:
        """Axes with pixels, uint8 ``[h, w, 3]``, over a whole place; coordinates are the region's source pixels."""
        axes = self._axes(place, 1)
        axes.imshow(rgb, extent=(region.x1, region.x2, region.y2, region.y1), interpolation="nearest", aspect="auto",
                    origin="upper", resample=False)
        axes.set(xlim=(region.x1, region.x2), ylim=(region.y2, region.y1))
        return axes

    def write(self, x: float, y: float, text: str, size: float = 9, **style: Any) -> None:
        """Write one line whose top (or what ``va`` says) lies at ``y`` inches."""
        letter(self.paper, x, y, text, size, **style)

    def paragraph(self, x: float, y: float, lines: list[str], size: float = 9, **style: Any) -> float:
        """Write lines one below the other from ``y`` inches on, and return where the next one would stand."""
        for line in lines:
            self.write(x, y, line, size, **style)
            y += line_height(size)
        return y

    def fill(self, place: Place, colour: str) -> None:
        """A rectangle of one colour."""
        x, y, width, height = place
        self.paper.add_patch(Rectangle((x, y), width, height, facecolor=colour, edgecolor="none", linewidth=0))

    def line(self, x: tuple[float, float], y: tuple[float, float], colour: str = RULE, width: float = 1.0) -> None:
        """A straight line, its width in points."""
        self.paper.plot(x, y, color=colour, linewidth=width, solid_capstyle="butt", linestyle="-", marker="None")


def line_height(size: float) -> float:
    """Inches from one line of text to the next."""
    return LINE * size / 72


def letter(axes: Axes, x: float, y: float, text: str, size: float, *, colour: str = INK, bold: bool = False,
           ha: str = "left", va: str = "top", casing: str | None = None, backed: bool = False) -> None:
    """Write on any axes, in their coordinates; ``$``, ``_`` and the like are not markup."""
    effects = [withStroke(linewidth=2.5, foreground=casing)] if casing else []
    back = {"facecolor": "black", "alpha": 0.7, "edgecolor": "none", "pad": 1.5} if backed else None
    axes.text(x, y, drawable(text), fontsize=size, color=colour, fontweight="bold" if bold else "normal", ha=ha, va=va,
              family=list(families()), style="normal", parse_math=False, usetex=False, path_effects=effects, bbox=back)


def fitted(region: Region, place: Place) -> Place:
    """The largest place of the region's shape in a cell, inches: centred horizontally, at the cell's top."""
    x, y, width, height = place
    scale = min(width / region.width, height / region.height)
    wide, high = scale * region.width, scale * region.height
    return x + (width - wide) / 2, y, wide, high


def outline(axes: Axes, box: NDArray[np.floating], region: Region, colour: str = "white", width: float = 1.8) -> None:
    """Draw a box ``[4]`` xyxy, source pixels, as a line on a casing of opposite brightness, to show on anything."""
    x1, y1, x2, y2 = np.clip(box, [region.x1, region.y1] * 2, [region.x2, region.y2] * 2)
    casing = (Stroke(linewidth=width + 2.4, foreground="black", alpha=0.75) if colour == "white" else
              Stroke(linewidth=width + 1.6, foreground="white"))
    axes.add_patch(Rectangle((x1, y1), x2 - x1, y2 - y1, fill=False, edgecolor=colour, linewidth=width, clip_on=False,
                             linestyle="-", joinstyle="miter",
                             path_effects=[casing, Stroke(linewidth=width, foreground=colour)]))


def dashed_outline(axes: Axes, box: Sequence[float] | NDArray[np.floating], colour: str = "white", width: float = 1.4,
                   zorder: float = 3) -> None:
    """Draw a box ``[4]`` xyxy, source pixels, as dashes on a black line, to show on anything."""
    x1, y1, x2, y2 = box
    for edgecolour, wide, style in (("black", width + 0.8, "-"), (colour, width, (0, (4, 3)))):
        axes.add_patch(Rectangle((x1, y1), x2 - x1, y2 - y1, fill=False, edgecolor=edgecolour, linewidth=wide,
                                 zorder=zorder, linestyle=style))


def thin_outline(axes: Axes, box: NDArray[np.floating]) -> None:
    """Draw another detection's box ``[4]`` xyxy, source pixels, faintly."""
    x1, y1, x2, y2 = box
    axes.add_patch(Rectangle((x1, y1), x2 - x1, y2 - y1, fill=False, edgecolor="white", linewidth=0.6, alpha=0.7,
                             linestyle=(0, (3, 2))))


def say(axes: Axes, place: Place, name: str, sentence: str) -> None:
    """Write a status over the middle of a picture: its name, and a sentence on what it means."""
    (left, right), (bottom, top) = axes.get_xlim(), axes.get_ylim()
    lines = wrap(sentence, max(place[2] - 0.1, 0.6), 8) if sentence else []
    inch = (bottom - top) / place[3]
    y = (top + bottom) / 2 - inch * line_height(8) * len(lines) / 2
    letter(axes, (left + right) / 2, y, name, 10, bold=True, colour="white", ha="center", va="bottom", backed=True)
    for line in lines:
        letter(axes, (left + right) / 2, y + inch * 0.04, line, 8, colour="white", ha="center", backed=True)
        y += inch * line_height(8)


def file_name(name: str) -> str:
    """The last part of a path."""
    return Path(name).name or name
