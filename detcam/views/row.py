"""One detection's row: its crop, then each method's heat on the crop and on the whole photograph."""

from functools import lru_cache
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes

from detcam.attribution.heatmap import Heatmap
from detcam.explain import Explanation
from detcam.imaging.boxes import EDGES
from detcam.views.colours import MUTED, box_colour, faded, laid_over, laid_over_signed
from detcam.views.crop import Region, around, heat_in, pixels, whole
from detcam.views.layout import CAPTION, EDGE_MAP_CAPTION, GAP, GROUP_GAP, MARGIN, PANEL, Layout
from detcam.views.lettering import shorten, width_of, wrap
from detcam.views.numbers import draw_bars, draw_edges
from detcam.views.scale import Scale, status_of
from detcam.views.sheet import Place, Sheet, fitted, letter, line_height, outline, thin_outline

BADGE = 0.24  # height of a number's badge


class Rows:
    """Draws rows of one explanation.

    Attributes:
        explanation: what is drawn.
        layout: where.
        scale: what full colour means.
        cmap: the colours of heat.
    """

    def __init__(self, explanation: Explanation, layout: Layout, scale: Scale, cmap: str) -> None:
        self.explanation, self.layout, self.scale, self.cmap = explanation, layout, scale, cmap
        self._pixels = lru_cache(maxsize=4)(lambda region, size: pixels(explanation.image, region, size))

    def draw(self, sheet: Sheet, index: int, y: float) -> None:
        """Draw the detection at ``index``, the row's top at ``y`` inches."""
        layout, image = self.layout, self.explanation.image
        box = self.explanation.detections.boxes[index]
        self._caption(sheet, index, y)
        y += CAPTION
        crop = around(box, image, layout.crop / PANEL)
        colour = box_colour(self.explanation.numbered[index])
        place = fitted(crop, (MARGIN, y, layout.crop, PANEL))
        axes = sheet.photograph(self._pixels(crop, sheet.size(place)), crop, place)
        outline(axes, box, crop, colour)
        for method, x in enumerate(layout.pairs):
            self._heat(sheet, method, index, crop, (x, y, layout.crop, PANEL))
            place = (x + layout.crop + GAP, y, layout.whole, PANEL)
            axes = self._heat(sheet, method, index, whole(image), place, width=1.2)
            for other in np.delete(self.explanation.detections.boxes, index, 0):
                thin_outline(axes, other)
        draw_bars(sheet, self.explanation, index, (layout.numbers, y, layout.bar, PANEL))
        draw_edges(sheet, self.explanation, index, (layout.edges, y, layout.width - MARGIN - layout.edges, PANEL))
        if layout.edge_maps:
            self._edge_maps(sheet, index, crop, y + PANEL)

    def _caption(self, sheet: Sheet, index: int, y: float) -> None:
        found, number = self.explanation.detections, self.explanation.numbered[index]
        layers = dict.fromkeys(maps.heatmaps[index].layer for maps in self.explanation.maps)
        x1, y1, x2, y2 = found.boxes[index]
        where = (f"heat from layer {', '.join(layers)}   ·   {x2 - x1:.0f} × {y2 - y1:.0f} px at "
                 f"({x1:.0f}, {y1:.0f})   ·   level {found.levels[index]}")
        middle = y + BADGE / 2
        x = MARGIN + badge(sheet, MARGIN, y, number) + 0.1
        room = self.layout.width - MARGIN - x
        name = shorten(self.explanation.class_name(int(found.labels[index])), room * 0.45, 11, True)
        sheet.write(x, middle, name, 11, bold=True, va="center_baseline")
        x += width_of(name, 11, True) + 0.12
        score = f"{found.scores[index]:.2f}"
        sheet.write(x, middle, score, 11, va="center_baseline")
        x += width_of(score, 11) + 0.3
        sheet.write(x, middle, shorten(where, self.layout.width - MARGIN - x, 8.5), 8.5, colour=MUTED,
                    va="center_baseline")

    def _heat(self, sheet: Sheet, method: int, index: int, region: Region, cell: Place, width: float = 1.8) -> Axes:
        """A region under one method's heat, with the detection's box; words instead where there is no heat."""
        heatmap, top = self.explanation.maps[method].heatmaps[index], self.scale.tops[method, index]
        place = fitted(region, cell)
        size = sheet.size(place)
        rgb = self._pixels(region, size)
        status = status_of(heatmap)
        if status is None:
            drawn = laid_over(rgb, (heat_in(heatmap, region, size) / top).clip(0, 1), self.cmap)
        else:
            drawn = (faded(rgb) * 90 + 30).astype(np.uint8)
        axes = sheet.photograph(drawn, region, place)
        outline(axes, self.explanation.detections.boxes[index], region, width=width)
        if status is not None:
            say(axes, place, *status)
        return axes

    def _edge_maps(self, sheet: Sheet, index: int, crop: Region, y: float) -> None:
        assert self.explanation.edges is not None and self.explanation.edges.maps is not None
        four = self.explanation.edges.maps[index]
        top = max(float(np.abs(np.nan_to_num(each.values)).max(initial=0)) for each in four)
        x = self.layout.pairs[0]
        sheet.write(MARGIN, y + EDGE_MAP_CAPTION + 0.05, "What moves each edge", 9, bold=True)
        words = (f"Signed evidence at layer {four[0].layer}. Red pushes the edge right or down, blue left or up; "
                 "full colour is the largest value of this box's four maps, 0 is clear.")
        sheet.paragraph(MARGIN, y + EDGE_MAP_CAPTION + 0.05 + 1.2 * line_height(9),
                        wrap(words, self.layout.crop - 0.05, 8), 8, colour=MUTED)
        for name, heatmap in zip(EDGES, four, strict=True):
            cell = (x, y + EDGE_MAP_CAPTION, self.layout.crop, PANEL)
            sheet.write(x + self.layout.crop / 2, y + EDGE_MAP_CAPTION - 0.04, f"{name} edge", 8.5, ha="center",
                        va="bottom")
            self._edge_map(sheet, index, EDGES.index(name), heatmap, top, crop, cell)
            x += self.layout.crop + GROUP_GAP / 2

    def _edge_map(self, sheet: Sheet, index: int, column: int, heatmap: Heatmap, top: float, crop: Region, cell: Place
                  ) -> None:
        place = fitted(crop, cell)
        size = sheet.size(place)
        heat = heat_in(heatmap, crop, size) / (top or 1)
        axes = sheet.photograph(laid_over_signed(self._pixels(crop, size), np.nan_to_num(heat).clip(-1, 1)), crop,
                                place)
        box = self.explanation.detections.boxes[index]
        outline(axes, box, crop, width=0.8)
        x1, y1, x2, y2 = box
        ends = {0: (x1, y1, x1, y2), 1: (x1, y1, x2, y1), 2: (x2, y1, x2, y2), 3: (x1, y2, x2, y2)}[column]
        outline(axes, np.array(ends), crop, width=2.6)
        if not heatmap.values.any():
            say(axes, place, *(status_of(heatmap) or ("zero", "")))


def badge(sheet: Sheet, x: float, y: float, number: int) -> float:
    """A detection's number on its colour; the badge's width in inches is returned."""
    width = max(BADGE, width_of(str(number), 10, True) + 0.14)
    sheet.fill((x, y, width, BADGE), box_colour(number))
    sheet.write(x + width / 2, y + BADGE / 2, str(number), 10, bold=True, colour="white", ha="center",
                va="center_baseline")
    return width


def say(axes: Axes, place: Place, name: str, sentence: str) -> None:
    """Write a status over a picture, as large as it fits."""
    (left, right), (bottom, top) = axes.get_xlim(), axes.get_ylim()
    lines = wrap(sentence, max(place[2] - 0.1, 0.6), 8)
    height = (bottom - top) / place[3]  # source pixels an inch
    y = (top + bottom) / 2 - height * line_height(8) * len(lines) / 2
    letter(axes, (left + right) / 2, y, name, 10, bold=True, colour="white", ha="center", va="bottom", casing="black")
    for line in lines:
        letter(axes, (left + right) / 2, y + height * 0.04, line, 8, colour="white", ha="center", casing="black")
        y += height * line_height(8)


def file_name(name: str) -> str:
    """The last part of a photograph's path."""
    return Path(name).name or name
