"""How far each edge of a box lies from the true one, as bars and numbers, with the evidence on the edge."""

import numpy as np
from numpy.typing import NDArray

from detcam.diagnosis.result import Diagnosis
from detcam.imaging.boxes import EDGES
from detcam.measures.edge_evidence import Edges
from detcam.measures.reference import SOUND
from detcam.views.explanation.numbers import evidence_text
from detcam.views.page.colours import EDGE, INK, MUTED, TRACK, WORST
from detcam.views.page.layout import PANEL
from detcam.views.page.sheet import Place, Sheet

FULL = 0.5  # of the true width or height: the length of a full bar; numbers are not limited
NAME, BAR, NUMBER = 0.62, 1.4, 0.6  # inches: an edge's name, both sides of the bars, a number
MINUS = "\u2212"  # as wide as a plus
STEP, THICK = 0.42, 0.2  # from one edge to the next, and a bar's height


def edge_errors_width(diagnosis: Diagnosis) -> float:
    """The width of the bars and the numbers, inches."""
    return NAME + BAR + len(_numbers(diagnosis)) * NUMBER


def edge_error_titles(sheet: Sheet, diagnosis: Diagnosis, x: float, y: float) -> None:
    """Write the columns' titles, their top left at ``(x, y)`` inches."""
    sheet.write(x, y, "error of each edge", 9.5, bold=True)
    y += 0.19
    middle = x + NAME + BAR / 2
    sheet.write(middle - 0.08, y, "inside", 8.5, colour=MUTED, ha="right")
    sheet.write(middle + 0.08, y, "outside", 8.5, colour=MUTED)
    for column, words in enumerate(_numbers(diagnosis)):
        sheet.write(_right(x, column), y, words, 8.5, colour=MUTED, ha="right")


def _numbers(diagnosis: Diagnosis) -> list[str]:
    """The titles of the columns of numbers, without those that were not measured."""
    known = diagnosis.boxes.edges is not None
    return ["px", "%", *["spread"] * known, *["evidence"] * known,
            *["rank"] * (known and diagnosis.boxes.percentiles is not None)]


def spread_of(edges: Edges) -> NDArray[np.float64]:
    """How uncertain each edge is, ``[N, 4]`` (left, top, right, bottom), over the box's width or height.

    The standard deviation of the edge's own distribution where the head has one, else that among sibling rows.
    """
    return edges.sibling_spread if edges.distribution_spread is None else edges.distribution_spread


def spread_words(diagnosis: Diagnosis) -> str:
    """What the column of spreads shows."""
    edges = diagnosis.boxes.edges
    of = "among the raw rows of this object" if edges is None or edges.distribution_spread is None else (
        "in its predicted distribution")
    return f"Spread: standard deviation of the edge {of}, %."


def _right(x: float, column: int) -> float:
    return x + NAME + BAR + (column + 1) * NUMBER - 0.05


def draw_edge_errors(sheet: Sheet, diagnosis: Diagnosis, box: int, place: Place) -> None:
    """Draw the four edges of a box in question in the middle of a place, inches."""
    x, y, _, height = place
    known, worst = diagnosis.worst_edge(box) is not None, diagnosis.worst_edge(box)
    y += max((min(height, PANEL) - STEP * 4) / 2, 0)
    left = x + NAME
    if known:
        sheet.fill((left + BAR / 2 * (1 - SOUND / FULL), y, BAR * SOUND / FULL, STEP * 4), TRACK)
        sheet.line((left + BAR / 2, left + BAR / 2), (y, y + STEP * 4), MUTED, 1.0)
    else:
        sheet.write(left + BAR / 2, y + STEP * 2, "no true box of its class", 8.5, colour=MUTED, ha="center",
                    va="center")
    for column, edge in enumerate(EDGES):
        _edge(sheet, diagnosis, box, column, (x, y + column * STEP), edge == worst)


def _edge(sheet: Sheet, diagnosis: Diagnosis, box: int, column: int, at: tuple[float, float], worst: bool) -> None:
    """Draw one edge: its name, its bar from the true edge in the middle, and its numbers."""
    x, y = at
    share, pixels = float(diagnosis.shares[box, column]), float(diagnosis.outward[box, column])
    off = worst and abs(share) > SOUND
    middle, colour = y + STEP / 2, WORST if off else INK
    sheet.write(x + NAME - 0.08, middle, EDGES[column], 9, bold=off, colour=colour, ha="right", va="center")
    if np.isfinite(share):
        long = float(np.clip(share / FULL, -1, 1)) * BAR / 2
        zero = x + NAME + BAR / 2
        sheet.fill((min(zero, zero + long), middle - THICK / 2, abs(long), THICK), WORST if off else EDGE)
    for order, text in enumerate(_texts(diagnosis, box, column, share, pixels)):
        sheet.write(_right(x, order), middle, text, 9, bold=off, colour=colour, ha="right", va="center")


def _texts(diagnosis: Diagnosis, box: int, column: int, share: float, pixels: float) -> list[str]:
    found = [signed(pixels), signed(100 * share)]
    edges, ranks = diagnosis.boxes.edges, diagnosis.boxes.percentiles
    if edges is not None:
        spread = spread_of(edges)[box, column]
        found.append(f"±{100 * spread:.0f}" if np.isfinite(spread) else "—")
        found.append(evidence_text(float(edges.evidence[box, column])))
        if ranks is not None:
            found.append(f"p {np.floor(ranks[box, column]):.0f}" if np.isfinite(ranks[box, column]) else "—")
    return found


def signed(value: float) -> str:
    """A whole number with its sign, a dash where there is none."""
    if not np.isfinite(value):
        return "—"
    return f"{round(value):+d}".replace("-", MINUS) if round(value) else "0"
