"""Pages of missed objects: the best raw row of each, that row's rival, and the difference of their heatmaps."""

from collections.abc import Iterator, Sequence

import numpy as np
from matplotlib.figure import Figure

from detcam.attribution.heatmap import Heatmap
from detcam.diagnosis.diagnosis_data import MissedObject
from detcam.diagnosis.error_types import MISSED
from detcam.diagnosis.result import Diagnosis
from detcam.diagnosis.sentences.detections import sentences_of_missed
from detcam.diagnosis.sentences.object_names import missed_label, missed_words
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

MOST_ROWS = 60  # objects with a row at most
TITLES = 1.3  # inches: the columns' titles with the scales of the colours
NAMES = 0.24  # inches: the words above a picture
SIZE = 10.5  # of the sentences, points
ASPECTS = 1.0, 1.3  # width over height of a picture: the words above it fit
COLOUR = TYPE_COLOURS[MISSED.name]
POLES = "for the rival", "for the best row"


def missed_pages(diagnosis: Diagnosis, rows_per_page: int, cmap: str, dpi: float, pages: Sequence[str]
                 ) -> Iterator[Figure]:
    """The pages of the missed objects, one by one; ``pages`` has the words for each, such as ``page 2 of 4``."""
    shown = range(min(len(diagnosis.missed), MOST_ROWS))
    for start, page in zip(range(0, len(shown), rows_per_page), pages, strict=True):
        yield _page(diagnosis, shown[start:start + rows_per_page], len(shown), cmap, dpi, page)


def _width(diagnosis: Diagnosis) -> float:
    """Width of each of the four pictures in a row, inches."""
    true = diagnosis.truth.boxes[[missed.truth for missed in diagnosis.missed]]
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
    names = ("the missed object", "heat of the best row", "heat of its rival", "best row minus rival")
    shown = 1 if diagnosis.best_rows is None else 4 if _any_rival(diagnosis) else 2
    for column, name in enumerate(names[:shown]):
        sheet.write(_column(width, column), y, shorten(name, width, 9.5, True), 9.5, bold=True)
    words = ("yellow dashed: the true box", "pink: a dropped raw row", "other colours: detections")
    for line, text in enumerate(words):
        note(sheet, MARGIN, y + 0.2 + line * line_height(8.5), text)
    about = ("", "the raw row that fits it best", "the row that beat or suppressed it",
             "evidence for one and not the other")
    for column in range(1, shown):
        assert diagnosis.best_rows is not None
        sign_meanings = POLES if column == 3 else diagnosis.best_rows.maps[0].sign_meanings
        draw_key(sheet, key_of(cmap, sign_meanings), _column(width, column), y + 0.27, width)
        note(sheet, _column(width, column), y + 0.66, shorten(about[column], width, 8.5))


def _any_rival(diagnosis: Diagnosis) -> bool:
    """Whether any missed object's best row has a rival."""
    return any(missed.rival is not None for missed in diagnosis.missed)


def _sentences(diagnosis: Diagnosis, k: int, across: float) -> list[str]:
    return wrap(" ".join(sentences_of_missed(diagnosis, k)), across - 2 * MARGIN, SIZE)


def _height(diagnosis: Diagnosis, k: int, across: float) -> float:
    return CAPTION + line_height(SIZE) * len(_sentences(diagnosis, k, across)) + 0.1 + NAMES + PANEL + BELOW


