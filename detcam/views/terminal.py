"""A table in the terminal: one line a detection, one table a photograph."""

from collections.abc import Iterable

import numpy as np
from rich.console import Console
from rich.table import Table
from rich.text import Text

from detcam.explanations.explanation import Explanation
from detcam.imaging.boxes import EDGES
from detcam.views.explanation.numbers import evidence_text, worst_edge
from detcam.views.explanation.overview import count_words, nothing_words

WIDE = 124  # columns of a terminal from which boxes and layers are shown too
SHARES = {"inside": "inside", "others": "other", "ring": "ring", "elsewhere": "else"}


def print_table(explanations: Iterable[Explanation], console: Console) -> None:
    """Print every detection's class, score and numbers; the edge with the most evidence is bold.

    Args:
        explanations: one a photograph.
        console: a narrow one leaves out boxes and layers, and says so. A legend of the columns follows the last table.
    """
    last = None
    for explanation in explanations:
        console.print(Text(explanation.image.name, style="bold"), Text(f"  {count_words(explanation)}", style="dim"),
                      sep="")
        if len(explanation):
            console.print(table_of(explanation, console.width >= WIDE))
            for verdict in filter(None, explanation.verdicts):
                console.print(Text(f"  {verdict.number}  {verdict.place}: {verdict.sentence}"))
            last = explanation
        else:
            console.print(Text(f"  {nothing_words(explanation)}"))
        console.print()
    if last is not None:
        console.print(Text(_columns(last, console.width >= WIDE), style="dim"))


def table_of(explanation: Explanation, wide: bool) -> Table:
    """A photograph's detections as a table, with boxes and layers where it may be ``wide``."""
    table = Table(box=None, padding=(0, 1) if wide else (0, 1, 0, 0), pad_edge=True, header_style="bold dim")
    table.add_column("#", justify="right", no_wrap=True)
    table.add_column("class", overflow="ellipsis", no_wrap=True, max_width=None if wide else 11)
    table.add_column("score", justify="right", no_wrap=True)
    if wide:
        table.add_column("box (px)", no_wrap=True)
        table.add_column("layer", overflow="ellipsis", no_wrap=True, max_width=18)
    for title in _shares(explanation).values():
        table.add_column(title, justify="right", no_wrap=True)
    if explanation.edges is not None:
        for edge in EDGES:
            table.add_column(edge, justify="right", no_wrap=True)
    if explanation.percentiles is not None:
        table.add_column("pct", justify="right", no_wrap=True)
    for index in range(len(explanation)):
        table.add_row(*_line(explanation, index, wide))
    return table


def _shares(explanation: Explanation) -> dict[str, str]:
    """Regions with their columns' titles; none for a classifier, whose heat lies in its input only."""
    return {} if explanation.classified else SHARES


def _line(explanation: Explanation, index: int, wide: bool) -> list[Text]:
    found, first = explanation.detections, explanation.maps[0]
    name = " ".join(explanation.class_name(int(found.labels[index])).split())
    cells = [Text(str(explanation.numbered[index])), Text(name), Text(f"{found.scores[index]:.2f}")]
    heatmap, shares = first.heatmaps[index], first.shares[index]
    if wide:
        cells.append(Text(" ".join(f"{coordinate:.0f}" for coordinate in found.boxes[index])))
        status = "" if heatmap.status == "ok" else f" ({heatmap.status})"
        cells.append(Text(heatmap.layer + status))
    for region in _shares(explanation):
        share = getattr(shares, region)
        cells.append(Text(f"{100 * share:.0f}%" if np.isfinite(share) else "-"))
    if explanation.edges is not None:
        worst = worst_edge(explanation, index)
        cells += [Text(evidence_text(float(value)).replace("—", "-"), style="bold red" if edge == worst else "")
                  for edge, value in enumerate(explanation.edges.evidence[index])]
        if explanation.percentiles is not None:
            rank = np.nan if worst is None else explanation.percentiles[index, worst]
            cells.append(Text(f"{rank:.0f}" if np.isfinite(rank) else "-"))
    return cells


def _columns(explanation: Explanation, wide: bool) -> str:
    """A legend of the columns."""
    words = [f"inside to else: where the heat of {explanation.maps[0].method} lies; the rest is in the padding"
             ] if _shares(explanation) else []
    if any(heatmap.scales for heatmap in explanation.maps[0].heatmaps):
        words.append("fused layers: each layer's map is divided by the mean of its positive part, and all are summed; "
                     "the means are in explanations.json and to_frame()")
    if explanation.edges is not None:
        words.append("left to bottom: evidence on each edge, over the box's width or height; the most in bold")
        words.append("the evidence is not ranked: there is no reference for these weights"
                     if explanation.percentiles is None else
                     "pct: per cent of accurate boxes with less evidence on that edge (the bold one)")
    if not wide:
        words.append("boxes and layers are shown in a wider terminal")
    return "\n".join(words)
