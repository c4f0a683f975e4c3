"""The first page of a diagnosis: every box in the colour of its type, every missed object, and what the colours say."""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from detcam.diagnosis.error_types import CORRECT, ERRORS, IGNORED, MISSED, ErrorType
from detcam.diagnosis.result import Diagnosis
from detcam.imaging.boxes import areas, sizes
from detcam.views.diagnosis.common import badge_of, colour_of_type, draw_title, object_badges
from detcam.views.diagnosis.intervention_rows import hidden_words
from detcam.views.page.badges import Rect, badge_size, free_place, leader, paper_badge, photograph_badge
from detcam.views.page.colours import MUTED, TYPE_COLOURS
from detcam.views.page.crop import Region, pixels, whole
from detcam.views.page.layout import GROUP_GAP, HEADER, MARGIN
from detcam.views.page.lettering import listed, wrap
from detcam.views.page.sheet import Place, Sheet, dashed_outline, fitted, line_height, outline

FEW, MANY = (8.0, 6.4), (11.0, 8.6)  # the photograph's width and height at most, inches
CROWDED = 20  # boxes and objects from which the photograph is drawn larger and its badges smaller
SIZES = 9.0, 7.5  # of the badges' letters, points
LEGEND = 4.4  # inches
SMALL = 2.5  # over a badge's height: a box narrower or flatter than that is not covered by a badge
SIZE = 9.0
BELOW = 0.9  # patches are drawn at 1: where a box agrees with its true box, the box is seen
ORDER = {CORRECT.name: 1, IGNORED.name: 0}  # drawn first; what is wrong is drawn over it


def overview_page(diagnosis: Diagnosis, page: str, dpi: float) -> Figure:
    """The photograph with every detection, every true box and the legend."""
    crowded = len(diagnosis.found) + len(diagnosis.missed) > CROWDED
    image = diagnosis.image
    place = fitted(whole(image), (MARGIN, HEADER, *(MANY if crowded else FEW)))
    place = (MARGIN, *place[1:])
    height = max(place[3], _legend(None, diagnosis, 0, 0))
    sheet = Sheet(place[2] + GROUP_GAP + LEGEND + 2 * MARGIN, HEADER + height + MARGIN, dpi)
    draw_title(sheet, diagnosis, "", page)
    _photograph(sheet, diagnosis, place, SIZES[crowded])
    _legend(sheet, diagnosis, MARGIN + place[2] + GROUP_GAP, HEADER)
    return sheet.figure


def _photograph(sheet: Sheet, diagnosis: Diagnosis, place: Place, size: float) -> None:
    region, found = whole(diagnosis.image), diagnosis.found
    axes = sheet.photograph(pixels(diagnosis.image, region, sheet.size(place)), region, place)
    missed = {each.truth for each in diagnosis.missed}
    for true, box in enumerate(diagnosis.truth.boxes):
        if true not in missed:
            dashed_outline(axes, box, width=0.9, zorder=BELOW)
    kinds = np.array([ORDER.get(kind, 2) for kind in diagnosis.assignment.types])
    for each in np.lexsort((-areas(found.boxes), kinds)).tolist():
        outline(axes, found.boxes[each], region, colour_of_type(diagnosis, each), 1.8)
    for true in sorted(missed):
        dashed_outline(axes, diagnosis.truth.boxes[true], TYPE_COLOURS[MISSED.name], 1.8)
    _badges(axes, diagnosis, region, region.width / place[2], size)


def _badges(axes: Axes, diagnosis: Diagnosis, region: Region, inch: float, size: float) -> None:
    """The badge of each detection and of each true object that none found; ``inch`` in source pixels."""
    wanted = [(box, badge_of(diagnosis, each), colour_of_type(diagnosis, each))
              for each, box in enumerate(diagnosis.found.boxes)]
    wanted += [(diagnosis.truth.boxes[true], *named) for true, named in enumerate(object_badges(diagnosis))
               if not named[0].isdigit()]
    least = SMALL * badge_size("1", size)[1] * inch
    taken: list[Rect] = [tuple(box.tolist()) for box, *_ in wanted if sizes(box).min() < least]
    for box, text, colour in sorted(wanted, key=lambda each: float(areas(each[0]))):
        width, height = (each * inch for each in badge_size(text, size))
        x, y = free_place(box, (width, height), region, taken)
        taken.append((x, y, x + width, y + height))
        leader(axes, taken[-1], box, colour)
        photograph_badge(axes, taken[-1], text, colour, size)


def _legend(sheet: Sheet | None, diagnosis: Diagnosis, x: float, y: float) -> float:
    """Write what the colours say from ``(x, y)`` on; the height is returned. None measures it alone."""
    top, counts = y, diagnosis.assignment.counts() | {MISSED.name: len(diagnosis.missed)}
    for kind in (CORRECT, *ERRORS, IGNORED):
        if counts[kind.name]:
            y = _entry(sheet, diagnosis, kind, counts[kind.name], x, y)
    if not len(diagnosis.found) and not len(diagnosis.truth):
        if sheet is not None:
            sheet.write(x, y, "Nothing to find, and nothing found.", 11, bold=True)
        return line_height(11)
    none = [kind.name for kind in (CORRECT, *ERRORS) if not counts[kind.name]]
    plain = [f"None here: {listed(none)}."] * bool(none)
    plain.append("White dashed: the true boxes, below the others. A number is a box's place by its score.")
    plain += [words] if (words := hidden_words(diagnosis)) else []
    for text in plain:
        lines = wrap(text, LEGEND, SIZE)
        if sheet is not None:
            sheet.paragraph(x, y, lines, SIZE, colour=MUTED)
        y += line_height(SIZE) * len(lines) + 0.08
    return y - top


def _entry(sheet: Sheet | None, diagnosis: Diagnosis, kind: ErrorType, count: int, x: float, y: float) -> float:
    """One type with its colour, letter, count and sentence; where the next stands is returned."""
    counted_elsewhere = sum(each.counted_elsewhere for each in diagnosis.missed) if kind is MISSED else 0
    text = kind.sentence + (f" For {counted_elsewhere} of them a box of type L or C stands: TIDE counts that error "
                           "alone."
                            if counted_elsewhere else "")
    lines = wrap(text, LEGEND - 0.55, SIZE)
    if sheet is not None:
        letter = kind.letter if kind in ERRORS else "1"
        paper_badge(sheet, x, y, letter, TYPE_COLOURS[kind.name])
        sheet.write(x + 0.55, y + 0.12, f"{count} {kind.name}", 11, bold=True, va="center_baseline")
        sheet.paragraph(x + 0.55, y + 0.28, lines, SIZE, colour=MUTED)
    return y + 0.28 + line_height(SIZE) * len(lines) + 0.14
