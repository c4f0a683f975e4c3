"""Pages of interventions: the boxes with an occlusion that passes its limit, a small picture a probe."""

from collections.abc import Callable, Iterator, Sequence

from matplotlib.figure import Figure

from detcam.diagnosis.attention.shortcuts import CONTEXT, CORNERS, SPREAD
from detcam.diagnosis.error_types import type_words
from detcam.diagnosis.interventions.edge_probe import EDGE
from detcam.diagnosis.interventions.exceeds import MOVED, exceeds_limit
from detcam.diagnosis.interventions.intervention import Intervention
from detcam.diagnosis.interventions.limits import BOX_LIMITS
from detcam.diagnosis.interventions.shortcut_probes import LEFT_RIGHT, TOP_BOTTOM
from detcam.diagnosis.result import Diagnosis
from detcam.diagnosis.sentences.detections import cause_sentences
from detcam.views.diagnosis.common import badge_of, colour_of_type, draw_title
from detcam.views.diagnosis.intervention_panel import TITLE, draw_moved_edge, draw_probe, percent
from detcam.views.page.badges import paper_badge
from detcam.views.page.colours import CONTROL, MUTED, SUSPECT
from detcam.views.page.layout import BELOW, CAPTION, HEADER, MARGIN
from detcam.views.page.lettering import listed, shorten, width_of, wrap
from detcam.views.page.sheet import Place, Sheet, line_height

MOST_ROWS = 60  # boxes with a row at most
CELL, ACROSS = (1.95, 1.7 + TITLE), 0.14  # a picture's width and height with its words, and between two, inches
IN_A_LINE, LARGE, DOWN = 4, (2.4, 2.6 + TITLE), 0.2  # pictures of a single box in a line, their size, between two lines
LEAST = 6  # columns: a page is at least as wide, for its legend
SIZE = 10.5  # of the sentences, points
SMALL = 8.5  # of the legend
SWATCH = 0.14  # inches
Draw = Callable[[Sheet, Diagnosis, int, Intervention, Place], None]


def boxes_over_limit(diagnosis: Diagnosis) -> list[int]:
    """The indices, among ``diagnosis.boxes``, of the boxes with an occlusion that passes its limit."""
    answers = diagnosis.interventions or ()
    return [i for i, probes in enumerate(answers)
            if any(exceeds_limit(diagnosis, i, probe) for probe in probes)][:MOST_ROWS]


def intervention_summary(diagnosis: Diagnosis) -> str:
    """How many regions were occluded and for which boxes a limit was passed, for the first page; empty without any."""
    count = sum(len(probes) for probes in diagnosis.interventions or ())
    if not count:
        return ""
    regions = f"{count} suspicious region{'s were' if count > 1 else ' was'} occluded"
    shown = [str(diagnosis.evaluated[i] + 1) for i in boxes_over_limit(diagnosis)]
    if not shown:
        return f"{regions}; no effect passed its limit."
    return (f"{regions}; an effect passes its limit for box{'es' * (len(shown) > 1)} {listed(shown)}: see the page "
            "\"interventions\".")


def intervention_pages(diagnosis: Diagnosis, rows_per_page: int, dpi: float, pages: Sequence[str]) -> Iterator[Figure]:
    """The pages of boxes with an effect over its limit, one by one; ``pages`` has the words for each."""
    order = boxes_over_limit(diagnosis)
    for start, page in zip(range(0, len(order), rows_per_page), pages, strict=True):
        columns = max(LEAST, *(len(_panels(diagnosis, i)) for i in order))
        yield _page(diagnosis, order[start:start + rows_per_page], columns, dpi, page)


def _page(diagnosis: Diagnosis, members: Sequence[int], columns: int, dpi: float, page: str) -> Figure:
    width = 2 * MARGIN + columns * (CELL[0] + ACROSS) - ACROSS
    legend = _legend(None, diagnosis, width)
    heights = [_height(diagnosis, box, width) for box in members]
    sheet = Sheet(width, HEADER + legend + sum(heights), dpi)
    draw_title(sheet, diagnosis, "interventions", page)
    _legend(sheet, diagnosis, width)
    y = HEADER + legend
    for box, height in zip(members, heights, strict=True):
        if box != members[0]:
            sheet.line((MARGIN, width - MARGIN), (y - 0.15, y - 0.15))
        _row(sheet, diagnosis, box, y)
        y += height
    return sheet.figure


