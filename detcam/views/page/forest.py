"""A page of panels under sentences, and the forest plot: values with their intervals, a line each."""

from collections.abc import Callable, Sequence
from typing import Any

from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator, PercentFormatter

from detcam.views.page.colours import INK, MUTED, RULE
from detcam.views.page.lettering import wrap
from detcam.views.page.png import DPI

Record = dict[str, Any]
Panel = tuple[Callable[[Axes, Any], None], Any, int]
"""What draws a panel, what it is handed beside the axes, and how many lines it has; one without lines is left out."""
Line = tuple[str, Record, str]
"""A label, an estimate ``{"value", "low", "high"}`` and its colour."""

WIDTH = 13.0  # inches
LINE = 0.27  # inches a line of a panel
LETTERS = 44  # of a label at most
SIZE = 10.5  # points of a sentence
PLACES = ((0.205, 0.265), (0.715, 0.265))  # left end and width of the two columns of panels, shares of the page


def page(title: str, sentences: Sequence[tuple[str, str]], otherwise: str, panels: Sequence[Panel],
         under: Sequence[str] = ()) -> Figure:
    """Two panels a row under a title and sentences, as a figure on its own canvas.

    Args:
        title: one line.
        sentences: the findings, each with its colour.
        otherwise: the sentence for no findings.
        panels: in reading order.
        under: grey lines between the title and the sentences.
    """
    panels = [panel for panel in panels if panel[2]]
    rows = [panels[i : i + 2] for i in range(0, len(panels), 2)]
    heights = [1.15 + LINE * max(panel[2] for panel in row) for row in rows]
    said = [*((words, MUTED) for words in under), *(sentences or [(otherwise, MUTED)])]
    lines = [(line, colour) for words, colour in said for line in wrap(words, WIDTH * 0.96, SIZE)]
    top = 0.75 + 0.24 * len(lines)
    total, done = top + sum(heights), top
    figure = Figure((WIDTH, total), dpi=DPI, facecolor="white")
    FigureCanvasAgg(figure)
    figure.text(0.02, 1 - 0.3 / total, title, fontsize=14, weight="bold", color=INK, va="center")
    for place, (words, colour) in enumerate(lines):
        figure.text(0.02, 1 - (0.66 + 0.24 * place) / total, words, fontsize=SIZE, va="center", color=colour)
    for row, height in zip(rows, heights, strict=True):
        for (draw, content, _), (left, width) in zip(row, PLACES, strict=False):
            draw(figure.add_axes((left, 1 - (done + height - 0.55) / total, width, (height - 1.0) / total)), content)
        done += height
    return figure


def forest(axes: Axes, lines: Sequence[Line], title: str, words: str, percent: bool = False) -> None:
    """Draw values with their intervals, a line each, and a vertical line at 0.

    Args:
        axes: where.
        lines: labels, estimates and colours.
        title: of the panel.
        words: below the axis.
        percent: whether values are shares, shown in per cent.
    """
    axes.axvline(0, color=RULE, linewidth=1.2, zorder=0)
    for place, (_, estimate, colour) in enumerate(lines):
        axes.plot([estimate["low"], estimate["high"]], [place, place], color=colour, linewidth=1.6)
        axes.plot(estimate["value"], place, "o", color=colour, markersize=4.5)
    frame(axes, title, [name for name, _, _ in lines])
    axes.set_xlabel(words, fontsize=8.5, color=MUTED, loc="right")  # long ones reach to the left, below the labels
    axes.xaxis.set_major_locator(MaxNLocator(6))
    if percent:
        axes.xaxis.set_major_formatter(PercentFormatter(1.0))


def frame(axes: Axes, title: str, labels: Sequence[str]) -> None:
    """A panel's title and the labels of its lines, the first at the top."""
    axes.set_title(title, loc="left", fontsize=11, weight="bold", color=INK, x=-0.72)
    short = [label if len(label) <= LETTERS else f"{label[:LETTERS - 1]}…" for label in labels]
    axes.set_yticks(range(len(labels)), short, fontsize=9)
    axes.set_ylim(len(labels) - 0.4, -0.6)
    axes.tick_params(axis="both", length=0, labelcolor=INK)
    axes.tick_params(axis="x", labelsize=8.5)
    for side in ("top", "right", "left"):
        axes.spines[side].set_visible(False)
    axes.spines["bottom"].set_color(RULE)
