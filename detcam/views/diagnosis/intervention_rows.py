"""Pages of what hiding did: the boxes for which something stands out, a small picture a question."""

from collections.abc import Callable, Iterator, Sequence

from matplotlib.figure import Figure

from detcam.diagnosis.attention.shortcuts import CONTEXT, CORNERS, SPREAD
from detcam.diagnosis.interventions.edge_probe import EDGE
from detcam.diagnosis.interventions.exceeds import MOVED, stands_out
from detcam.diagnosis.interventions.intervention import Intervention
from detcam.diagnosis.interventions.limits import TOLD_BY_BOX
from detcam.diagnosis.interventions.shortcut_probes import LEFT_RIGHT, TOP_BOTTOM
from detcam.diagnosis.result import Diagnosis
from detcam.diagnosis.sentences.detections import cause_sentences
from detcam.views.diagnosis.common import badge_of, colour_of_type, draw_title
from detcam.views.diagnosis.intervention_panel import TITLE, draw_moved_edge, draw_question, percent
from detcam.views.page.badges import paper_badge
from detcam.views.page.colours import CONTROL, MUTED, SUSPECT
from detcam.views.page.layout import BELOW, CAPTION, HEADER, MARGIN
from detcam.views.page.lettering import listed, shorten, width_of, wrap
from detcam.views.page.sheet import Place, Sheet, line_height

MOST_ROWS = 60  # as many boxes get a row at most
CELL, ACROSS = (1.95, 1.7 + TITLE), 0.14  # a picture's width and height with its words, and between two, inches
IN_A_LINE, LARGE, DOWN = 4, (2.4, 2.6 + TITLE), 0.2  # pictures of a single box in a line, their size, between two lines
LEAST = 6  # columns that a page is wide enough for: the legend needs them
SIZE = 10.5  # of the sentences, points
SMALL = 8.5  # of the legend
SWATCH = 0.14  # inches
Draw = Callable[[Sheet, Diagnosis, int, Intervention, Place], None]


def in_order(diagnosis: Diagnosis) -> list[int]:
    """The boxes for which something stands out, by their numbers."""
    answers = diagnosis.interventions or ()
    return [box for box, own in enumerate(answers) if any(stands_out(diagnosis, box, each) for each in own)][:MOST_ROWS]


def hidden_words(diagnosis: Diagnosis) -> str:
    """How much was hidden and whether anything came of it, for the first page; empty where nothing was hidden."""
    count = sum(len(own) for own in diagnosis.interventions or ())
    if not count:
        return ""
    regions = f"{count} region{'s were' if count > 1 else ' was'} hidden"
    shown = [str(diagnosis.index[box] + 1) for box in in_order(diagnosis)]
    if not shown:
        return f"{regions}; nothing took more than the limits."
    return (f"{regions}; something stands out for box{'es' * (len(shown) > 1)} {listed(shown)}, which "
            f"{'have' if len(shown) > 1 else 'has'} a row under \"what hiding did\".")


def hidden_pages(diagnosis: Diagnosis, rows_per_page: int, dpi: float, pages: Sequence[str]) -> Iterator[Figure]:
    """The boxes for which something stands out, a page after the other, each with its words for ``page 3 of 4``."""
    order = in_order(diagnosis)
    for start, page in zip(range(0, len(order), rows_per_page), pages, strict=True):
        yield _page(diagnosis, order[start:start + rows_per_page], max(LEAST, *(len(_panels(diagnosis, box))
                                                                                for box in order)), dpi, page)


def _page(diagnosis: Diagnosis, members: Sequence[int], columns: int, dpi: float, page: str) -> Figure:
    width = 2 * MARGIN + columns * (CELL[0] + ACROSS) - ACROSS
    legend = _legend(None, diagnosis, width)
    heights = [_height(diagnosis, box, width) for box in members]
    sheet = Sheet(width, HEADER + legend + sum(heights), dpi)
    draw_title(sheet, diagnosis, "what hiding did", page)
    _legend(sheet, diagnosis, width)
    y = HEADER + legend
    for box, height in zip(members, heights, strict=True):
        if box != members[0]:
            sheet.line((MARGIN, width - MARGIN), (y - 0.15, y - 0.15))
        _row(sheet, diagnosis, box, y)
        y += height
    return sheet.figure


