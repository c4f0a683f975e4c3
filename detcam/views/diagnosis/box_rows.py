"""Pages of detections in question: each with its true box, its heat, its edges' errors, and its sentences."""

from collections.abc import Iterator, Sequence

import numpy as np
from matplotlib.figure import Figure

from detcam.diagnosis.error_types import CORRECT, IGNORED, type_words
from detcam.diagnosis.result import Diagnosis
from detcam.diagnosis.sentences.detections import sentences_of
from detcam.imaging.boxes import EDGES, sizes
from detcam.measures.reference import SOUND
from detcam.views.diagnosis.common import (
    TRUE_BOX,
    at_left,
    badge_of,
    colour_of_type,
    draw_title,
    note,
    region_of,
)
from detcam.views.diagnosis.edge_errors import draw_edge_errors, edge_error_titles, edge_errors_width, spread_words
from detcam.views.diagnosis.pattern_marks import has_marks, mark_patterns
from detcam.views.explanation.edge_maps import draw_edge_map
from detcam.views.page.badges import paper_badge
from detcam.views.page.colours import MUTED, bar
from detcam.views.page.crop import Region, heat_in, pixels
from detcam.views.page.draw_heat import draw_heat
from detcam.views.page.layout import BELOW, CAPTION, GAP, GROUP_GAP, HEADER, MARGIN, PANEL
from detcam.views.page.legend import Key, draw_key, key_of, reference_words
from detcam.views.page.lettering import shorten, width_of, wrap
from detcam.views.page.scale import top_of
from detcam.views.page.sheet import Sheet, dashed_outline, line_height, outline

MOST_ROWS = 60  # boxes with a row at most
ENOUGH = 12  # accurate boxes are added until there are so many rows
TITLES = 1.3  # inches: the columns' titles with the scales of the colours
SIZE = 10.5  # of the sentences, points
ASPECTS = 0.92, 1.3  # width over height of a crop: the titles above it fit
TOP = 99.5  # percentile of the drawn values of the worst edge's map at full colour


def in_order(diagnosis: Diagnosis) -> list[int]:
    """Indices of the boxes with a row: wrong ones, correct ones with a misplaced edge, then others up to a dozen."""
    kinds = [diagnosis.type_of(i) for i in range(len(diagnosis))]
    misplaced = np.nan_to_num(np.abs(diagnosis.shares)).max(1, initial=0) > SOUND
    groups: list[list[int]] = [[], [], [], []]
    for i, kind in enumerate(kinds):
        groups[3 if kind == IGNORED.name else 0 if kind != CORRECT.name else 1 if misplaced[i] else 2].append(i)
    first = groups[0] + groups[1]
    others = groups[2] + groups[3]
    return (first + others[:max(ENOUGH - len(first), 0)])[:MOST_ROWS]


def row_pages(diagnosis: Diagnosis, rows_per_page: int, cmap: str, dpi: float, pages: Sequence[str]
              ) -> Iterator[Figure]:
    """The pages of the boxes in question, one by one; ``pages`` has the words for each, such as ``page 2 of 4``."""
    order = in_order(diagnosis)
    for start, page in zip(range(0, len(order), rows_per_page), pages, strict=True):
        yield _page(diagnosis, order[start:start + rows_per_page], len(order), cmap, dpi, page)


class _Layout:
    """Left ends and widths of a page's columns, inches; the same on every page of a diagnosis."""

    def __init__(self, diagnosis: Diagnosis) -> None:
        width, height = np.median(sizes(diagnosis.boxes.detections.boxes).clip(1), 0)
        self.crop = PANEL * float(np.clip(width / height, *ASPECTS))
        self.maps = diagnosis.boxes.edges is not None and diagnosis.boxes.edges.maps is not None
        self.heat = MARGIN + self.crop + GAP
        self.edges = self.heat + self.crop + GROUP_GAP
        self.numbers = edge_errors_width(diagnosis)
        self.worst = self.edges + self.numbers + GROUP_GAP
        self.width = (self.worst + self.crop if self.maps else self.edges + self.numbers) + MARGIN


