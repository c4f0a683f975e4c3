"""The summary of an audit as a page: errors, edges, correlations with the error, attention, and shortcuts."""

from collections.abc import Iterable
from contextlib import suppress
from itertools import chain
from pathlib import Path
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from detcam.audits.first_to_inspect import DetectionToInspect
from detcam.diagnosis.error_types import CORRECT
from detcam.views.audit.first_page import first_figure
from detcam.views.page.colours import EDGE, INK, MUTED, TYPE_COLOURS, WORST
from detcam.views.page.forest import Panel, forest, frame, page
from detcam.views.page.png import is_own, write_figure

Record = dict[str, Any]

NAME, FIRST = "audit.png", "first.png"
MOST = 12  # lines of a forest plot at most
LEAST = 0.06  # of the true width or height: the panel of edges reaches at least so far on both sides


def save_figures(summary: Record, folder: Path, first: Iterable[DetectionToInspect] = ()) -> list[Path]:
    """Write the page, and the contact sheet of the detections to inspect first, if there are any.

    Args:
        summary: from :func:`detcam.audits.summary.summarise`.
        folder: where to, which exists.
        first: the detections of ``summary["first_to_inspect"]``, in that order; empty for no contact sheet.

    Raises:
        OutputError: one cannot be written.
    """
    path, sheet = folder / NAME, folder / FIRST
    write_figure(figure_of(summary), path, "audit")
    count, first = len(summary["first_to_inspect"]), iter(first)
    one = next(first, None)
    if one is None:
        if is_own(sheet, "audit"):  # from an earlier summary
            with suppress(OSError):
                sheet.unlink()
        return [path]
    write_figure(first_figure(chain([one], first), count), sheet, "audit")
    return [path, sheet]


def figure_of(summary: Record) -> Figure:
    """The page as a figure on its own canvas."""
    numbers = sorted(summary["correlations"], key=lambda line: -abs(_value(line)))
    baselines = [line for line in numbers if line["baseline"]]  # never left out: the others have to beat them
    correlations = [line for line in numbers if not line["baseline"]][:MOST - len(baselines)] + baselines
    attention = [line for line in summary["attention"] if "effect_size_adjusted" in line
                 and line["effect_size_adjusted"]["value"] is not None]
    shortcuts = summary.get("shortcuts", [])
    panels: list[Panel] = [
        (_types, summary["types"], len(summary["types"])), (_edges, summary["edges"], 4),
        (_correlations, correlations, len(correlations)), (_attention, attention, len(attention)),
        (_shortcuts, shortcuts, len(shortcuts))]
    found, objects = summary["objects_found"], summary["objects"]
    title = (f"{summary['photographs']} photographs, {objects} true objects: {found} found, {objects - found} not; "
             f"{summary['detections']} detections")
    sentences = [(finding["sentence"], WORST) for finding in summary["findings"]]
    return page(title, sentences, summary["no_finding_reason"], panels)


def _value(line: Record) -> float:
    return float(line["size_adjusted"]["value"] or line["rho"]["value"] or 0.0)


def _types(axes: Axes, types: dict[str, Record]) -> None:
    names = list(types)
    counts = [types[name]["count"] for name in names]
    axes.barh(range(len(names)), counts, color=[TYPE_COLOURS[name] for name in names], height=0.62)
    for i, count in enumerate(counts):
        axes.text(count, i, f" {count}", va="center", fontsize=9, color=INK)
    frame(axes, "Detections by type, and missed objects", [
        name if name == CORRECT.name else f"{name} ({types[name]['short_name']})" for name in names])
    axes.set_xlim(0, max([*counts, 1]) * 1.15)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True, nbins=6))


def _edges(axes: Axes, edges: list[Record]) -> None:
    known = [edge for edge in edges if edge["outward"]["value"] is not None]
    lines = []
    for edge in known:
        worst = edge["worst_of_misplaced"]["value"]
        words = "" if worst is None else f" (worst in {worst:.0%} of misplaced boxes)"
        lines.append((edge["edge"] + words, edge["outward"], INK))
    forest(axes, lines, "Edges: median error over the true width or height",
           "inside the true box  |  outside (a whole interval beyond a dotted line: systematic)", percent=True)
    low, high = axes.get_xlim()
    axes.set_xlim(min(low, -LEAST), max(high, LEAST))
    axes.xaxis.set_major_locator(MaxNLocator(nbins=7, steps=[1, 2, 5, 10]))  # whole per cent
    for limit in {edge["limit"] for edge in known}:
        for side in (-limit, limit):
            axes.axvline(side, color=MUTED, linewidth=1, linestyle=":", zorder=0)


def _correlations(axes: Axes, lines: list[Record]) -> None:
    forest(axes, [(line["number"], line["size_adjusted"] if line["size_adjusted"]["value"] is not None else line["rho"],
                   EDGE if line["baseline"] else INK) for line in lines],
           "Correlation with the localization error", "rank correlation among boxes of similar size (grey: baselines)")


def _attention(axes: Axes, lines: list[Record]) -> None:
    forest(axes, [(f"{line['type']}: {line['number']}", line["effect_size_adjusted"], INK) for line in lines],
           "Heat of each type of error, compared with correct boxes",
           "Cliff's delta among boxes of similar size: less  |  more")


def _shortcuts(axes: Axes, lines: list[Record]) -> None:
    known = [line for line in lines if line["effect"]["value"] is not None]
    occluded = any(line["rests_on"] == "intervention" for line in known)
    forest(axes, [(line["name"] + (f": {line['where']}" if line["where"] else ""), line["effect"],
                   WORST if line["named"] else INK) for line in known], "Shortcut patterns",
           "share of the score lost by occlusion, minus controls (red: over its limit, dotted)" if occluded else
           "heat beyond uniform heat (nothing was occluded)", percent=True)
    for i, line in enumerate(known):
        if line["limit"] is not None:
            axes.plot([line["limit"]] * 2, [i - 0.35, i + 0.35], color=WORST, linewidth=1, linestyle=":")
