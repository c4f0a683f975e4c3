"""A comparison of two audits as a page: what changed from A to B, each change with its interval."""

from collections.abc import Sequence
from pathlib import Path

from matplotlib.figure import Figure

from detcam.views.page.colours import INK, WORST
from detcam.views.page.forest import Line, Panel, Record, forest, page
from detcam.views.page.png import write_figure

NAME = "comparison.png"
COLOURS = {"better": "#2b8a3e", "worse": WORST}  # of the objects that became it
SPEAKS = {True: COLOURS["better"], False: WORST, None: INK}  # of a sentence for B, against it, or neither
BEYOND = "change beyond that of the rest of like size"
OF_LIKE_SIZE = "beyond_rest_of_like_size"


def save_comparison(summary: Record, folder: Path) -> Path:
    """Write the page; where it is.

    Args:
        summary: from :func:`detcam.audits.comparison.compare_tables`.
        folder: where to, which exists.

    Raises:
        OutputError: it cannot be written.
    """
    path = folder / NAME
    write_figure(figure_of(summary), path, "comparison")
    return path


def figure_of(summary: Record) -> Figure:
    """The page as a figure on its own canvas."""
    found, errors = summary["found"], summary["errors"]
    names = [f"{letter.upper()}: {summary[letter]['name']}, weights {summary[letter]['weights']}"
             for letter in ("a", "b") if letter in summary]
    title = (f"{summary['photographs']} photographs, {summary['objects']} true objects: {found['both']} found by both, "
             f"{found['only_a']} by A alone, {found['only_b']} by B alone, {found['neither']} by neither")
    objects = [("share found", summary["recall"]["change"]), ("IoU where both found it", summary["iou"]["change"]),
               ("score where both found it", summary["score"]["change"])]
    panels = [
        _panel("What was found, B minus A", "less in B  |  more in B", objects),
        _panel("Errors a photograph, B minus A", "fewer in B  |  more in B",
               [(each["name"], each["change"]) for each in errors if each["count_a"] or each["count_b"]]),
        _panel("How far edges are off where both found it, B minus A", "share of the true box: better  |  worse",
               [(each["edge"], each["change"]) for each in summary["edges"]], percent=True)]
    panels += _attention(summary["attention"], summary["moved"])
    otherwise = f"No change stands out from chance ({summary['questions']} were tested together)."
    sentences = [(each["sentence"], SPEAKS[each["better"]]) for each in summary["findings"]]
    return page(title, sentences, otherwise, panels, names)


def _attention(lines: list[Record], moved: Record) -> list[Panel]:
    """How attention changed on the objects that became better and worse: the evidence, in a unit of its own, first."""
    evidence = [each for each in lines if each["number"].startswith("evidence")]
    heat = [each for each in lines if each not in evidence]
    panels = [_panel(
        "Evidence on the edges of the objects that moved", f"doublings, {BEYOND}",
        [(f"became {group}", each[f"{group}_{OF_LIKE_SIZE}"]) for each in evidence for group in COLOURS],
        list(COLOURS.values()))]
    return panels + [_panel(
        f"Attention of the {moved[group]} objects that became {group}", BEYOND,
        [(each["number"], each[f"{group}_{OF_LIKE_SIZE}"]) for each in heat], [colour])
        for group, colour in COLOURS.items()]


def _panel(title: str, words: str, estimates: Sequence[tuple[str, Record]], colours: Sequence[str] = (INK,),
           percent: bool = False) -> Panel:
    """A forest plot of the estimates that exist; the colours take turns."""
    lines: list[Line] = [(name, each, colours[place % len(colours)]) for place, (name, each) in enumerate(estimates)
                         if each["value"] is not None]
    return (lambda axes, content: forest(axes, content, title, words, percent)), lines, len(lines)
