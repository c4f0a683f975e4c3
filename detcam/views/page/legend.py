"""How to read a page: the scale of the colours, and what each panel shows."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from detcam.attribution.methods.registry import entry_of
from detcam.detectors.base import BOX_TARGETS
from detcam.explanations.explanation import Explanation
from detcam.imaging.boxes import EDGES
from detcam.views.page.colours import INK, MUTED, bar
from detcam.views.page.crop import Region
from detcam.views.page.lettering import shorten, wrap
from detcam.views.page.scale import Scale
from detcam.views.page.sheet import Sheet, line_height

SIZE = 8.5
BAR_HEIGHT, BAR_WIDTH = 0.16, 2.6
HEADING = 0.26  # a column's heading
SCALE_BLOCK = 0.4  # the colour bar with its ends
SPACE = 0.09  # between two paragraphs
COLUMN, COLUMN_GAP = 6.0, 0.4  # widest that a column is easy to read; between two
NARROWEST = 3.9

Column = tuple[str, list[tuple[str, str]]]
"""A heading, and paragraphs with their titles."""


def legend_columns(explanation: Explanation, scale: Scale, short: bool) -> list[Column]:
    """The texts beside the overview, about the heat and about the numbers; only the most necessary where ``short``."""
    heat = [("", scale.words())]
    if not short:
        heat.append(
            ("Outline", "the part of the photograph that is the classifier's input.") if explanation.classified else
            ("Outlines", "cross or dashes: the place in question; pink: rows that were not detected; other colours: "
             "detections." if explanation.verdicts else "thick: this detection; thin: the other detections."))
        for maps in explanation.maps:
            known = entry_of(maps.method)
            heat.append((maps.method, known.description if known else "your own method."))
    numbers = []
    if not short and not explanation.classified:
        numbers.append(("Where the heat lies", "the share of the heat in each region; together 100 %. Ring: a margin "
                        "of a quarter of the box's width and height. The shares do not tell good boxes from bad ones."))
    if explanation.edges is not None:
        if not short:
            numbers.append(("Evidence on each edge", "the sum of |gradient \u00d7 activation| for this edge at one "
                            "layer, over the box's width or height. More evidence goes with a larger localization "
                            "error: the edge with the most, in red, is the likeliest to be off."))
        numbers.append(("Reference", reference_words(explanation)))
    return [(f"Heat: {heat_words(explanation)}", heat), ("Numbers", numbers)][:2 if numbers else 1]


def heat_words(explanation: Explanation) -> str:
    """What the heat stands for, by the target that was explained."""
    target = next((maps.target for maps in explanation.maps if maps.target in BOX_TARGETS), None)
    if target is not None:
        return f"what moves the box's {target} edge" if target in EDGES else f"what changes the box's {target}"
    if any(maps.sign_meanings for maps in explanation.maps):
        return "evidence for this box and for the other box"
    return f"evidence for the {'class' if explanation.classified else 'box'}"


def reference_words(explanation: Explanation) -> str:
    """What the evidence on the edges is ranked by."""
    reference = explanation.provenance.get("reference")
    if explanation.percentiles is None:
        return "none for these weights, so the evidence is not ranked."
    reference = reference or {}
    same = "" if reference.get("same_weights", True) else "measured on other weights of this architecture"
    source = ", ".join(filter(None, (reference.get("source"), same)))
    return "p 92: more evidence than for 92 % of accurate boxes of similar size" + (f" ({source})." if source else ".")


def _beside(columns: list[Column], width: float) -> tuple[bool, float]:
    """Whether the columns fit side by side into ``width`` inches, and the width of each."""
    if len(columns) > 1 and width >= 2 * NARROWEST + COLUMN_GAP:
        return True, min((width - COLUMN_GAP) / 2, COLUMN)
    return False, min(width, COLUMN)


def _height(column: Column, width: float, first: bool) -> float:
    texts = sum(len(_lines(*each, width)) * line_height(SIZE) + SPACE for each in column[1])
    return HEADING + texts + (SCALE_BLOCK if first else 0) + SPACE


def legend_height(columns: list[Column], width: float) -> float:
    """The height of a legend, inches."""
    beside, each = _beside(columns, width)
    heights = [_height(column, each, column is columns[0]) for column in columns]
    return max(heights) if beside else sum(heights)


def _lines(title: str, text: str, width: float) -> list[str]:
    return wrap(f"{title}: {text}" if title else text, width, SIZE)


@dataclass(frozen=True)
class Key:
    """The colour bar: its colours, uint8 ``[1, n, 3]``, and the words for its left end, middle and right end."""

    colours: NDArray[np.uint8]
    words: tuple[str, str, str]


def key_of(cmap: str, sign_meanings: tuple[str, str] | None) -> Key:
    """The colour bar of heat; of signed heat where ``sign_meanings`` has words for negative and positive values."""
    if sign_meanings is None:
        return Key(bar(cmap), ("none", "50 %", "100 %"))
    return Key(bar("", signed=True), (sign_meanings[0], "none", sign_meanings[1]))


def draw_key(sheet: Sheet, key: Key, x: float, y: float, width: float) -> None:
    """Draw a colour bar with its words below; all in inches."""
    sheet.photograph(key.colours, Region(0, 0, key.colours.shape[1], 1), (x, y, width, BAR_HEIGHT))
    for share, words, ha in zip((0.0, 0.5, 1.0), key.words, ("left", "center", "right"), strict=True):
        sheet.write(x + width * share, y + BAR_HEIGHT + 0.03, words, 8, ha=ha)


def draw_legend(sheet: Sheet, columns: list[Column], key: Key, x: float, y: float, width: float) -> None:
    """Write the legend with its top left corner at ``(x, y)`` inches, the first column with the colour bar."""
    beside, each = _beside(columns, width)
    for column in columns:
        _column(sheet, column, key if column is columns[0] else None, x, y, each)
        if beside:
            x += each + COLUMN_GAP
        else:
            y += _height(column, each, column is columns[0])


def _column(sheet: Sheet, column: Column, key: Key | None, x: float, y: float, width: float) -> None:
    sheet.write(x, y, column[0], 9.5, bold=True)
    y += HEADING
    if key is not None:
        draw_key(sheet, key, x, y, min(BAR_WIDTH, width))
        y += SCALE_BLOCK
    for title, text in column[1]:
        end = sheet.paragraph(x, y, _lines(title, text, width), SIZE, colour=MUTED)
        if title:
            sheet.write(x, y, shorten(f"{title}:", width, SIZE), SIZE, colour=INK)
        y = end + SPACE