def _legend(sheet: Sheet | None, diagnosis: Diagnosis, width: float) -> float:
    """Write the legend of colours, numbers and limits below the title, and return its height, inches.

    None for ``sheet`` only measures it.
    """
    fill = next(probe.suspect.fill for probes in diagnosis.interventions or () for probe in probes)
    colours = [(SUSPECT, "the occluded region; of two halves, the one with the larger loss"),
               (CONTROL, "control occlusions: the same shape elsewhere, the other half, or the object itself")]
    limit = {name: percent(share) for name, share in BOX_LIMITS.items()}
    words = [
        f"Regions are occluded one at a time (fill: {fill}). Per cent: the share of the score that is lost, negative "
        "where the score grows. px: how far the worst edge moves inward, negative outward.",
        f"Framed: the effect passes its limit. Limits for the loss minus the mean loss with the controls: a corner "
        f"{limit[CORNERS]}, the region around with the most heat {limit[CONTEXT]}. Limits for the difference between "
        f"two halves: left and right {limit[LEFT_RIGHT]}, top and bottom {limit[TOP_BOTTOM]} (over 100 % where one "
        f"half raises the score). Limit for everything around the objects, without controls: {limit[SPREAD]}. An edge "
        f"has to move inward by more than {percent(MOVED)} of the true width or height, and by more than with every "
        "control."]
    lines = [line for text in words for line in wrap(text, width - 2 * MARGIN, SMALL)]
    step, half = line_height(SMALL), (width - 2 * MARGIN) / 2
    beside = all(width_of(text, SMALL) <= half - 0.3 for _, text in colours)  # else one below the other
    if sheet is not None:
        y = HEADER - 0.05
        sheet.line((MARGIN, width - MARGIN), (y, y), width=1.2)
        for i, (colour, text) in enumerate(colours):
            x, down = (MARGIN + i * half, 0.0) if beside else (MARGIN, i * step)
            sheet.fill((x, y + down + 0.14, SWATCH, SWATCH), colour)
            sheet.write(x + SWATCH + 0.08, y + down + 0.13, text, SMALL)
        sheet.paragraph(MARGIN, y + 0.13 + step * (1 + (not beside)) + 0.06, lines, SMALL, colour=MUTED)
    return 0.14 + step * (1 + (not beside) + len(lines)) + 0.3


def _sentences(diagnosis: Diagnosis, box: int, width: float) -> list[str]:
    return wrap(" ".join(cause_sentences(diagnosis, box)), width - 2 * MARGIN, SIZE)


def _height(diagnosis: Diagnosis, box: int, width: float) -> float:
    return CAPTION + line_height(SIZE) * len(_sentences(diagnosis, box, width)) + 0.1 + CELL[1] + BELOW


def _panels(diagnosis: Diagnosis, box: int) -> list[tuple[Draw, Intervention]]:
    """The pictures of a box: effects over their limit first; an edge that moves inward has a second picture."""
    assert diagnosis.interventions is not None
    probes = sorted(diagnosis.interventions[box], key=lambda probe: not exceeds_limit(diagnosis, box, probe))
    panels: list[tuple[Draw, Intervention]] = []
    for probe in probes:
        panels.append((draw_probe, probe))
        if probe.name == EDGE and exceeds_limit(diagnosis, box, probe):
            panels.append((draw_moved_edge, probe))
    return panels


def _row(sheet: Sheet, diagnosis: Diagnosis, box: int, y: float) -> None:
    """Draw a box: its caption, its sentences, and a picture a probe."""
    y, x = _words(sheet, diagnosis, box, y), MARGIN
    for draw, probe in _panels(diagnosis, box):
        draw(sheet, diagnosis, box, probe, (x, y, *CELL))
        x += CELL[0] + ACROSS


def _words(sheet: Sheet, diagnosis: Diagnosis, box: int, y: float) -> float:
    """Write a box's caption and its sentences, and return where the pictures begin, inches."""
    i = int(diagnosis.evaluated[box])
    x = MARGIN + paper_badge(sheet, MARGIN, y, badge_of(diagnosis, i), colour_of_type(diagnosis, i)) + 0.12
    name = diagnosis.boxes.class_name(int(diagnosis.detections.labels[i]))
    words = f"{name} {diagnosis.detections.scores[i]:.2f}: {type_words(diagnosis.type_of(box))}"
    sheet.write(x, y + 0.12, shorten(words, sheet.width - MARGIN - x, 11, True), 11, bold=True, va="center_baseline")
    return sheet.paragraph(MARGIN, y + CAPTION, _sentences(diagnosis, box, sheet.width), SIZE) + 0.1


def check_figure(diagnosis: Diagnosis, box: int, dpi: float) -> Figure:
    """The pictures of a single box in question, larger and in lines of four; effects over their limit come first.

    Args:
        diagnosis: of the photograph.
        box: its index among ``diagnosis.boxes``; some region was occluded for it.
        dpi: pixels an inch.
    """
    panels = _panels(diagnosis, box)
    width = 2 * MARGIN + IN_A_LINE * (LARGE[0] + ACROSS) - ACROSS
    legend = _legend(None, diagnosis, width)
    lines = -(-len(panels) // IN_A_LINE)
    words = _height(diagnosis, box, width) - CELL[1]
    sheet = Sheet(width, HEADER + legend + words + lines * (LARGE[1] + DOWN) - DOWN, dpi)
    draw_title(sheet, diagnosis, "interventions", "")
    _legend(sheet, diagnosis, width)
    top = _words(sheet, diagnosis, box, HEADER + legend)
    for i, (draw, probe) in enumerate(panels):
        line, column = divmod(i, IN_A_LINE)
        cell = MARGIN + column * (LARGE[0] + ACROSS), top + line * (LARGE[1] + DOWN), *LARGE
        draw(sheet, diagnosis, box, probe, cell)
    return sheet.figure
