"""The summary of an audit as a page: the errors, the edges, what goes with the error, and how attention differs."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from detcam.views.colours import EDGE, INK, MUTED, RULE, WORST
from detcam.views.figure import DPI, write_figure

Record = dict[str, Any]

NAME = "audit.png"
WIDTH = 13.0  # inches
LINE = 0.27  # inches a line of a forest plot
MOST = 12  # lines of one
LETTERS = 30  # of a label


def save_figures(summary: Record, folder: Path) -> list[Path]:
    """Write the page.

    Args:
        summary: from :func:`detcam.audit.summary.summarise`.
        folder: where to, which exists.

    Raises:
        OutputError: it cannot be written.
    """
    path = folder / NAME
    write_figure(figure_of(summary), path, "audit")
    return [path]


def figure_of(summary: Record) -> Figure:
    """The page as a figure on its own canvas."""
    correlations = sorted(summary["correlations"], key=lambda each: (each["baseline"], -abs(_value(each))))[:MOST]
    attention = [each for each in summary["attention"] if "effect_of_like_size" in each
                 and each["effect_of_like_size"]["value"] is not None]
    shortcuts = summary.get("shortcuts", [])
    panels: list[tuple[Callable[[Axes, Any], None], Any, int]] = [
        (_types, summary["types"], len(summary["types"])), (_edges, summary["edges"], 4),
              (_correlations, correlations, len(correlations)), (_attention, attention, len(attention)),
              (_shortcuts, shortcuts, len(shortcuts))]
    panels = [each for each in panels if each[2]]
    rows = [panels[index : index + 2] for index in range(0, len(panels), 2)]
    heights = [1.15 + LINE * max(each[2] for each in row) for row in rows]
    sentences = [each["sentence"] for each in summary["findings"]]
    top = 0.75 + 0.24 * max(1, len(sentences))
    figure = Figure((WIDTH, top + sum(heights)), dpi=DPI, facecolor="white")
    FigureCanvasAgg(figure)
    _title(figure, summary, sentences, top)
    total, done = top + sum(heights), top
    for row, height in zip(rows, heights, strict=True):
        for column, (draw, content, _) in enumerate(row):
            left, width = (0.205, 0.265) if column == 0 else (0.715, 0.265)
            axes = figure.add_axes((left, 1 - (done + height - 0.55) / total, width, (height - 1.0) / total))
            draw(axes, content)
        done += height
    return figure


def _title(figure: Figure, summary: Record, sentences: list[str], top: float) -> None:
    height = figure.get_size_inches()[1]
    found, objects = summary["objects_found"], summary["objects"]
    words = (f"{summary['photographs']} photographs, {objects} true objects: {found} found, {objects - found} not; "
             f"{summary['detections']} detections")
    figure.text(0.02, 1 - 0.3 / height, words, fontsize=14, weight="bold", color=INK, va="center")
    for line, sentence in enumerate(sentences or ["Nothing systematic was found."]):
        figure.text(0.02, 1 - (0.66 + 0.24 * line) / height, sentence, fontsize=10.5, va="center",
                    color=WORST if sentences else MUTED)


def _value(line: Record) -> float:
    return float(line["of_like_size"]["value"] or line["rho"]["value"] or 0.0)


def _types(axes: Axes, types: dict[str, Record]) -> None:
    names = list(types)
    counts = [types[name]["count"] for name in names]
    axes.barh(range(len(names)), counts, color=[EDGE if name == "correct" else WORST for name in names], height=0.62)
    for place, count in enumerate(counts):
        axes.text(count, place, f" {count}", va="center", fontsize=9, color=INK)
    _frame(axes, "What the detections are, and what was missed", [f"{name}  {types[name]['letter']}" for name in names])
    axes.set_xlim(0, max([*counts, 1]) * 1.15)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True, nbins=6))


def _edges(axes: Axes, edges: list[Record]) -> None:
    known = [each for each in edges if each["outward"]["value"] is not None]
    lines = []
    for each in known:
        worst = "" if each["worst"]["value"] is None else f" (worst in {each['worst']['value']:.0%} of bad boxes)"
        lines.append((each["edge"] + worst, each["outward"], INK))
    _forest(axes, lines, "Edges: median error, share of the true box", "inside the true box  |  outside it",
            percent=True)


def _correlations(axes: Axes, lines: list[Record]) -> None:
    _forest(axes, [(each["number"], each["of_like_size"] if each["of_like_size"]["value"] is not None else each["rho"],
                    EDGE if each["baseline"] else INK) for each in lines],
            "What goes with the localization error", "rank correlation among boxes of like size (grey: baselines)")


def _attention(axes: Axes, lines: list[Record]) -> None:
    _forest(axes, [(f"{each['type']}: {each['number']}", each["effect_of_like_size"], INK) for each in lines],
            "How attention differs from that of correct boxes",
            "Cliff's delta among boxes of like size: less  |  more")


def _shortcuts(axes: Axes, lines: list[Record]) -> None:
    _forest(axes, [(each["name"] + (f": {each['where']}" if each["where"] else ""), each["effect"],
                    WORST if each["named"] else INK) for each in lines if each["effect"]["value"] is not None],
            "Shortcuts", "share of the score that the region takes beyond its controls (red: named)", percent=True)
    for place, each in enumerate(line for line in lines if line["effect"]["value"] is not None):
        if each["limit"] is not None:
            axes.plot([each["limit"]] * 2, [place - 0.35, place + 0.35], color=WORST, linewidth=1, linestyle=":")


def _forest(axes: Axes, lines: list[tuple[str, Record, str]], title: str, words: str, percent: bool = False) -> None:
    """Values with their intervals, a line each, and where nothing is."""
    axes.axvline(0, color=RULE, linewidth=1.2, zorder=0)
    for place, (_, estimate, colour) in enumerate(lines):
        axes.plot([estimate["low"], estimate["high"]], [place, place], color=colour, linewidth=1.6)
        axes.plot(estimate["value"], place, "o", color=colour, markersize=4.5)
    _frame(axes, title, [name for name, _, _ in lines])
    axes.set_xlabel(words, fontsize=8.5, color=MUTED)
    if percent:
        axes.xaxis.set_major_formatter(lambda value, _: f"{value:.0%}")


def _frame(axes: Axes, title: str, labels: list[str]) -> None:
    axes.set_title(title, loc="left", fontsize=11, weight="bold", color=INK, x=-0.72)
    axes.set_yticks(range(len(labels)), [each if len(each) <= 44 else f"{each[:43]}…" for each in labels], fontsize=9)
    axes.set_ylim(len(labels) - 0.4, -0.6)
    axes.tick_params(axis="both", length=0, labelcolor=INK)
    axes.tick_params(axis="x", labelsize=8.5)
    for side in ("top", "right", "left"):
        axes.spines[side].set_visible(False)
    axes.spines["bottom"].set_color(RULE)
