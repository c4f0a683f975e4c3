"""The summary of an audit as a page: the errors, the edges, what goes with the error, and how attention differs."""

from collections.abc import Iterable
from contextlib import suppress
from itertools import chain
from pathlib import Path
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from detcam.audits.first_to_inspect import First
from detcam.diagnosis.error_types import CORRECT
from detcam.views.audit.first_page import first_figure
from detcam.views.page.colours import EDGE, INK, MUTED, TYPE_COLOURS, WORST
from detcam.views.page.forest import Panel, forest, frame, page
from detcam.views.page.png import is_own, write_figure

Record = dict[str, Any]

NAME, FIRST = "audit.png", "first.png"
MOST = 12  # lines of a forest plot
LEAST = 0.06  # of the true width or height: as far as the panel of edges reaches at least, on both sides


def save_figures(summary: Record, folder: Path, first: Iterable[First] = ()) -> list[Path]:
    """Write the page, and the contact sheet of the detections to look at first where there are any.

    Args:
        summary: from :func:`detcam.audits.summary.summarise`.
        folder: where to, which exists.
        first: those of ``summary["first"]``, as many and in that order; empty for no contact sheet.

    Raises:
        OutputError: one cannot be written.
    """
    path, sheet = folder / NAME, folder / FIRST
    write_figure(figure_of(summary), path, "audit")
    count, first = len(summary["first"]), iter(first)
    one = next(first, None)
    if one is None:
        if is_own(sheet, "audit"):  # of an earlier summary
            with suppress(OSError):
                sheet.unlink()
        return [path]
    write_figure(first_figure(chain([one], first), count), sheet, "audit")
    return [path, sheet]


def figure_of(summary: Record) -> Figure:
    """The page as a figure on its own canvas."""
    numbers = sorted(summary["correlations"], key=lambda each: -abs(_value(each)))
    baselines = [each for each in numbers if each["baseline"]]  # never cut: what the others have to beat
    correlations = [each for each in numbers if not each["baseline"]][:MOST - len(baselines)] + baselines
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
    return page(title, [(each["sentence"], WORST) for each in summary["findings"]], summary["silence"], panels)


def _value(line: Record) -> float:
    return float(line["of_like_size"]["value"] or line["rho"]["value"] or 0.0)


def _types(axes: Axes, types: dict[str, Record]) -> None:
    names = list(types)
    counts = [types[name]["count"] for name in names]
    axes.barh(range(len(names)), counts, color=[TYPE_COLOURS[name] for name in names], height=0.62)
    for place, count in enumerate(counts):
        axes.text(count, place, f" {count}", va="center", fontsize=9, color=INK)
    frame(axes, "What the detections are, and what was missed", [
        name if name == CORRECT.name else f"{name}  {types[name]['letter']}" for name in names])
    axes.set_xlim(0, max([*counts, 1]) * 1.15)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True, nbins=6))


def _edges(axes: Axes, edges: list[Record]) -> None:
    known = [each for each in edges if each["outward"]["value"] is not None]
    lines = []
    for each in known:
        worst = "" if each["worst"]["value"] is None else f" (worst in {each['worst']['value']:.0%} of bad boxes)"
        lines.append((each["edge"] + worst, each["outward"], INK))
    forest(axes, lines, "Edges: median error, share of the true box",
           "inside the true box  |  outside it (dotted: beyond it systematic)", percent=True)
    low, high = axes.get_xlim()
    axes.set_xlim(min(low, -LEAST), max(high, LEAST))
    axes.xaxis.set_major_locator(MaxNLocator(nbins=7, steps=[1, 2, 5, 10]))  # whole per cent
    for limit in {each["limit"] for each in known}:
        for side in (-limit, limit):
            axes.axvline(side, color=MUTED, linewidth=1, linestyle=":", zorder=0)


def _correlations(axes: Axes, lines: list[Record]) -> None:
    forest(axes, [(each["number"], each["of_like_size"] if each["of_like_size"]["value"] is not None else each["rho"],
                   EDGE if each["baseline"] else INK) for each in lines],
           "What goes with the localization error", "rank correlation among boxes of like size (grey: baselines)")


def _attention(axes: Axes, lines: list[Record]) -> None:
    forest(axes, [(f"{each['type']}: {each['number']}", each["effect_of_like_size"], INK) for each in lines],
           "How attention differs from that of correct boxes",
           "Cliff's delta among boxes of like size: less  |  more")


def _shortcuts(axes: Axes, lines: list[Record]) -> None:
    known = [each for each in lines if each["effect"]["value"] is not None]
    hidden = any(each["rests_on"] == "intervention" for each in known)
    forest(axes, [(each["name"] + (f": {each['where']}" if each["where"] else ""), each["effect"],
                   WORST if each["named"] else INK) for each in known], "Shortcuts",
           "share of the score that the region takes beyond its controls (red: named)" if hidden else
           "heat beyond even heat (nothing was hidden)", percent=True)
    for place, each in enumerate(known):
        if each["limit"] is not None:
            axes.plot([each["limit"]] * 2, [place - 0.35, place + 0.35], color=WORST, linewidth=1, linestyle=":")
