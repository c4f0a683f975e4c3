"""Which objects the heat of each box lies on: a table of shares, boxes by true objects."""

import numpy as np
from matplotlib.colors import to_hex
from matplotlib.figure import Figure

from detcam.diagnosis.result import Diagnosis
from detcam.views.diagnosis.common import badge_of, colour_of_type, draw_title, note, object_badges
from detcam.views.page.badges import BADGE, paper_badge
from detcam.views.page.colours import INK, MUTED, colour_map
from detcam.views.page.layout import HEADER, MARGIN
from detcam.views.page.lettering import shorten, width_of, wrap
from detcam.views.page.sheet import Sheet, line_height

CELLS, LOW = (0.62, 1.2), 0.36  # a cell's width at least and at most, and its height, inches
LEFT = 1.0  # of the boxes' badges
MOST_BOXES, MOST_OBJECTS = 60, 30  # in one table: those with the best scores, and those with the most heat
SHADES = "Greys"
DARKEST = 0.55  # of the scale of greys, at all of the heat: dark letters stay readable
LEAST = 0.005  # a share that is 0 in whole per cent
WIDTH = 8.0  # of the page at least
SIZE = 9.0


def has_leakage(diagnosis: Diagnosis) -> bool:
    """Whether there are two boxes or more, and two true objects or more."""
    return len(diagnosis) > 1 and len(diagnosis.truth) > 1


def leakage_page(diagnosis: Diagnosis, page: str, dpi: float) -> Figure:
    """The page with the share of each box's heat on each true object, in per cent; its own object is framed."""
    boxes = np.arange(min(len(diagnosis), MOST_BOXES))
    heat = np.nan_to_num(diagnosis.leakage[boxes]).sum(0)
    objects = np.sort(np.argsort(-heat, kind="stable")[:MOST_OBJECTS])
    lines, badges = _about(diagnosis, len(objects)), object_badges(diagnosis)
    cell = float(np.clip(max(width_of(badges[true][0], 10, True) for true in objects) + 0.24, *CELLS))
    width = max(2 * MARGIN + LEFT + cell * len(objects), WIDTH)
    words = [line for text in lines for line in wrap(text, width - 2 * MARGIN, SIZE)]
    top = HEADER + line_height(SIZE) * len(words) + 0.45
    sheet = Sheet(width, top + LOW * (len(boxes) + 1) + MARGIN, dpi)
    draw_title(sheet, diagnosis, "heat on each object", page)
    sheet.paragraph(MARGIN, HEADER, words, SIZE)
    note(sheet, MARGIN, top - 0.2, "box")
    note(sheet, MARGIN + LEFT, top - 0.2, "true object")
    for column, true in enumerate(objects.tolist()):
        name = shorten(badges[true][0], cell - 0.2, 10, True)
        paper_badge(sheet, MARGIN + LEFT + cell * column + 0.02, top + (LOW - BADGE) / 2, name, badges[true][1])
    for order, box in enumerate(boxes.tolist()):
        y, place = top + LOW * (order + 1), int(diagnosis.evaluated[box])
        paper_badge(sheet, MARGIN, y + (LOW - BADGE) / 2, badge_of(diagnosis, place), colour_of_type(diagnosis, place))
        for column, true in enumerate(objects.tolist()):
            _cell(sheet, float(diagnosis.leakage[box, true]), true == diagnosis.truth_of(box),
                  MARGIN + LEFT + cell * column, y, cell)
    return sheet.figure


def _about(diagnosis: Diagnosis, objects: int) -> list[str]:
    on = "its mask where the annotations have one, else its true box" if diagnosis.truth.masks else "its true box"
    lines = ["Per cent of each box's heat that lies on each true object. Frame: the object that the box is compared "
             "with.",
             "Columns: green, the object that the box with this number found; Miss, a missed object. On an object "
             f"means on {on}. Objects may overlap, and heat may lie on none, so a row need not add up to 100."]
    if len(diagnosis) > MOST_BOXES:
        lines.append(f"The first {MOST_BOXES} of {len(diagnosis)} boxes.")
    if len(diagnosis.truth) > objects:
        lines.append(f"The {objects} of {len(diagnosis.truth)} objects with the most heat.")
    return lines


def _cell(sheet: Sheet, share: float, framed: bool, x: float, y: float, width: float) -> None:
    """Draw one share: the larger, the darker."""
    shade = colour_map(SHADES)(DARKEST * float(np.nan_to_num(share)))[:3]
    sheet.fill((x + 0.02, y + 0.02, width - 0.04, LOW - 0.04), to_hex(shade))
    text = "—" if not np.isfinite(share) else "·" if share < LEAST else f"{100 * share:.0f}"
    ink = MUTED if text in "—·" else INK
    sheet.write(x + width / 2, y + LOW / 2, text, 9.5, bold=framed, colour=ink, ha="center", va="center")
    if framed:
        for ends in (((x, x), (y, y + LOW)), ((x + width, x + width), (y, y + LOW)), ((x, x + width), (y, y)),
                     ((x, x + width), (y + LOW, y + LOW))):
            sheet.line(*ends, INK, 1.6)
