"""How to read a page: the scale of the colours, and what each panel says."""

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
    """What is said beside the overview: about the heat, and about the numbers; only the necessary where ``short``."""
    heat = [("", scale.words())]
    if not short:
        heat.append(
            ("Outline", "the part of the photograph that the classifier sees.") if explanation.classified else
            ("Outlines", "the asked place a cross or dashed, rows that are no detections pink, detections in their "
             "colours." if explanation.verdicts else "the detected box thick, other detections thin."))
        for maps in explanation.maps:
            known = entry_of(maps.method)
            heat.append((maps.method, known.description if known else "a method of your own."))
    numbers = []
    if not short and not explanation.classified:
        numbers.append(("Where the heat lies", "shares of the heat; they add up to 1. Ring: a quarter of the "
                        "box's width and height around it. They describe; they do not tell a good box from a bad one."))
    if explanation.edges is not None:
        if not short:
            numbers.append(("What each edge rests on", "how strongly a layer pushes that edge to and fro, over the "
                            "box's width or height. More evidence goes with a larger error; the edge with the most, "
                            "in red, is the likeliest to be off."))
        numbers.append(("Reference", reference_words(explanation)))
    return [(f"Heat: {heat_words(explanation)}", heat), ("Numbers", numbers)][:2 if numbers else 1]


def heat_words(explanation: Explanation) -> str:
    """What the heat is, by what was explained."""
    target = next((maps.target for maps in explanation.maps if maps.target in BOX_TARGETS), None)
    if target is not None:
        return f"what moves the box's {target}" if target in EDGES else f"what changes the box's {target}"
    if any(maps.poles for maps in explanation.maps):
        return "what speaks for this box, and what for the other"
    return f"what speaks for the {'class' if explanation.classified else 'box'}"


def reference_words(explanation: Explanation) -> str:
    """What the evidence is compared with."""
    reference = explanation.provenance.get("reference")
    if explanation.percentiles is None:
        return "none for these weights: numbers are not ranked."
    reference = reference or {}
    same = "" if reference.get("same_weights", True) else "measured on other weights of this architecture"
    source = ", ".join(filter(None, (reference.get("source"), same)))
    return "p 92 = more than on 92 % of sound boxes of similar size" + (f" ({source})." if source else ".")


def _beside(columns: list[Column], width: float) -> tuple[bool, float]:
    """Whether the columns stand side by side in ``width`` inches, and how wide each is."""
    if len(columns) > 1 and width >= 2 * NARROWEST + COLUMN_GAP:
        return True, min((width - COLUMN_GAP) / 2, COLUMN)
    return False, min(width, COLUMN)


def _height(column: Column, width: float, first: bool) -> float:
    texts = sum(len(_lines(*each, width)) * line_height(SIZE) + SPACE for each in column[1])
    return HEADING + texts + (SCALE_BLOCK if first else 0) + SPACE


def legend_height(columns: list[Column], width: float) -> float:
    """Inches that a legend takes."""
    beside, each = _beside(columns, width)
    heights = [_height(column, each, column is columns[0]) for column in columns]
    return max(heights) if beside else sum(heights)


def _lines(title: str, text: str, width: float) -> list[str]:
    return wrap(f"{title}: {text}" if title else text, width, SIZE)


@dataclass(frozen=True)
class Key:
    """The colour bar: its colours ``[1, n, 3]``, and what its left end, its middle and its right end stand for."""

    colours: NDArray[np.uint8]
    words: tuple[str, str, str]


def key_of(cmap: str, poles: tuple[str, str] | None) -> Key:
    """The colours of heat, or of signed heat where the signs say something."""
    if poles is None:
        return Key(bar(cmap), ("none", "50 %", "100 %"))
    return Key(bar("", signed=True), (poles[0], "none", poles[1]))


def draw_key(sheet: Sheet, key: Key, x: float, y: float, width: float) -> None:
    """Draw a colour bar with its words below."""
    sheet.photograph(key.colours, Region(0, 0, key.colours.shape[1], 1), (x, y, width, BAR_HEIGHT))
    for share, words, ha in zip((0.0, 0.5, 1.0), key.words, ("left", "center", "right"), strict=True):
        sheet.write(x + width * share, y + BAR_HEIGHT + 0.03, words, 8, ha=ha)


def draw_legend(sheet: Sheet, columns: list[Column], key: Key, x: float, y: float, width: float) -> None:
    """Write the legend with its top left corner at ``(x, y)``, the first column with the colour bar."""
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
