"""A figure per photograph: its numbered boxes, then a row a detection, each box beside its own heatmaps."""

from collections.abc import Iterator
from pathlib import Path

from matplotlib.figure import Figure

from detcam.errors import InputError
from detcam.explanations.explanation import Explanation
from detcam.views.explanation.class_row import ClassRows
from detcam.views.explanation.overview import draw_header, draw_overview, overview_height
from detcam.views.explanation.row import Rows
from detcam.views.page.colours import HEAT, MUTED, colour_map
from detcam.views.page.layout import GAP, HEADER, LABELS, MARGIN, TITLES, Layout, layout_of
from detcam.views.page.lettering import shorten
from detcam.views.page.png import DPI, write_pages
from detcam.views.page.scale import BOX, Scale, scale_of
from detcam.views.page.sheet import Sheet

ROWS_PER_PAGE = 6
MOST_ROWS = 60  # detections with a row of their own: about a second of drawing for six
BETWEEN = 0.3  # inches between the overview and the rows


def figures(explanation: Explanation, *, rows_per_page: int = ROWS_PER_PAGE, scale: str = BOX, cmap: str = HEAT,
            dpi: float = DPI) -> list[Figure]:
    """An explanation as pages, each a Matplotlib figure on its own Agg canvas.

    Only the first 60 detections get a row; ``explanation[60:]`` has the next.

    Args:
        explanation: one photograph's.
        rows_per_page: detections on a page at most.
        scale: ``"box"``: each box has its own scale; ``"shared"``: all boxes of a method have one.
        cmap: a Matplotlib colour map for the heat.
        dpi: pixels an inch.

    Raises:
        InputError: an argument is not what was expected.
    """
    return list(_pages(explanation, rows_per_page, scale, cmap, dpi))


def first_figure(explanation: Explanation, *, rows_per_page: int = ROWS_PER_PAGE, scale: str = BOX, cmap: str = HEAT,
                 dpi: float = DPI) -> Figure:
    """The first of the pages of :func:`figures`."""
    return next(_pages(explanation, rows_per_page, scale, cmap, dpi))


def save_figures(explanation: Explanation, path_stem: str | Path, *, rows_per_page: int = ROWS_PER_PAGE,
                 scale: str = BOX, cmap: str = HEAT, dpi: float = DPI) -> list[Path]:
    """Write the pages as ``<stem>.png``, ``<stem>.2.png`` and so on, each whole or not at all.

    Pages that an earlier, longer figure of the same photograph left behind under these names are removed.

    Args:
        explanation: one photograph's.
        path_stem: the folder, which must exist, and the file name without its ending.
        rows_per_page: detections on a page at most.
        scale: ``"box"``: each box has its own scale; ``"shared"``: all boxes of a method have one.
        cmap: a Matplotlib colour map for the heat.
        dpi: pixels an inch.

    Raises:
        InputError: an argument is not what was expected.
        OutputError: a page cannot be written.
    """
    return write_pages(_pages(explanation, rows_per_page, scale, cmap, dpi), Path(path_stem), explanation.image.name)


def _pages(explanation: Explanation, rows_per_page: int, scale: str, cmap: str, dpi: float) -> Iterator[Figure]:
    if rows_per_page < 1:
        raise InputError(f"rows_per_page {rows_per_page}: expected at least 1")
    if not dpi > 0:
        raise InputError(f"dpi {dpi}: expected a positive number")
    colour_map(cmap)
    full, layout = scale_of(explanation, scale), layout_of(explanation)
    most = min(len(explanation), MOST_ROWS)
    count = max(1, -(-most // rows_per_page))
    rows = (ClassRows if explanation.classified else Rows)(explanation, layout, full, cmap)
    for page in range(count):
        members = range(page * rows_per_page, min((page + 1) * rows_per_page, most))
        words = f"page {page + 1} of {count}" if count > 1 else ""
        words += f", the first {most} of {len(explanation)} boxes" if most < len(explanation) else ""
        yield _page(explanation, rows, members, full, layout, cmap, dpi, words)


def _page(explanation: Explanation, rows: Rows, members: range, scale: Scale, layout: Layout, cmap: str, dpi: float,
          words: str) -> Figure:
    again = bool(members) and members.start > 0
    top = HEADER + overview_height(explanation, layout, scale, again) + BETWEEN
    height = top + (TITLES + sum(map(rows.height, members)) if members else 0.1)
    sheet = Sheet(layout.width, height, dpi)
    draw_header(sheet, explanation, words)
    draw_overview(sheet, explanation, layout, scale, cmap, members if again else range(len(explanation)), again)
    if members:
        _titles(sheet, explanation, layout, top)
    y = top + TITLES
    for index in members:
        if index != members.start:
            sheet.line((MARGIN, layout.width - MARGIN), (y - 0.15, y - 0.15))
        rows.draw(sheet, index, y)
        y += rows.height(index)
    return sheet.figure


def _titles(sheet: Sheet, explanation: Explanation, layout: Layout, y: float) -> None:
    """Write what each column shows."""
    sheet.line((MARGIN, layout.width - MARGIN), (y, y), width=1.2)
    y += 0.12
    first = ("classifier input", "part of the photograph") if explanation.classified else (
        "best row" if explanation.verdicts else "detected box", "with context")
    sheet.write(MARGIN, y, first[0], 9.5, bold=True)
    sheet.write(MARGIN, y + 0.19, first[1], 8.5, colour=MUTED)
    for maps, x in zip(explanation.maps, layout.pairs, strict=True):
        target = "" if maps.target == "logit" else f", target {maps.target}"
        sheet.write(x, y, shorten(maps.method + target, layout.crop + layout.whole, 9.5, True), 9.5, bold=True)
        crop, words = "on the box", "on the whole photograph" if layout.whole > 1.6 else "whole"
        if explanation.classified:
            crop, words = "heat alone", "over the input"
        sheet.write(x, y + 0.19, crop, 8.5, colour=MUTED)
        sheet.write(x + layout.crop + GAP, y + 0.19, words, 8.5, colour=MUTED)
    if not explanation.classified:
        _number_titles(sheet, explanation, layout, y)


def _number_titles(sheet: Sheet, explanation: Explanation, layout: Layout, y: float) -> None:
    sheet.write(layout.numbers, y, "where the heat lies", 9.5, bold=True)
    for index, maps in enumerate(explanation.maps):
        name = "share of the heat" if len(explanation.maps) == 1 else maps.method
        sheet.write(layout.numbers + LABELS + index * layout.bar, y + 0.19, shorten(name, layout.bar - 0.08, 8.5), 8.5,
                    colour=MUTED)
    sheet.write(layout.edges, y, "evidence on each edge", 9.5, bold=True)
    if explanation.edges is not None:
        sheet.write(layout.edges, y + 0.19, "over the box's width or height", 8.5, colour=MUTED)
