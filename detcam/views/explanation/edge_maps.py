"""The four signed maps of a detection: what moves each of its edges, and in which direction."""

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes

from detcam.attribution.heatmap import Heatmap
from detcam.explanations.explanation import Explanation
from detcam.imaging.boxes import EDGES
from detcam.views.explanation.numbers import worst_edge
from detcam.views.page.colours import MUTED, bar, laid_over_signed
from detcam.views.page.crop import Region, heat_in, pixels
from detcam.views.page.layout import EDGE_MAP_CAPTION, GAP, GROUP_GAP, MARGIN, PANEL, Layout
from detcam.views.page.lettering import wrap
from detcam.views.page.scale import status_of
from detcam.views.page.sheet import Place, Sheet, fitted, line_height, outline, say

WORDS_HEIGHT = 1.9  # of the legend beside the maps, inches
TOP = 99.9  # percentile of a detection's absolute values at full colour


def _cells(layout: Layout) -> float:
    """Width of each of the four maps, inches."""
    return min((layout.width - MARGIN - layout.pairs[0] - 3 * GROUP_GAP / 2) / 4, 1.5 * PANEL)


def edge_maps_height(crop: Region, layout: Layout) -> float:
    """The height of the maps below a row, inches."""
    return EDGE_MAP_CAPTION + max(fitted(crop, (0, 0, _cells(layout), PANEL))[3], WORDS_HEIGHT) + GAP


def draw_edge_maps(sheet: Sheet, explanation: Explanation, index: int, crop: Region, layout: Layout, y: float) -> None:
    """Draw the maps of one detection below its row, which ends at ``y`` inches."""
    assert explanation.edges is not None
    assert explanation.edges.maps is not None
    four = explanation.edges.maps[index]
    y += EDGE_MAP_CAPTION
    _words(sheet, four[0].layer, layout.crop, y)
    top = full_colour(four)
    x, width = layout.pairs[0], _cells(layout)
    for column, (name, heatmap) in enumerate(zip(EDGES, four, strict=True)):
        place = fitted(crop, (x, y, width, PANEL))
        worst = worst_edge(explanation, index) == column
        words = f"{name} edge" + (": most evidence" if worst else "")
        sheet.write(place[0], y - 0.05, words, 8.5, va="bottom", bold=worst)
        draw_edge_map(sheet, explanation, index, column, heatmap, top, crop, place)
        x += width + GROUP_GAP / 2


def full_colour(four: Sequence[Heatmap]) -> float:
    """The absolute raw value of full colour, the same for all four maps of a detection."""
    return float(np.percentile(np.abs(np.nan_to_num(np.concatenate([edge.values.ravel() for edge in four]))), TOP))


def _words(sheet: Sheet, layer: str, width: float, y: float) -> None:
    sheet.write(MARGIN, y, "what moves each edge", 9, bold=True)
    y += line_height(9)
    colours = bar("", signed=True)
    sheet.photograph(colours, Region(0, 0, colours.shape[1], 1), (MARGIN, y + 0.02, width - 0.05, 0.13))
    y += 0.19
    sheet.write(MARGIN, y, "left, up", 8)
    sheet.write(MARGIN + width / 2, y, "0", 8, ha="center")
    sheet.write(MARGIN + width - 0.05, y, "right, down", 8, ha="right")
    text = (f"Signed maps of layer {layer}. Full colour: the {TOP:g}th percentile of the absolute values of this box's "
            "four maps.")
    sheet.paragraph(MARGIN, y + line_height(8) + 0.03, wrap(text, width - 0.05, 8), 8, colour=MUTED)


def draw_edge_map(sheet: Sheet, explanation: Explanation, index: int, column: int, heatmap: Heatmap, top: float,
                  crop: Region, place: Place, colour: str = "white") -> Axes:
    """Draw one edge's map on a crop, the box thin and that edge thick.

    Args:
        sheet: the page.
        explanation: one photograph's.
        index: of the detection.
        column: index of the edge among left, top, right, bottom.
        heatmap: that edge's signed map.
        top: the absolute raw value of full colour.
        crop: what is drawn, source pixels.
        place: left, top, width and height on the page, inches.
        colour: of the box.
    """
    size = sheet.size(place)
    heat = np.nan_to_num(heat_in(heatmap, crop, size)) / (top or 1)
    axes = sheet.photograph(laid_over_signed(pixels(explanation.image, crop, size), heat.clip(-1, 1)), crop, place)
    box = explanation.detections.boxes[index]
    x1, y1, x2, y2 = box
    outline(axes, box, crop, colour, 0.8)
    ends = ((x1, y1, x1, y2), (x1, y1, x2, y1), (x2, y1, x2, y2), (x1, y2, x2, y2))[column]
    outline(axes, np.array(ends), crop, colour, 2.6)
    if not heatmap.values.any():
        status = status_of(heatmap)
        say(axes, place, *(status or ("zero", "")))
    return axes