def _row(sheet: Sheet, diagnosis: Diagnosis, k: int, width: float, y: float, cmap: str) -> None:
    """Draw a missed object: its caption, its sentences, and its pictures."""
    missed, best = diagnosis.missed[k], diagnosis.best_rows
    _caption(sheet, diagnosis, k, y)
    y = sheet.paragraph(MARGIN, y + CAPTION, _sentences(diagnosis, k, sheet.width), SIZE) + 0.1 + NAMES
    true, rows = diagnosis.truth.boxes[missed.truth], [i for i in (missed.row, missed.rival) if i is not None]
    boxes = [] if best is None else [best.detections.boxes[i] for i in rows]
    crop = region_of(diagnosis, [true, *boxes], width / PANEL)
    place = at_left(crop, (_column(width, 0), y, width, PANEL))
    axes = sheet.photograph(pixels(diagnosis.image, crop, sheet.size(place)), crop, place)
    for i, box in reversed(list(zip(rows, boxes, strict=True))):
        assert best is not None
        outline(axes, box, crop, colour_of_number(diagnosis, best.numbered[i]), 1.6)
    dashed_outline(axes, true, COLOUR, 1.8)
    if best is None or missed.row is None:
        return
    _heat(sheet, diagnosis, best, missed.row, 1, width, y, crop, cmap)
    if missed.rival is None:
        detected = missed.verdict is not None and missed.verdict.detected
        words = "The best row is a detection itself." if detected else "The best row has no rival."
        sheet.paragraph(_column(width, 2), y + 0.1, wrap(words, width, 9), 9, colour=MUTED)
        return
    _heat(sheet, diagnosis, best, missed.rival, 2, width, y, crop, cmap)
    if missed.difference is not None:
        _difference(sheet, diagnosis, missed, missed.difference, width, y, crop, cmap)


def _caption(sheet: Sheet, diagnosis: Diagnosis, k: int, y: float) -> None:
    missed = diagnosis.missed[k]
    x = MARGIN + paper_badge(sheet, MARGIN, y, missed_label(k + 1), COLOUR) + 0.12
    name = shorten(diagnosis.truth.class_names[missed.truth], sheet.width / 3, 11, True)
    words = f"{name}: {missed_words(missed)}"
    sheet.write(x, y + 0.12, words, 11, bold=True, va="center_baseline")
    x += width_of(words, 11, True) + 0.3
    across, down = sizes(diagnosis.truth.boxes[missed.truth])
    about = f"true box {across:.0f} by {down:.0f} px"
    if missed.verdict is not None and missed.verdict.iou is not None:
        about += f"   ·   IoU with the best row {missed.verdict.iou:.2f}"
    sheet.write(x, y + 0.12, shorten(about, sheet.width - MARGIN - x, 8.5), 8.5, colour=MUTED, va="center_baseline")


def _heat(sheet: Sheet, diagnosis: Diagnosis, best: Explanation, row: int, column: int, width: float, y: float,
          crop: Region, cmap: str) -> None:
    """Draw the heat of a row, with the row's name above."""
    number, rows = best.numbered[row], best.detections
    what = "box" if number <= len(diagnosis.detections) else "dropped row"
    words = f"{what} {number}: {best.class_name(int(rows.labels[row]))} {decimals(float(rows.scores[row]))}"
    heatmap, place = best.maps[0].heatmaps[row], _named(sheet, words, column, width, y, crop)
    draw_heat(sheet, pixels(diagnosis.image, crop, sheet.size(place)), heatmap, crop, place, top_of(heatmap), cmap,
              rows.boxes[row], colour=colour_of_number(diagnosis, number))


def _named(sheet: Sheet, words: str, column: int, width: float, y: float, crop: Region) -> Place:
    """Write words above a picture, and return the picture's place, inches."""
    sheet.write(_column(width, column), y - 0.05, shorten(words, width, 9), 9, va="bottom")
    return at_left(crop, (_column(width, column), y, width, PANEL))


def _difference(sheet: Sheet, diagnosis: Diagnosis, missed: MissedObject, heatmap: Heatmap, width: float, y: float,
                crop: Region, cmap: str) -> None:
    """Draw the heatmap of the best row's score minus its rival's, with both boxes."""
    best = diagnosis.best_rows
    assert best is not None
    assert missed.row is not None
    assert missed.rival is not None
    number, other = best.numbered[missed.row], best.numbered[missed.rival]
    place = _named(sheet, f"red: for {number}; blue: for {other}", 3, width, y, crop)
    axes = draw_heat(sheet, pixels(diagnosis.image, crop, sheet.size(place)), heatmap, crop, place, top_of(heatmap),
                     cmap, best.detections.boxes[missed.row], 1.4, colour_of_number(diagnosis, number))
    outline(axes, best.detections.boxes[missed.rival], crop, colour_of_number(diagnosis, other), 1.4)


def missed_figure(diagnosis: Diagnosis, k: int, cmap: str, dpi: float) -> Figure:
    """The row of a single missed object, below the columns' titles; ``k`` is its index among ``diagnosis.missed``."""
    return _page(diagnosis, [k], len(diagnosis.missed), cmap, dpi, "")
