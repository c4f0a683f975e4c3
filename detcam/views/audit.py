"""The summary of an audit as a page: the errors, the edges, what goes with the error, and how attention differs."""

from pathlib import Path
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from detcam.views.colours import EDGE, INK, WORST
from detcam.views.figure import write_figure
from detcam.views.forest import Panel, forest, frame, page

Record = dict[str, Any]

NAME = "audit.png"
MOST = 12  # lines of a forest plot


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
    panels: list[Panel] = [
        (_types, summary["types"], len(summary["types"])), (_edges, summary["edges"], 4),
        (_correlations, correlations, len(correlations)), (_attention, attention, len(attention)),
        (_shortcuts, shortcuts, len(shortcuts))]
    found, objects = summary["objects_found"], summary["objects"]
    title = (f"{summary['photographs']} photographs, {objects} true objects: {found} found, {objects - found} not; "
             f"{summary['detections']} detections")
    return page(title, [(each["sentence"], WORST) for each in summary["findings"]], "Nothing systematic was found.",
                panels)


def _value(line: Record) -> float:
    return float(line["of_like_size"]["value"] or line["rho"]["value"] or 0.0)


def _types(axes: Axes, types: dict[str, Record]) -> None:
    names = list(types)
    counts = [types[name]["count"] for name in names]
    axes.barh(range(len(names)), counts, color=[EDGE if name == "correct" else WORST for name in names], height=0.62)
    for place, count in enumerate(counts):
        axes.text(count, place, f" {count}", va="center", fontsize=9, color=INK)
    frame(axes, "What the detections are, and what was missed", [f"{name}  {types[name]['letter']}" for name in names])
    axes.set_xlim(0, max([*counts, 1]) * 1.15)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True, nbins=6))


def _edges(axes: Axes, edges: list[Record]) -> None:
    known = [each for each in edges if each["outward"]["value"] is not None]
    lines = []
    for each in known:
        worst = "" if each["worst"]["value"] is None else f" (worst in {each['worst']['value']:.0%} of bad boxes)"
        lines.append((each["edge"] + worst, each["outward"], INK))
    forest(axes, lines, "Edges: median error, share of the true box", "inside the true box  |  outside it",
           percent=True)


def _correlations(axes: Axes, lines: list[Record]) -> None:
    forest(axes, [(each["number"], each["of_like_size"] if each["of_like_size"]["value"] is not None else each["rho"],
                   EDGE if each["baseline"] else INK) for each in lines],
           "What goes with the localization error", "rank correlation among boxes of like size (grey: baselines)")


def _attention(axes: Axes, lines: list[Record]) -> None:
    forest(axes, [(f"{each['type']}: {each['number']}", each["effect_of_like_size"], INK) for each in lines],
           "How attention differs from that of correct boxes",
           "Cliff's delta among boxes of like size: less  |  more")


def _shortcuts(axes: Axes, lines: list[Record]) -> None:
    forest(axes, [(each["name"] + (f": {each['where']}" if each["where"] else ""), each["effect"],
                   WORST if each["named"] else INK) for each in lines if each["effect"]["value"] is not None],
           "Shortcuts", "share of the score that the region takes beyond its controls (red: named)", percent=True)
    for place, each in enumerate(line for line in lines if line["effect"]["value"] is not None):
        if each["limit"] is not None:
            axes.plot([each["limit"]] * 2, [place - 0.35, place + 0.35], color=WORST, linewidth=1, linestyle=":")