def _legend(sheet: Sheet | None, diagnosis: Diagnosis, width: float) -> float:
    """Write what the colours, the numbers and the limits are below the title; the height is returned."""
    fill = next(each.suspect.fill for own in diagnosis.interventions or () for each in own)
    colours = [(SUSPECT, "the suspicious region that was hidden; of two halves, the one that takes more"),
               (CONTROL, "what it is compared with: as much elsewhere, the other half, or the object itself")]
    limit = {name: percent(share) for name, share in TOLD_BY_BOX.items()}
    words = [
        f"Regions were hidden one at a time ({fill}). Per cent: the share of the score that is gone then, below 0 "
        "where the score grows. px: how far the worst edge comes in, below 0 where it moves out.",
        f"Framed, first: it stands out. Limits, beyond the mean of its controls: a corner {limit[CORNERS]}, the "
        f"hottest spot around {limit[CONTEXT]}; the left half beyond the right or the other way {limit[LEFT_RIGHT]}, "
        f"top and bottom {limit[TOP_BOTTOM]} (a half that raises the score counts below 0); all around the objects "
        f"{limit[SPREAD]} by itself. An edge: in by more than {percent(MOVED)} of the true width or height, and more "
        "than with any control."]
    lines = [line for text in words for line in wrap(text, width - 2 * MARGIN, SMALL)]
    step, half = line_height(SMALL), (width - 2 * MARGIN) / 2
    beside = all(width_of(text, SMALL) <= half - 0.3 for _, text in colours)  # else one below the other
    if sheet is not None:
        y = HEADER - 0.05
        sheet.line((MARGIN, width - MARGIN), (y, y), width=1.2)
        for order, (colour, text) in enumerate(colours):
            x, down = (MARGIN + order * half, 0.0) if beside else (MARGIN, order * step)
            sheet.fill((x, y + down + 0.14, SWATCH, SWATCH), colour)
            sheet.write(x + SWATCH + 0.08, y + down + 0.13, text, SMALL)
        sheet.paragraph(MARGIN, y + 0.13 + step * (1 + (not beside)) + 0.06, lines, SMALL, colour=MUTED)
    return 0.14 + step * (1 + (not beside) + len(lines)) + 0.3


def _sentences(diagnosis: Diagnosis, box: int, width: float) -> list[str]:
    return wrap(" ".join(cause_sentences(diagnosis, box)), width - 2 * MARGIN, SIZE)


def _height(diagnosis: Diagnosis, box: int, width: float) -> float:
    return CAPTION + line_height(SIZE) * len(_sentences(diagnosis, box, width)) + 0.1 + CELL[1] + BELOW


def _panels(diagnosis: Diagnosis, box: int) -> list[tuple[Draw, Intervention]]:
    """What is drawn of a box: what stands out first; an edge that came in has a picture of its own beside it."""
    assert diagnosis.interventions is not None
    own = sorted(diagnosis.interventions[box], key=lambda each: not stands_out(diagnosis, box, each))
    found: list[tuple[Draw, Intervention]] = []
    for each in own:
        found.append((draw_question, each))
        if each.name == EDGE and stands_out(diagnosis, box, each):
            found.append((draw_moved_edge, each))
    return found


def _row(sheet: Sheet, diagnosis: Diagnosis, box: int, y: float) -> None:
    """A box: who it is, what is said of it, and a picture a question."""
    y, x = _words(sheet, diagnosis, box, y), MARGIN
    for draw, asked in _panels(diagnosis, box):
        draw(sheet, diagnosis, box, asked, (x, y, *CELL))
        x += CELL[0] + ACROSS


def _words(sheet: Sheet, diagnosis: Diagnosis, box: int, y: float) -> float:
    """Who a box is and what is said of it; where the pictures go."""
    place = int(diagnosis.index[box])
    x = MARGIN + paper_badge(sheet, MARGIN, y, badge_of(diagnosis, place), colour_of_type(diagnosis, place)) + 0.12
    name = diagnosis.boxes.class_name(int(diagnosis.found.labels[place]))
    words = f"{name} {diagnosis.found.scores[place]:.2f}: {diagnosis.type_of(box)}"
    sheet.write(x, y + 0.12, shorten(words, sheet.width - MARGIN - x, 11, True), 11, bold=True, va="center_baseline")
    return sheet.paragraph(MARGIN, y + CAPTION, _sentences(diagnosis, box, sheet.width), SIZE) + 0.1


def check_figure(diagnosis: Diagnosis, box: int, dpi: float) -> Figure:
    """The pictures of a single box in question, larger and in lines of four: what stands out comes first.

    Args:
        diagnosis: of the photograph.
        box: its index among ``diagnosis.boxes``; something was hidden for it.
        dpi: pixels an inch.
    """
    panels = _panels(diagnosis, box)
    width = 2 * MARGIN + IN_A_LINE * (LARGE[0] + ACROSS) - ACROSS
    legend = _legend(None, diagnosis, width)
    lines = -(-len(panels) // IN_A_LINE)
    words = _height(diagnosis, box, width) - CELL[1]
    sheet = Sheet(width, HEADER + legend + words + lines * (LARGE[1] + DOWN) - DOWN, dpi)
    draw_title(sheet, diagnosis, "what hiding did", "")
    _legend(sheet, diagnosis, width)
    top = _words(sheet, diagnosis, box, HEADER + legend)
    for i, (draw, asked) in enumerate(panels):
        line, column = divmod(i, IN_A_LINE)
        cell = MARGIN + column * (LARGE[0] + ACROSS), top + line * (LARGE[1] + DOWN), *LARGE
        draw(sheet, diagnosis, box, asked, cell)
    return sheet.figure