def _page(diagnosis: Diagnosis, members: Sequence[int], shown: int, cmap: str, dpi: float, page: str) -> Figure:
    layout = _Layout(diagnosis)
    heights = [_height(diagnosis, box, layout) for box in members]
    sheet = Sheet(layout.width, HEADER + TITLES + sum(heights), dpi)
    rest = len(diagnosis) - shown
    other = "" if shown == MOST_ROWS else ", correct or ignored,"
    draw_title(sheet, diagnosis, f"{rest} more boxes{other} are not shown" if rest else "", page)
    _titles(sheet, diagnosis, layout, cmap)
    y = HEADER + TITLES
    for box, height in zip(members, heights, strict=True):
        if box != members[0]:
            sheet.line((MARGIN, layout.width - MARGIN), (y - 0.15, y - 0.15))
        _row(sheet, diagnosis, box, layout, y, cmap)
        y += height
    return sheet.figure


def _titles(sheet: Sheet, diagnosis: Diagnosis, layout: _Layout, cmap: str) -> None:
    y = HEADER - 0.05
    sheet.line((MARGIN, layout.width - MARGIN), (y, y), width=1.2)
    y += 0.12
    sheet.write(MARGIN, y, "the box", 9.5, bold=True)
    for line, words in enumerate(("solid: detected,", "in its type's colour", "dashed: the true box")):
        note(sheet, MARGIN, y + 0.19 + line * line_height(8.5), words)
    maps = diagnosis.boxes.maps[0]
    sheet.write(layout.heat, y, shorten(f"its heat: {maps.method}", layout.crop, 9.5, True), 9.5, bold=True)
    draw_key(sheet, key_of(cmap, maps.sign_meanings), layout.heat, y + 0.27, layout.crop)
    note(sheet, layout.heat, y + 0.66, "each box has its own scale")
    if has_marks(diagnosis):
        note(sheet, layout.heat, y + 0.66 + line_height(8.5), "green: flagged region")
    edge_error_titles(sheet, diagnosis, layout.edges, y)
    about = "%: of the true width or height; grey: within 10 %."
    if diagnosis.boxes.edges is not None:
        rank = "Reference" if diagnosis.boxes.percentiles is None else "Rank"
        about += (f" {spread_words(diagnosis)} Evidence: sum of |gradient \u00d7 activation| for this edge. "
                  f"{rank}: {reference_words(diagnosis.boxes)}")
    for line, words in enumerate(wrap(about, layout.numbers, 8.5)):
        note(sheet, layout.edges, y + 0.4 + line * line_height(8.5), words)
    if layout.maps:
        sheet.write(layout.worst, y, "what moves the worst edge", 9.5, bold=True)
        draw_key(sheet, Key(bar("", signed=True), ("left, up", "0", "right, down")), layout.worst, y + 0.27,
                 layout.crop)
        note(sheet, layout.worst, y + 0.66, "thick: that edge; own scale")


def _sentences(diagnosis: Diagnosis, box: int, layout: _Layout) -> list[str]:
    return wrap(" ".join(sentences_of(diagnosis, box)), layout.width - 2 * MARGIN, SIZE)


def _height(diagnosis: Diagnosis, box: int, layout: _Layout) -> float:
    return CAPTION + line_height(SIZE) * len(_sentences(diagnosis, box, layout)) + 0.1 + PANEL + BELOW


