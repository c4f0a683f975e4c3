"""A comparison of two audits as a page: what changed from A to B, each change with its interval."""

from collections.abc import Sequence
from pathlib import Path

from matplotlib.figure import Figure

from detcam.views.page.colours import INK, WORST
from detcam.views.page.forest import Line, Panel, Record, forest, page
from detcam.views.page.png import write_figure

NAME = "comparison.png"
COLOURS = {"better": "#2b8a3e", "worse": WORST}  # of the objects that improved and got worse
WORDS = {"better": "improved", "worse": "got worse"}
SENTENCE_COLOURS = {True: COLOURS["better"], False: WORST, None: INK}  # for B, against B, or neither
MINUS_REST = "change, minus that on unchanged objects of similar size"


def save_comparison(summary: Record, folder: Path) -> Path:
    """Write the page, and return its path.

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
             f"{found['only_a']} only by A, {found['only_b']} only by B, {found['neither']} by neither")
    objects = [("recall", summary["recall"]["change"]), ("IoU of objects that both found", summary["iou"]["change"]),
               ("score of objects that both found", summary["score"]["change"])]
    panels = [
        _panel("Found objects, B minus A", "less in B  |  more in B", objects),
        _panel("Errors per photograph, B minus A", "fewer in B  |  more in B",
               [(line["name"], line["change"]) for line in errors if line["count_a"] or line["count_b"]]),
        _panel("Edge errors of objects that both found, B minus A",
               "share of the true width or height: better in B  |  worse in B",
               [(line["edge"], line["change"]) for line in summary["edges"]], percent=True)]
    panels += _attention(summary["attention"], summary["moved"])
    otherwise = f"No change differs clearly from chance ({summary['tests']} were tested together)."
    sentences = [(finding["sentence"], SENTENCE_COLOURS[finding["better"]]) for finding in summary["findings"]]
    return page(title, sentences, otherwise, panels, names)


def _attention(lines: list[Record], moved: Record) -> list[Panel]:
    """How attention changed on objects that improved and got worse: the evidence, in a unit of its own, first."""
    evidence = [line for line in lines if line["number"].startswith("evidence")]
    heat = [line for line in lines if line not in evidence]
    panels = [_panel(
        "Evidence on the edges of objects that improved or got worse", f"doublings: {MINUS_REST}",
        [(WORDS[group], line[f"{group}_minus_rest_size_adjusted"]) for line in evidence for group in COLOURS],
        list(COLOURS.values()))]
    return panels + [_panel(
        f"Attention on the {moved[group]} objects that {WORDS[group]}", MINUS_REST,
        [(line["number"], line[f"{group}_minus_rest_size_adjusted"]) for line in heat], [colour])
        for group, colour in COLOURS.items()]


def _panel(title: str, words: str, estimates: Sequence[tuple[str, Record]], colours: Sequence[str] = (INK,),
           percent: bool = False) -> Panel:
    """A forest plot of the estimates that have a value; the colours alternate."""
    lines: list[Line] = [(name, estimate, colours[i % len(colours)]) for i, (name, estimate) in enumerate(estimates)
                         if estimate["value"] is not None]
    return (lambda axes, content: forest(axes, content, title, words, percent)), lines, len(lines)
