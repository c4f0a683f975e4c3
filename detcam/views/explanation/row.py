"""One detection's row: its crop, then each method's heat on the crop and on the whole photograph."""

from functools import lru_cache

import numpy as np
from matplotlib.axes import Axes

from detcam.attribution.heatmap import Heatmap
from detcam.explanations.explanation import Explanation
from detcam.views.explanation.edge_maps import draw_edge_maps, edge_maps_height
from detcam.views.explanation.numbers import draw_bars, draw_edges
from detcam.views.explanation.place import colour_of, draw_place, draw_rivals, draw_verdict, verdict_height
from detcam.views.page.badges import BADGE, paper_badge
from detcam.views.page.colours import MUTED
from detcam.views.page.crop import Region, around, pixels, whole
from detcam.views.page.draw_heat import draw_heat
from detcam.views.page.layout import BELOW, CAPTION, GAP, MARGIN, PANEL, Layout
from detcam.views.page.lettering import listed, shorten, width_of
from detcam.views.page.scale import Scale
from detcam.views.page.sheet import Place, Sheet, fitted, outline, thin_outline

NAME = 5.0  # widest that a class name is written
MOST_OTHERS = 60  # other boxes drawn on a row's whole photograph


class Rows:
    """Draws rows of one explanation.

    Attributes:
        explanation: one photograph's.
        layout: the columns of the page.
        scale: what full colour means.
        cmap: a Matplotlib colour map for the heat.
    """

    def __init__(self, explanation: Explanation, layout: Layout, scale: Scale, cmap: str) -> None:
        self.explanation, self.layout, self.scale, self.cmap = explanation, layout, scale, cmap
        self._pixels = lru_cache(maxsize=4)(lambda region, size: pixels(explanation.image, region, size))

    def _crop(self, index: int) -> Region:
        box = self.explanation.detections.boxes[index]
        return around(box, self.explanation.image, self.layout.crop / PANEL)

    def height(self, index: int) -> float:
        """The height of the row of the detection at ``index``, inches."""
        extra = edge_maps_height(self._crop(index), self.layout) if self.layout.edge_maps else 0.0
        return CAPTION + verdict_height(self.explanation, index, self.layout) + PANEL + extra + BELOW

    def draw(self, sheet: Sheet, index: int, y: float) -> None:
        """Draw the detection at ``index``, the row's top at ``y`` inches."""
        layout, image, crop = self.layout, self.explanation.image, self._crop(index)
        boxes = self.explanation.detections.boxes
        self._caption(sheet, index, y)
        y = draw_verdict(sheet, self.explanation, index, layout, y + CAPTION)
        place = fitted(crop, (MARGIN, y, layout.crop, PANEL))
        axes = sheet.photograph(self._pixels(crop, sheet.size(place)), crop, place)
        draw_rivals(axes, self.explanation, index, crop)
        outline(axes, boxes[index], crop, colour_of(self.explanation, index))
        draw_place(axes, self.explanation, index, crop)
        for method, x in enumerate(layout.pairs):
            self._heat(sheet, method, index, crop, (x, y, layout.crop, PANEL))
            place = (x + layout.crop + GAP, y, layout.whole, PANEL)
            axes = self._heat(sheet, method, index, whole(image), place, width=1.2)
            for other in np.delete(boxes, index, 0)[:MOST_OTHERS]:
                thin_outline(axes, other)
        draw_bars(sheet, self.explanation, index, (layout.numbers, y, layout.bar, PANEL))
        draw_edges(sheet, self.explanation, index, (layout.edges, y, layout.width - MARGIN - layout.edges, PANEL))
        if layout.edge_maps:
            draw_edge_maps(sheet, self.explanation, index, crop, layout, y + PANEL)

    def _caption(self, sheet: Sheet, index: int, y: float) -> None:
        found = self.explanation.detections
        x1, y1, x2, y2 = found.boxes[index]
        where = (f"heat from {self._layers(index)}{self._target(index)}   ·   {x2 - x1:.0f} by {y2 - y1:.0f} px at "
                 f"({x1:.0f}, {y1:.0f})")
        where += f"   ·   level {found.levels[index]}" if found.levels[index] >= 0 else ""
        middle = y + BADGE / 2
        x = MARGIN + paper_badge(sheet, MARGIN, y, str(self.explanation.numbered[index]),
                                 colour_of(self.explanation, index)) + 0.1
        room = self.layout.width - MARGIN - x
        name = shorten(self.explanation.class_name(int(found.labels[index])), min(room * 0.45, NAME), 11, True)
        sheet.write(x, middle, name, 11, bold=True, va="center_baseline")
        x += width_of(name, 11, True) + 0.12
        score = f"{found.scores[index]:.2f}"
        sheet.write(x, middle, score, 11, va="center_baseline")
        x += width_of(score, 11) + 0.3
        sheet.write(x, middle, shorten(where, self.layout.width - MARGIN - x, 8.5), 8.5, colour=MUTED,
                    va="center_baseline")

    def _target(self, index: int) -> str:
        """This detection's target, where the columns' titles do not name it."""
        first = self.explanation.maps[0]
        return f"   ·   {first.target_of(index)}" if first.targets else ""

    def _layers(self, index: int) -> str:
        """The layer of each method's heat, in words."""
        methods: dict[str, list[str]] = {}
        for maps in self.explanation.maps:
            methods.setdefault(layer_words(maps.heatmaps[index]), []).append(maps.method)
        if len(methods) == 1:
            return f"layer {next(iter(methods))}"
        return listed(f"{layer} ({', '.join(names)})" for layer, names in methods.items())

    def _heat(self, sheet: Sheet, method: int, index: int, region: Region, cell: Place, width: float = 1.8) -> Axes:
        """Draw a region under one method's heat with the box (none of width 0), or the reason why there is no heat."""
        heatmap, top = self.explanation.maps[method].heatmaps[index], self.scale.tops[method, index]
        place = fitted(region, cell)
        box = self.explanation.detections.boxes[index] if width else None
        return draw_heat(sheet, self._pixels(region, sheet.size(place)), heatmap, region, place, top, self.cmap, box,
                         width)


def layer_words(heatmap: Heatmap) -> str:
    """A map's layer; for a fused map every layer with the number that its map was divided by."""
    if not heatmap.scales:
        return heatmap.layer
    return " + ".join(f"{name} / {scale:.2g}" if scale else f"{name} (zero)"
                      for name, scale in heatmap.scales.items())