def _row(sheet: Sheet, diagnosis: Diagnosis, box: int, layout: _Layout, y: float, cmap: str) -> None:
    """Draw a box in question: its caption, its sentences, and its pictures."""
    _caption(sheet, diagnosis, box, layout, y)
    y = sheet.paragraph(MARGIN, y + CAPTION, _sentences(diagnosis, box, layout), SIZE) + 0.1
    detection, true = int(diagnosis.evaluated[box]), diagnosis.truth_of(box)
    detected, colour = diagnosis.detections.boxes[detection], colour_of_type(diagnosis, detection)
    true_box = diagnosis.truth.boxes[true] if true >= 0 else None
    crop = region_of(diagnosis, [detected] if true_box is None else [detected, true_box], layout.crop / PANEL)
    cell = at_left(crop, (MARGIN, y, layout.crop, PANEL))
    axes = sheet.photograph(pixels(diagnosis.image, crop, sheet.size(cell)), crop, cell)
    outline(axes, detected, crop, colour, 2.6)
    if true_box is not None:
        dashed_outline(axes, true_box, TRUE_BOX, 0.9)  # thinner: the box is seen where the two agree
    _heat(sheet, diagnosis, box, crop, (layout.heat, y, layout.crop, PANEL), cmap)
    draw_edge_errors(sheet, diagnosis, box, (layout.edges, y, layout.numbers, PANEL))
    if layout.maps and true_box is not None:
        _worst(sheet, diagnosis, box, crop, (layout.worst, y, layout.crop, PANEL), colour)


def _caption(sheet: Sheet, diagnosis: Diagnosis, box: int, layout: _Layout, y: float) -> None:
    i = int(diagnosis.evaluated[box])
    x = MARGIN + paper_badge(sheet, MARGIN, y, badge_of(diagnosis, i), colour_of_type(diagnosis, i)) + 0.12
    detections, overlap = diagnosis.detections, diagnosis.assignment.overlap[i]
    name = shorten(diagnosis.boxes.class_name(int(detections.labels[i])), layout.width / 4, 11, True)
    words = f"{name} {detections.scores[i]:.2f}: {type_words(diagnosis.type_of(box))}"
    sheet.write(x, y + 0.12, words, 11, bold=True, va="center_baseline")
    x += width_of(words, 11, True) + 0.3
    x1, y1, x2, y2 = detections.boxes[i]
    about = f"{x2 - x1:.0f} by {y2 - y1:.0f} px" + (f"   ·   IoU with the true box {overlap:.2f}" if overlap else "")
    sheet.write(x, y + 0.12, shorten(about, layout.width - MARGIN - x, 8.5), 8.5, colour=MUTED,
                va="center_baseline")


def _heat(sheet: Sheet, diagnosis: Diagnosis, box: int, crop: Region, cell: tuple[float, float, float, float],
          cmap: str) -> None:
    heatmap, place = diagnosis.boxes.maps[0].heatmaps[box], at_left(crop, cell)
    axes = draw_heat(sheet, pixels(diagnosis.image, crop, sheet.size(place)), heatmap, crop, place, top_of(heatmap),
                     cmap, diagnosis.boxes.detections.boxes[box])
    mark_patterns(axes, diagnosis, box, crop)


def _worst(sheet: Sheet, diagnosis: Diagnosis, box: int, crop: Region, cell: tuple[float, float, float, float],
           colour: str) -> None:
    """Draw the signed map of the worst edge, with the true box."""
    edges, worst = diagnosis.boxes.edges, diagnosis.worst_edge(box)
    if worst is None:
        return
    assert edges is not None
    assert edges.maps is not None
    column, place = EDGES.index(worst), at_left(crop, cell)
    heatmap = edges.maps[box][column]
    drawn = np.abs(np.nan_to_num(heat_in(heatmap, crop, sheet.size(place))))
    axes = draw_edge_map(sheet, diagnosis.boxes, box, column, heatmap, float(np.percentile(drawn, TOP)), crop, place,
                         colour)
    dashed_outline(axes, diagnosis.truth.boxes[diagnosis.truth_of(box)], TRUE_BOX, zorder=4)


def box_figure(diagnosis: Diagnosis, box: int, cmap: str, dpi: float) -> Figure:
    """The row of a box in question below the columns' titles; ``box`` is its index among ``diagnosis.boxes``."""
    return _page(diagnosis, [box], len(diagnosis), cmap, dpi, "")
