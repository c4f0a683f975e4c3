"""A figure per photograph: its numbered boxes, then one row a detection, the box beside its own heatmaps."""

import os
from collections.abc import Iterable, Iterator
from io import BytesIO
from pathlib import Path
from typing import BinaryIO
from uuid import uuid4

from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from PIL import Image as PilImage

from detcam.errors import InputError, OutputError
from detcam.explanation import Explanation
from detcam.views.class_row import ClassRows
from detcam.views.colours import HEAT, MUTED, colour_map
from detcam.views.layout import GAP, HEADER, LABELS, MARGIN, TITLES, Layout, layout_of
from detcam.views.lettering import shorten
from detcam.views.overview import draw_header, draw_overview, overview_height
from detcam.views.row import Rows
from detcam.views.scale import BOX, Scale, scale_of
from detcam.views.sheet import Sheet

DPI = 110.0  # a page with one method is about 1500 pixels wide
ROWS_PER_PAGE = 6
MOST_ROWS = 60  # detections with a row of their own: about a second of drawing for six
BETWEEN = 0.3  # inches between the overview and the rows
SOFTWARE = "detcam"


def figures(explanation: Explanation, *, rows_per_page: int = ROWS_PER_PAGE, scale: str = BOX, cmap: str = HEAT,
            dpi: float = DPI) -> list[Figure]:
    """An explanation as pages, each a Matplotlib figure on its own Agg canvas.

    Only the first 60 detections get a row; ``explanation[60:]`` has the next.

    Args:
        explanation: one photograph's.
        rows_per_page: detections on a page at most.
        scale: full colour is each ``"box"``'s own maximum, or one that is ``"shared"`` by all boxes of a method.
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
        path_stem: the folder, which must exist, and the name without its ending.
        rows_per_page, scale, cmap, dpi: as :func:`figures` takes them.

    Raises:
        InputError: an argument is not what was expected.
        OutputError: a page cannot be written.
    """
    return write_pages(_pages(explanation, rows_per_page, scale, cmap, dpi), Path(path_stem), explanation.image.name)


def write_pages(pages: Iterable[Figure], stem: Path, title: str) -> list[Path]:
    """Write pages as ``<stem>.png``, ``<stem>.2.png`` and so on; more of them that an earlier run left behind go.

    Args:
        pages: of one photograph, drawn as they are needed.
        stem: the folder, which must exist, and the name without its ending.
        title: the photograph's name.

    Raises:
        OutputError: a page cannot be written.
    """
    written = []
    for number, figure in enumerate(pages, 1):
        path = _page_path(stem, number)
        write_figure(figure, path, title)
        written.append(path)
    _remove_left_over(stem, len(written) + 1, title)
    return written


def write_figure(figure: Figure, path: Path, title: str = "") -> None:
    """Write a figure as PNG: under a temporary name first, then in one step under its own.

    Raises:
        OutputError: it cannot be written; nothing of it is left behind.
    """
    temporary = path.with_name(f".{uuid4().hex[:12]}.part")  # not longer than a file name that the system allows
    drawn = BytesIO()
    figure_png(figure, drawn, title)
    try:
        try:
            temporary.write_bytes(drawn.getbuffer())
            os.replace(temporary, path)
        finally:
            temporary.unlink(missing_ok=True)
    except OSError as error:
        raise OutputError(f"{path}: cannot be written ({error.strerror or error})") from error


def figure_png(figure: Figure, target: BinaryIO, title: str = "") -> None:
    """Draw a figure as PNG, whatever the user's Matplotlib settings say about saving."""
    canvas = figure.canvas
    assert isinstance(canvas, FigureCanvasAgg)
    canvas.print_png(target, metadata={"Software": SOFTWARE, "Title": _latin(title)})


def _latin(text: str) -> str:
    """What fits into a PNG's text, the rest written as ``\\uXXXX``."""
    return text.encode("latin-1", "backslashreplace").decode("latin-1")


def _page_path(stem: Path, number: int) -> Path:
    return stem.with_name(f"{stem.name}.png" if number == 1 else f"{stem.name}.{number}.png")


def is_own(path: Path, title: str) -> bool:
    """Whether detcam drew this PNG of the photograph called ``title``, told by what is written in it."""
    try:
        with PilImage.open(path) as opened:
            return opened.info.get("Software") == SOFTWARE and opened.info.get("Title") == _latin(title)
    except OSError:
        return False


def _remove_left_over(stem: Path, number: int, title: str) -> None:
    """Remove this photograph's pages from ``number`` on."""
    while (path := _page_path(stem, number)).is_file() and is_own(path, title):
        try:
            path.unlink()
        except OSError:
            return
        number += 1


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
    """What each column shows."""
    sheet.line((MARGIN, layout.width - MARGIN), (y, y), width=1.2)
    y += 0.12
    first = ("what it sees", "of the photograph") if explanation.classified else (
        "best row" if explanation.verdicts else "detected box", "with context")
    sheet.write(MARGIN, y, first[0], 9.5, bold=True)
    sheet.write(MARGIN, y + 0.19, first[1], 8.5, colour=MUTED)
    for maps, x in zip(explanation.maps, layout.pairs, strict=True):
        target = "" if maps.target == "logit" else f", target {maps.target}"
        sheet.write(x, y, shorten(maps.method + target, layout.crop + layout.whole, 9.5, True), 9.5, bold=True)
        own, words = "on the box", "on the whole photograph" if layout.whole > 1.6 else "whole"
        if explanation.classified:
            own, words = "the heat alone", "over the picture"
        sheet.write(x, y + 0.19, own, 8.5, colour=MUTED)
        sheet.write(x + layout.crop + GAP, y + 0.19, words, 8.5, colour=MUTED)
    if not explanation.classified:
        _number_titles(sheet, explanation, layout, y)


def _number_titles(sheet: Sheet, explanation: Explanation, layout: Layout, y: float) -> None:
    sheet.write(layout.numbers, y, "where the heat lies", 9.5, bold=True)
    for index, maps in enumerate(explanation.maps):
        name = "share of it" if len(explanation.maps) == 1 else maps.method
        sheet.write(layout.numbers + LABELS + index * layout.bar, y + 0.19, shorten(name, layout.bar - 0.08, 8.5), 8.5,
                    colour=MUTED)
    sheet.write(layout.edges, y, "what each edge rests on", 9.5, bold=True)
    if explanation.edges is not None:
        sheet.write(layout.edges, y + 0.19, "evidence over width or height", 8.5, colour=MUTED)
