"""Figures as PNG files: written whole or not at all, and marked, so that other files are never removed."""

import os
from collections.abc import Iterable
from io import BytesIO
from pathlib import Path
from typing import BinaryIO
from uuid import uuid4

from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from PIL import Image as PilImage

from detcam.errors import OutputError

DPI = 110.0  # a page with one method is about 1500 pixels wide
SOFTWARE = "detcam"


def write_pages(pages: Iterable[Figure], stem: Path, title: str) -> list[Path]:
    """Write pages as ``<stem>.png``, ``<stem>.2.png`` and so on; and remove further ones that an earlier run left.

    Args:
        pages: of one photograph, drawn one by one.
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


def png_bytes(figure: Figure) -> bytes:
    """A figure as the bytes of a PNG file."""
    figure_png(figure, drawn := BytesIO())
    return drawn.getvalue()


def _latin(text: str) -> str:
    """The text as a PNG can hold it, other characters written as ``\\uXXXX``."""
    return text.encode("latin-1", "backslashreplace").decode("latin-1")


def _page_path(stem: Path, number: int) -> Path:
    return stem.with_name(f"{stem.name}.png" if number == 1 else f"{stem.name}.{number}.png")


def is_own(path: Path, title: str) -> bool:
    """Whether detcam drew this PNG of the photograph called ``title``, by the text stored in it."""
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
