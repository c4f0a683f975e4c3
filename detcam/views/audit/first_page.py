"""The contact sheet of an audit: the detections to inspect first, each beside its heat."""

from collections.abc import Iterable
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from detcam.audits.first_to_inspect import DetectionToInspect
from detcam.diagnosis.error_types import TYPES
from detcam.diagnosis.sentences.detections import edge_sentence
from detcam.imaging.boxes import EDGES, edge_lengths
from detcam.views.diagnosis.common import TRUE_BOX
from detcam.views.page.badges import paper_badge
from detcam.views.page.colours import HEAT, MUTED, TRACK, TYPE_COLOURS
from detcam.views.page.crop import around, pixels
from detcam.views.page.draw_heat import draw_heat
from detcam.views.page.layout import GROUP_GAP, MARGIN
from detcam.views.page.lettering import shorten, width_of, wrap
from detcam.views.page.png import DPI
from detcam.views.page.scale import top_of
from detcam.views.page.sheet import Place, Sheet, dashed_outline, file_name, line_height, outline

ACROSS = 3  # detections in a row
PICTURE = 1.9, 2.1  # width and height of a picture, inches
BETWEEN = 0.08  # a crop and its heat
WORDS = 0.7  # inches: the lines above the pictures
BELOW = 0.32
TOP = 1.0  # the page's title
SIZE = 8.5


def first_figure(found: Iterable[DetectionToInspect], count: int, cmap: str = HEAT, dpi: float = DPI) -> Figure:
    """The contact sheet of the detections to inspect first.

    Args:
        found: the detections in order, of which one is in memory at a time.
        count: number of detections.
        cmap: a Matplotlib colour map for the heat.
        dpi: pixels an inch.
    """
    cell = 2 * PICTURE[0] + BETWEEN
    rows = -(-count // ACROSS)
    height = WORDS + PICTURE[1] + BELOW
    sheet = Sheet(2 * MARGIN + ACROSS * (cell + GROUP_GAP) - GROUP_GAP, TOP + rows * height, dpi)
    sheet.write(MARGIN, 0.28, "Inspect first: confident and wrong", 15, bold=True)
    words = ("The worst of each type of error in turn, by score times (1 - IoU). Left: the box in its type's colour, "
             "the true box white dashed. Right: its heat, full colour at its own maximum.")
    sheet.write(MARGIN, 0.62, shorten(words, sheet.width - 2 * MARGIN, SIZE), SIZE, colour=MUTED)
    for i, detection in enumerate(found):
        x = MARGIN + (i % ACROSS) * (cell + GROUP_GAP)
        _detection(sheet, detection, x, TOP + (i // ACROSS) * height, cell, cmap)
    return sheet.figure


def edge_words(row: dict[str, Any]) -> str:
    """The worst edge of a box and its error; without a true box, that there is none."""
    if row["worst_edge"] is None or row["true_x1"] is None:
        return "no true box of its class"
    length = float(edge_lengths(_true_box(row))[EDGES.index(row["worst_edge"])])
    return edge_sentence(row["worst_edge"], row["worst_error"] * length, row["worst_error"]).removesuffix(".")


def _true_box(row: dict[str, Any]) -> NDArray[np.float64]:
    return np.array([row[f"true_{name}"] for name in ("x1", "y1", "x2", "y2")], float)


def _detection(sheet: Sheet, found: DetectionToInspect, x: float, y: float, width: float, cmap: str) -> None:
    """Draw one detection, its top left corner at ``(x, y)`` inches: three lines of words, the crop and its heat."""
    row, colour = found.row, TYPE_COLOURS[found.row["type"]]
    badge = paper_badge(sheet, x, y, f"{row['number']} {TYPES[row['type']].short_name}", colour) + 0.12
    words = shorten(f"{row['class_name']} {row['score']:.2f}: {row['type']}", width - badge, 10.5, True)
    sheet.write(x + badge, y + 0.12, words, 10.5, bold=True, va="center_baseline")
    rest = width - badge - width_of(words, 10.5, True) - 0.15
    overlap = f"IoU {row['iou'] or 0:.2f}"
    if rest > width_of(overlap, SIZE):
        sheet.write(x + width, y + 0.12, overlap, SIZE, colour=MUTED, ha="right", va="center_baseline")
    sheet.write(x, y + 0.3, shorten(edge_words(row), width, SIZE), SIZE)
    sheet.write(x, y + 0.3 + line_height(SIZE), shorten(file_name(row["photograph"]), width, SIZE), SIZE, colour=MUTED)
    _pictures(sheet, found, (x, y + WORDS, *PICTURE), cmap)


def _pictures(sheet: Sheet, found: DetectionToInspect, cell: Place, cmap: str) -> None:
    """Draw the crop with the boxes and, if it was saved, the heat on it; else what is lacking."""
    x, y, width, height = cell
    beside = (x + width + BETWEEN, y, width, height)
    if found.image is None:
        _lacking(sheet, (x, y, 2 * width + BETWEEN, height), found.lacking)
        return
    row = found.row
    box = np.array([row[name] for name in ("x1", "y1", "x2", "y2")], float)
    true = None if row["true_x1"] is None else _true_box(row)
    both = box if true is None else np.concatenate([np.minimum(box, true)[:2], np.maximum(box, true)[2:]])
    region = around(both, found.image, width / height)
    scale = min(width / region.width, height / region.height)
    size = scale * region.width, scale * region.height
    place = (x, y, *size)
    rgb = pixels(found.image, region, sheet.size(place))
    axes = sheet.photograph(rgb, region, place)
    outline(axes, box, region, TYPE_COLOURS[row["type"]], 2.2)
    if true is not None:
        dashed_outline(axes, true, TRUE_BOX, 0.9)
    if found.heatmap is not None:
        right = (x + size[0] + BETWEEN, y, *size)
        draw_heat(sheet, rgb, found.heatmap, region, right, top_of(found.heatmap), cmap, box)
    elif found.lacking:
        _lacking(sheet, beside, found.lacking)


def _lacking(sheet: Sheet, place: Place, words: str) -> None:
    """Draw a grey panel with the words for a picture that is not there."""
    x, y, width, height = place
    sheet.fill(place, TRACK)
    lines = wrap(words, width - 0.2, SIZE)
    sheet.paragraph(x + 0.1, y + height / 2 - line_height(SIZE) * len(lines) / 2, lines, SIZE, colour=MUTED)
