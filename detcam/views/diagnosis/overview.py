"""The first page of a diagnosis: every box in the colour of its type, every missed object, and the legend."""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from detcam.diagnosis.error_types import CORRECT, ERRORS, IGNORED, MISSED, ErrorType
from detcam.diagnosis.result import Diagnosis
from detcam.imaging.boxes import areas, sizes
from detcam.views.diagnosis.common import badge_of, colour_of_type, draw_title, object_badges
from detcam.views.diagnosis.intervention_rows import intervention_summary
from detcam.views.page.badges import Rect, badge_size, free_place, leader, paper_badge, photograph_badge
from detcam.views.page.colours import MUTED, TYPE_COLOURS
from detcam.views.page.crop import Region, pixels, whole
from detcam.views.page.layout import GROUP_GAP, HEADER, MARGIN
from detcam.views.page.lettering import listed, wrap
from detcam.views.page.sheet import Place, Sheet, dashed_outline, fitted, line_height, outline

FEW, MANY = (8.0, 6.4), (11.0, 8.6)  # the photograph's width and height at most, inches
CROWDED = 20  # with more boxes and objects the photograph is drawn larger and its badges smaller
SIZES = 9.0, 7.5  # of the badges' letters, points
LEGEND = 4.4  # inches
INDENT = 0.72  # of a type's words beside its badge, inches
SMALL = 2.5  # over a badge's height: a box narrower or flatter than that is not covered by a badge
SIZE = 9.0
BELOW = 0.9  # zorder of true boxes, below the others at 1: where both agree, the detected one is seen
ORDER = {CORRECT.name: 1, IGNORED.name: 0}  # drawn first; wrong ones are drawn over them


def overview_page(diagnosis: Diagnosis, page: str, dpi: float) -> Figure:
    """The photograph with every detection, every true box and the legend."""
    crowded = len(diagnosis.detections) + len(diagnosis.missed) > CROWDED
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
    region, detections = whole(diagnosis.image), diagnosis.detections
    axes = sheet.photograph(pixels(diagnosis.image, region, sheet.size(place)), region, place)
    missed = {missed.truth for missed in diagnosis.missed}
    for true, box in enumerate(diagnosis.truth.boxes):
        if true not in missed:
            dashed_outline(axes, box, width=0.9, zorder=BELOW)
    kinds = np.array([ORDER.get(kind, 2) for kind in diagnosis.assignment.types])
    for i in np.lexsort((-areas(detections.boxes), kinds)).tolist():
        outline(axes, detections.boxes[i], region, colour_of_type(diagnosis, i), 1.8)
    for true in sorted(missed):
        dashed_outline(axes, diagnosis.truth.boxes[true], TYPE_COLOURS[MISSED.name], 1.8)
    _badges(axes, diagnosis, region, region.width / place[2], size)


def _badges(axes: Axes, diagnosis: Diagnosis, region: Region, inch: float, size: float) -> None:
    """Draw a badge for each detection and for each true object that none found; ``inch`` is in source pixels."""
    wanted = [(box, badge_of(diagnosis, i), colour_of_type(diagnosis, i))
              for i, box in enumerate(diagnosis.detections.boxes)]
    wanted += [(diagnosis.truth.boxes[true], *named) for true, named in enumerate(object_badges(diagnosis))
               if not named[0].isdigit()]
    least = SMALL * badge_size("1", size)[1] * inch
    taken: list[Rect] = [tuple(box.tolist()) for box, *_ in wanted if sizes(box).min() < least]
    for box, text, colour in sorted(wanted, key=lambda badge: float(areas(badge[0]))):
        width, height = (side * inch for side in badge_size(text, size))
        x, y = free_place(box, (width, height), region, taken)
        taken.append((x, y, x + width, y + height))
        leader(axes, taken[-1], box, colour)
        photograph_badge(axes, taken[-1], text, colour, size)


def _legend(sheet: Sheet | None, diagnosis: Diagnosis, x: float, y: float) -> float:
    """Write the legend from ``(x, y)`` on, and return its height, inches; None for ``sheet`` only measures it."""
    top, counts = y, diagnosis.assignment.counts() | {MISSED.name: len(diagnosis.missed)}
    for kind in (CORRECT, *ERRORS, IGNORED):
        if counts[kind.name]:
            y = _entry(sheet, diagnosis, kind, counts[kind.name], x, y)
    if not len(diagnosis.detections) and not len(diagnosis.truth):
        if sheet is not None:
            sheet.write(x, y, "No true object, and no detection.", 11, bold=True)
        return line_height(11)
    none = [kind.name for kind in (CORRECT, *ERRORS) if not counts[kind.name]]
    plain = [f"None here: {listed(none)}."] * bool(none)
    plain.append("White dashed: the true boxes. Numbers: detections, from the highest score to the lowest.")
    plain += [words] if (words := intervention_summary(diagnosis)) else []
    for text in plain:
        lines = wrap(text, LEGEND, SIZE)
        if sheet is not None:
            sheet.paragraph(x, y, lines, SIZE, colour=MUTED)
        y += line_height(SIZE) * len(lines) + 0.08
    return y - top


def _entry(sheet: Sheet | None, diagnosis: Diagnosis, kind: ErrorType, count: int, x: float, y: float) -> float:
    """Write one type with its badge, count and sentence, and return where the next one stands, inches."""
    counted_elsewhere = sum(missed.counted_elsewhere for missed in diagnosis.missed) if kind is MISSED else 0
    text = kind.sentence + (f" On {counted_elsewhere} of these lies a Loc or Cls error, which TIDE counts instead."
                            if counted_elsewhere else "")
    lines = wrap(text, LEGEND - INDENT, SIZE)
    if sheet is not None:
        paper_badge(sheet, x, y, kind.short_name if kind in ERRORS else "1", TYPE_COLOURS[kind.name])
        sheet.write(x + INDENT, y + 0.12, f"{count} {kind.name}", 11, bold=True, va="center_baseline")
        sheet.paragraph(x + INDENT, y + 0.28, lines, SIZE, colour=MUTED)
    return y + 0.28 + line_height(SIZE) * len(lines) + 0.14
