"""The numbers beside a row: where the heat lies, as bars, and the evidence on each edge, as a box."""

import numpy as np

from detcam.explanations.explanation import Explanation
from detcam.imaging.boxes import EDGES
from detcam.measures.shares import REGIONS
from detcam.views.page.colours import EDGE, INK, MUTED, REGION_COLOURS, TRACK, WORST
from detcam.views.page.layout import LABELS
from detcam.views.page.lettering import wrap
from detcam.views.page.sheet import Place, Sheet, line_height

WORDS = {"inside": "inside", "others": "other boxes", "ring": "ring", "elsewhere": "elsewhere", "padding": "padding"}
BAR, STEP = 0.17, 0.34  # height of a bar, and from one to the next
NUMBER = 0.54  # room for a bar's number
DIAGRAM = 1.5  # height of the box with its edges
HIGH_RANK = 95.0  # per cent: by chance one accurate box in five has an edge above this (1 - 0.95 ** 4)
THICKEST = 7.0  # points: the edge with the most evidence


def draw_bars(sheet: Sheet, explanation: Explanation, index: int, place: Place) -> None:
    """Draw the shares of a detection's heat as bars, a column a method, each ``place[2]`` inches wide."""
    x, y, width, height = place
    y += (height - STEP * len(REGIONS)) / 2
    for region in REGIONS:
        middle = y + STEP / 2
        sheet.write(x + LABELS - 0.1, middle, WORDS[region], 8.5, ha="right", va="center")
        for method, maps in enumerate(explanation.maps):
            share = getattr(maps.shares[index], region)
            left, track = x + LABELS + method * width, width - NUMBER
            sheet.fill((left, middle - BAR / 2, track, BAR), TRACK)
            if np.isfinite(share):
                sheet.fill((left, middle - BAR / 2, track * min(share, 1), BAR), REGION_COLOURS[region])
            sheet.write(left + track + 0.05, middle, percent(share), 8.5, va="center",
                        bold=method == 0 and region == "inside")
        y += STEP


def percent(share: float) -> str:
    """A share, 0 to 1, in whole per cent; a dash where there is none."""
    return f"{share:.0%}".replace("%", " %") if np.isfinite(share) else "—"


def evidence_text(value: float) -> str:
    """Evidence in at most five characters."""
    if not np.isfinite(value):
        return "—"
    return f"{value:.{3 if value < 0.1 else 2 if value < 10 else 1 if value < 100 else 0}f}"


def worst_edge(explanation: Explanation, index: int) -> int | None:
    """The index (left, top, right, bottom) of the edge with the most evidence, the likeliest to be off.

    None where there is no evidence, or it was not measured.
    """
    if explanation.edges is None:
        return None
    evidence = explanation.edges.evidence[index]
    return int(np.nanargmax(evidence)) if np.nan_to_num(evidence).any() else None


def edge_sentence(explanation: Explanation, index: int) -> str:
    """The evidence on a detection's edges in a sentence."""
    if explanation.edges is None:
        return "Evidence on the edges was not measured."
    worst = worst_edge(explanation, index)
    if worst is None:
        return f"There is no evidence on the edges at layer {explanation.edges.layer[index]}."
    if explanation.percentiles is None:
        return f"Most evidence: {EDGES[worst]} edge. Not ranked: there is no reference for these weights."
    rank = explanation.percentiles[index, worst]
    if not np.isfinite(rank):
        return f"Most evidence: {EDGES[worst]} edge. Not ranked: there is no reference for this class."
    if rank < HIGH_RANK:
        return f"No edge stands out. Most evidence: {EDGES[worst]} edge, more than for {rank:.0f} % of accurate boxes."
    share = "all" if rank == 100 else f"{rank:.0f} % of"
    return f"{EDGES[worst].capitalize()} edge: more evidence than for {share} accurate boxes of similar size."


def draw_edges(sheet: Sheet, explanation: Explanation, index: int, place: Place) -> None:
    """Draw the detection's box, each edge as thick as the evidence on it, with a sentence below."""
    x, y, width, height = place
    lines = wrap(edge_sentence(explanation, index), width, 8.5)
    top = y + height - line_height(8.5) * len(lines) if explanation.edges is not None else y + 0.1
    sheet.paragraph(x, top, lines, 8.5, colour=INK if explanation.edges is not None else MUTED)
    if explanation.edges is None:
        return
    evidence = explanation.edges.evidence[index]
    worst = worst_edge(explanation, index)
    x1, y1, x2, y2 = _diagram_box(explanation, index, (x, y, width, top - 0.08 - y))
    ends = [((x1, x1), (y1, y2)), ((x1, x2), (y1, y1)), ((x2, x2), (y1, y2)), ((x1, x2), (y2, y2))]
    labels = [(x1 - 0.14, (y1 + y2) / 2, "right"), ((x1 + x2) / 2, y1 - 0.16, "center"),
              (x2 + 0.14, (y1 + y2) / 2, "left"), ((x1 + x2) / 2, y2 + 0.16, "center")]
    most = np.nanmax(np.nan_to_num(evidence)) or 1.0
    for edge in sorted(range(4), key=lambda edge: edge == worst):
        thick = 1 + (THICKEST - 1) * float(np.nan_to_num(evidence[edge])) / most
        sheet.line(*ends[edge], WORST if edge == worst else EDGE, thick)
        _edge_label(sheet, explanation, index, edge, labels[edge], edge == worst)


def _diagram_box(explanation: Explanation, index: int, place: Place) -> tuple[float, float, float, float]:
    """The detection's shape, neither very narrow nor very flat, in the middle of its place: xyxy, inches."""
    x, y, width, height = place
    x1, y1, x2, y2 = explanation.detections.boxes[index]
    aspect = float(np.clip((x2 - x1) / max(y2 - y1, 1e-6), 0.6, 1.6))
    room_x, room_y = width - 1.5, height - 0.64
    high = min(room_y, room_x / aspect)
    wide = high * aspect
    middle_x, middle_y = x + width / 2, y + height / 2
    return middle_x - wide / 2, middle_y - high / 2, middle_x + wide / 2, middle_y + high / 2


def _edge_label(sheet: Sheet, explanation: Explanation, index: int, edge: int, at: tuple[float, float, str],
                worst: bool) -> None:
    assert explanation.edges is not None
    x, y, ha = at
    colour = WORST if worst else INK
    value = evidence_text(float(explanation.edges.evidence[index, edge]))
    rank = "" if explanation.percentiles is None else explanation.percentiles[index, edge]
    rank = f"p {rank:.0f}" if rank != "" and np.isfinite(rank) else ""
    if ha == "center":
        sheet.write(x, y, "  ".join(filter(None, (EDGES[edge], value, rank))), 9, bold=worst, colour=colour, ha=ha,
                    va="center")
        return
    words = list(filter(None, (EDGES[edge], value, rank)))
    y -= line_height(9) * (len(words) - 1) / 2
    for word in words:
        sheet.write(x, y, word, 9, bold=worst, colour=colour, ha=ha, va="center")
        y += line_height(9)
