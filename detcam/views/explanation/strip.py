"""One detection and many maps of it: its crop, then a picture a map, row after row on one page."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.figure import Figure

from detcam.attribution.heatmap import Heatmap
from detcam.explanations.explanation import Explanation
from detcam.measures.shares import shares
from detcam.views.explanation.numbers import percent
from detcam.views.page.colours import INK, MUTED, REGION_COLOURS, TRACK
from detcam.views.page.crop import Region, around, pixels
from detcam.views.page.draw_heat import draw_heat
from detcam.views.page.layout import CROP_ASPECTS, MARGIN
from detcam.views.page.legend import Key, draw_key, key_of
from detcam.views.page.lettering import shorten, wrap
from detcam.views.page.scale import status_of
from detcam.views.page.sheet import Place, Sheet, fitted, line_height, outline

PANEL = 2.2  # height of a picture at most, inches
GAP = 0.2  # between two pictures
ABOVE, BELOW = 0.42, 0.5  # room for words above and below a picture
TOP = 1.05  # the header
LEGEND = 0.72  # and a line more for every line of words above three
WIDEST = 14.5  # of a page
KEY = 1.8  # width of the colour scale
BAR, SHARE = 0.13, 0.95  # height of the bar of the share inside, and room for its number
PERCENTILE = 99.5  # of a map's heat at full colour: single cells of a fine layer would set the scale
SIZE = 8.5
SCALE_WORDS = (f"100 % is the {PERCENTILE:g}th percentile of its values, written below it. Green: the share of the "
               "heat inside the box.")


@dataclass(frozen=True)
class Picture:
    """One map of the detection.

    Attributes:
        heatmap: the map.
        title: bold, above the picture.
        note: below the title.
        corner: below the picture, at the right.
    """

    heatmap: Heatmap
    title: str
    note: str
    corner: str = ""


@dataclass(frozen=True)
class Words:
    """The words of a page.

    Attributes:
        title: after the detection's number, class and score.
        facts: the line below the title.
        legend: paragraphs beside the colour scale.
        sign_meanings: the words for negative and for positive values, where both are shown.
    """

    title: str
    facts: tuple[str, ...]
    legend: tuple[str, ...]
    sign_meanings: tuple[str, str] | None = None


def strip_figure(explanation: Explanation, index: int, pictures: Sequence[Picture], words: Words, cmap: str,
                 dpi: float) -> Figure:
    """One detection and its pictures on one page.

    Args:
        explanation: one photograph's.
        index: of the detection.
        pictures: in reading order, after the photograph.
        words: of the page.
        cmap: a Matplotlib colour map for the heat.
        dpi: pixels an inch.
    """
    crop = around(explanation.detections.boxes[index], explanation.image, _aspect(explanation, index))
    width, height = fitted(crop, (0, 0, PANEL * CROP_ASPECTS[1], PANEL))[2:]
    across = _columns(len(pictures) + 1, width)
    down = -(-(len(pictures) + 1) // across)
    page = max(2 * MARGIN + across * (width + GAP) - GAP, 7.0)
    legend = [line for paragraph in words.legend for line in wrap(paragraph, page - 2 * MARGIN - KEY - 0.3, SIZE)]
    below = LEGEND + line_height(SIZE) * max(len(legend) - 3, 0)
    sheet = Sheet(page, TOP + down * (ABOVE + height + BELOW) + below, dpi)
    _header(sheet, explanation, index, words)
    for place, picture in zip(_places(len(pictures) + 1, across, width, height), [None, *pictures], strict=True):
        if picture is None:
            _photograph(sheet, explanation, index, crop, place)
        else:
            _draw(sheet, explanation, index, picture, crop, cmap, place)
    _legend(sheet, key_of(cmap, words.sign_meanings), legend, sheet.height - below)
    return sheet.figure


def _aspect(explanation: Explanation, index: int) -> float:
    x1, y1, x2, y2 = explanation.detections.boxes[index]
    return float(np.clip(max(x2 - x1, 1) / max(y2 - y1, 1), *CROP_ASPECTS))


def _columns(count: int, width: float) -> int:
    """The number of pictures in a row: as many as fit, or fewer where the rows then have equal lengths."""
    most = max(1, int((WIDEST - 2 * MARGIN + GAP) / (width + GAP)))
    return -(-count // -(-count // most))


def _places(count: int, across: int, width: float, height: float) -> Iterator[Place]:
    for number in range(count):
        row, column = divmod(number, across)
        yield MARGIN + column * (width + GAP), TOP + row * (ABOVE + height + BELOW) + ABOVE, width, height


def _header(sheet: Sheet, explanation: Explanation, index: int, words: Words) -> None:
    found, room = explanation.detections, sheet.width - 2 * MARGIN
    title = (f"{explanation.numbered[index]}  {explanation.class_name(int(found.labels[index]))} "
             f"{found.scores[index]:.2f}: {words.title}")
    sheet.write(MARGIN, 0.28, shorten(title, room, 15, True), 15, bold=True)
    sheet.write(MARGIN, 0.6, shorten("   ·   ".join(words.facts), room, 9.5), 9.5, colour=MUTED)


def _photograph(sheet: Sheet, explanation: Explanation, index: int, crop: Region, cell: Place) -> None:
    place = fitted(crop, cell)
    axes = sheet.photograph(pixels(explanation.image, crop, sheet.size(place)), crop, place)
    outline(axes, explanation.detections.boxes[index], crop)
    sheet.write(place[0], cell[1] - ABOVE, "detected box", 9.5, bold=True)
    sheet.write(place[0], cell[1] - ABOVE + line_height(9.5), "with context", SIZE, colour=MUTED)


def _draw(sheet: Sheet, explanation: Explanation, index: int, picture: Picture, crop: Region, cmap: str,
          cell: Place) -> None:
    """Draw a map on the crop, its name above, and its share inside the box below."""
    place = fitted(crop, cell)
    top = 0.0 if status_of(picture.heatmap) else _top(picture.heatmap)
    draw_heat(sheet, pixels(explanation.image, crop, sheet.size(place)), picture.heatmap, crop, place, top, cmap,
              explanation.detections.boxes[index])
    x, y, width, _ = cell
    sheet.write(x, y - ABOVE, shorten(picture.title, width, 9.5, True), 9.5, bold=True)
    sheet.write(x, y - ABOVE + line_height(9.5), shorten(picture.note, width, SIZE), SIZE, colour=MUTED)
    _share(sheet, explanation, index, picture, cell)


def _top(heatmap: Heatmap) -> float:
    """The raw value of full colour."""
    heat = heatmap.heat
    return float(np.percentile(heat[heat > 0], PERCENTILE))


def _share(sheet: Sheet, explanation: Explanation, index: int, picture: Picture, cell: Place) -> None:
    """Draw the share inside the box as a bar, the raw value of full colour, and the words in the corner."""
    x, y, width, height = cell
    inside = shares([picture.heatmap], explanation.detections.boxes[[index]])[0].inside
    y += height + 0.07
    track = width - SHARE
    sheet.fill((x, y, track, BAR), TRACK)
    if np.isfinite(inside):
        sheet.fill((x, y, track * min(inside, 1), BAR), REGION_COLOURS["inside"])
    sheet.write(x + width, y + BAR / 2, f"{percent(inside)} inside", 9, bold=True, ha="right", va="center")
    y += BAR + 0.05
    if status_of(picture.heatmap) is None:
        sheet.write(x, y, f"100 % = {_top(picture.heatmap):.2g}", 7.5, colour=MUTED)
    sheet.write(x + width, y, picture.corner, 7.5, colour=MUTED, ha="right")


def _legend(sheet: Sheet, key: Key, lines: Sequence[str], y: float) -> None:
    draw_key(sheet, key, MARGIN, y + 0.04, KEY)
    sheet.paragraph(MARGIN + KEY + 0.3, y, list(lines), SIZE, colour=INK)
