"""Pages of missed objects: the row that speaks for each, what took its place, and the difference of the two."""

from collections.abc import Iterator, Sequence

import numpy as np
from matplotlib.figure import Figure

from detcam.attribution.heatmap import Heatmap
from detcam.diagnosis.diagnosis_data import MissedObject
from detcam.diagnosis.error_types import MISSED
from detcam.diagnosis.result import Diagnosis
from detcam.diagnosis.sentences.detections import sentences_of_missed
from detcam.explanations.explanation import Explanation
from detcam.imaging.boxes import sizes
from detcam.verdicts.verdict import decimals
from detcam.views.diagnosis.common import at_left, colour_of_number, draw_title, note, region_of
from detcam.views.page.badges import paper_badge
from detcam.views.page.colours import MUTED, TYPE_COLOURS
from detcam.views.page.crop import Region, pixels
from detcam.views.page.draw_heat import draw_heat
from detcam.views.page.layout import BELOW, CAPTION, GAP, HEADER, MARGIN, PANEL
from detcam.views.page.legend import draw_key, key_of
from detcam.views.page.lettering import shorten, width_of, wrap
from detcam.views.page.scale import top_of
from detcam.views.page.sheet import Place, Sheet, dashed_outline, line_height, outline

MOST_ROWS = 60  # as many objects get a row at most
TITLES = 1.3  # inches: the columns' titles with the scales of the colours
NAMES = 0.24  # inches: the words above a picture
SIZE = 10.5  # of the sentences, points
ASPECTS = 1.0, 1.3  # width over height of a picture: the words above it fit
COLOUR = TYPE_COLOURS[MISSED.name]
POLES = "for the other row", "for the lost row"


def missed_pages(diagnosis: Diagnosis, rows_per_page: int, cmap: str, dpi: float, pages: Sequence[str]
                 ) -> Iterator[Figure]:
    """The missed objects, a page after the other, each with its words for ``page 2 of 4``."""
    shown = range(min(len(diagnosis.missed), MOST_ROWS))
    for start, page in zip(range(0, len(shown), rows_per_page), pages, strict=True):
        yield _page(diagnosis, shown[start:start + rows_per_page], len(shown), cmap, dpi, page)


def _width(diagnosis: Diagnosis) -> float:
    """Of each of the four pictures in a row, inches."""
    true = diagnosis.truth.boxes[[each.truth for each in diagnosis.missed]]
    width, height = np.median(sizes(true).clip(1), 0)
    return PANEL * float(np.clip(width / height, *ASPECTS))


def _column(width: float, column: int) -> float:
    return MARGIN + column * (width + 2 * GAP)


def _page(diagnosis: Diagnosis, members: Sequence[int], shown: int, cmap: str, dpi: float, page: str) -> Figure:
    width = _width(diagnosis)
    across = _column(width, 4) - 2 * GAP + MARGIN
    heights = [_height(diagnosis, k, across) for k in members]
    sheet = Sheet(across, HEADER + TITLES + sum(heights), dpi)
    rest = len(diagnosis.missed) - shown
    draw_title(sheet, diagnosis, "missed objects" + (f", the first {shown}" if rest else ""), page)
    _titles(sheet, diagnosis, width, cmap)
    y = HEADER + TITLES
    for k, height in zip(members, heights, strict=True):
        if k != members[0]:
            sheet.line((MARGIN, across - MARGIN), (y - 0.15, y - 0.15))
        _row(sheet, diagnosis, k, width, y, cmap)
        y += height
    return sheet.figure


def _titles(sheet: Sheet, diagnosis: Diagnosis, width: float, cmap: str) -> None:
    y = HEADER - 0.05
    sheet.line((MARGIN, sheet.width - MARGIN), (y, y), width=1.2)
    y += 0.12
    names = ("the missed object", "heat of the lost row", "heat of the other row", "lost row minus other row")
    shown = 1 if diagnosis.lost is None else 4 if _anything_in_the_way(diagnosis) else 2
    for column, name in enumerate(names[:shown]):
        sheet.write(_column(width, column), y, shorten(name, width, 9.5, True), 9.5, bold=True)
    words = ("yellow dashed: the true box", "pink: a row that was dropped", "other colours: detections")
    for line, text in enumerate(words):
        note(sheet, MARGIN, y + 0.2 + line * line_height(8.5), text)
    about = ("", "the row that speaks best for it", "what stands in its way", "what tells the two apart")
    for column in range(1, shown):
        assert diagnosis.lost is not None
        poles = POLES if column == 3 else diagnosis.lost.maps[0].poles
        draw_key(sheet, key_of(cmap, poles), _column(width, column), y + 0.27, width)
        note(sheet, _column(width, column), y + 0.66, about[column])


def _anything_in_the_way(diagnosis: Diagnosis) -> bool:
    """Whether any missed object's row has another one in its way."""
    return any(each.winner is not None for each in diagnosis.missed)


def _sentences(diagnosis: Diagnosis, k: int, across: float) -> list[str]:
    return wrap(" ".join(sentences_of_missed(diagnosis, k)), across - 2 * MARGIN, SIZE)


def _height(diagnosis: Diagnosis, k: int, across: float) -> float:
    return CAPTION + line_height(SIZE) * len(_sentences(diagnosis, k, across)) + 0.1 + NAMES + PANEL + BELOW


def _row(sheet: Sheet, diagnosis: Diagnosis, k: int, width: float, y: float, cmap: str) -> None:
    """A missed object: which it is, what is said of it, and the pictures."""
    missed, lost = diagnosis.missed[k], diagnosis.lost
    _caption(sheet, diagnosis, k, y)
    y = sheet.paragraph(MARGIN, y + CAPTION, _sentences(diagnosis, k, sheet.width), SIZE) + 0.1 + NAMES
    true, rows = diagnosis.truth.boxes[missed.truth], [each for each in (missed.row, missed.winner) if each is not None]
    boxes = [] if lost is None else [lost.detections.boxes[each] for each in rows]
    crop = region_of(diagnosis, [true, *boxes], width / PANEL)
    place = at_left(crop, (_column(width, 0), y, width, PANEL))
    axes = sheet.photograph(pixels(diagnosis.image, crop, sheet.size(place)), crop, place)
    for each, box in reversed(list(zip(rows, boxes, strict=True))):
        assert lost is not None
        outline(axes, box, crop, colour_of_number(diagnosis, lost.numbered[each]), 1.6)
    dashed_outline(axes, true, COLOUR, 1.8)
    if lost is None or missed.row is None:
        return
    _heat(sheet, diagnosis, lost, missed.row, 1, width, y, crop, cmap)
    if missed.winner is None:
        detected = missed.verdict is not None and missed.verdict.detected
        words = "That row is a box itself." if detected else "No other row stands in its way."
        sheet.paragraph(_column(width, 2), y + 0.1, wrap(words, width, 9), 9, colour=MUTED)
        return
    _heat(sheet, diagnosis, lost, missed.winner, 2, width, y, crop, cmap)
    if missed.difference is not None:
        _difference(sheet, diagnosis, missed, missed.difference, width, y, crop, cmap)


def _caption(sheet: Sheet, diagnosis: Diagnosis, k: int, y: float) -> None:
    missed = diagnosis.missed[k]
    x = MARGIN + paper_badge(sheet, MARGIN, y, f"{MISSED.letter}{k + 1}", COLOUR) + 0.12
    name = shorten(diagnosis.truth.class_names[missed.truth], sheet.width / 3, 11, True)
    words = f"{name}: " + ("another error stands for it" if missed.counted_elsewhere else "missed")
    sheet.write(x, y + 0.12, words, 11, bold=True, va="center_baseline")
    x += width_of(words, 11, True) + 0.3
    across, down = sizes(diagnosis.truth.boxes[missed.truth])
    about = f"true box {across:.0f} by {down:.0f} px"
    if missed.verdict is not None and missed.verdict.iou is not None:
        about += f"   ·   IoU of the best row {missed.verdict.iou:.2f}"
    sheet.write(x, y + 0.12, shorten(about, sheet.width - MARGIN - x, 8.5), 8.5, colour=MUTED, va="center_baseline")


def _heat(sheet: Sheet, diagnosis: Diagnosis, lost: Explanation, row: int, column: int, width: float, y: float,
          crop: Region, cmap: str) -> None:
    """The heat of a row, which is named above it."""
    number, found = lost.numbered[row], lost.detections
    what = "box" if number <= len(diagnosis.found) else "dropped row"
    words = f"{what} {number}: {lost.class_name(int(found.labels[row]))} {decimals(float(found.scores[row]))}"
    heatmap, place = lost.maps[0].heatmaps[row], _named(sheet, words, column, width, y, crop)
    draw_heat(sheet, pixels(diagnosis.image, crop, sheet.size(place)), heatmap, crop, place, top_of(heatmap), cmap,
              found.boxes[row], colour=colour_of_number(diagnosis, number))


def _named(sheet: Sheet, words: str, column: int, width: float, y: float, crop: Region) -> Place:
    """Write words above a picture; where the picture goes."""
    sheet.write(_column(width, column), y - 0.05, shorten(words, width, 9), 9, va="bottom")
    return at_left(crop, (_column(width, column), y, width, PANEL))


def _difference(sheet: Sheet, diagnosis: Diagnosis, missed: MissedObject, heatmap: Heatmap, width: float, y: float,
                crop: Region, cmap: str) -> None:
    """What speaks for the lost row and not for the other, with both boxes."""
    lost = diagnosis.lost
    assert lost is not None
    assert missed.row is not None
    assert missed.winner is not None
    number, other = lost.numbered[missed.row], lost.numbered[missed.winner]
    place = _named(sheet, f"red: for {number}; blue: for {other}", 3, width, y, crop)
    axes = draw_heat(sheet, pixels(diagnosis.image, crop, sheet.size(place)), heatmap, crop, place, top_of(heatmap),
                     cmap, lost.detections.boxes[missed.row], 1.4, colour_of_number(diagnosis, number))
    outline(axes, lost.detections.boxes[missed.winner], crop, colour_of_number(diagnosis, other), 1.4)


def missed_figure(diagnosis: Diagnosis, k: int, cmap: str, dpi: float) -> Figure:
    """The row of a single missed object, which is its index among ``diagnosis.missed``, under the columns' titles."""
    return _page(diagnosis, [k], len(diagnosis.missed), cmap, dpi, "")
