"""One class's row: the classifier's input, each method's heat alone, and the heat over the input."""

import numpy as np

from detcam.views.explanation.row import Rows
from detcam.views.page.colours import heat_alone
from detcam.views.page.crop import Region, heat_in
from detcam.views.page.layout import CAPTION, GAP, MARGIN, PANEL
from detcam.views.page.scale import status_of
from detcam.views.page.sheet import Place, Sheet, fitted


class ClassRows(Rows):
    """Draws rows of a classifier's explanation, whose heat covers the classifier's input only."""

    def _crop(self, index: int) -> Region:
        image = self.explanation.image
        x1, y1, x2, y2 = self.explanation.detections.boxes[index].round().astype(int)
        left, top = min(max(x1, 0), image.width - 1), min(max(y1, 0), image.height - 1)
        return Region(left, top, max(min(x2, image.width), left + 1), max(min(y2, image.height), top + 1))

    def draw(self, sheet: Sheet, index: int, y: float) -> None:
        layout, region = self.layout, self._crop(index)
        self._caption(sheet, index, y)
        y += CAPTION
        place = fitted(region, (MARGIN, y, layout.crop, PANEL))
        sheet.photograph(self._pixels(region, sheet.size(place)), region, place)
        for method, x in enumerate(layout.pairs):
            self._alone(sheet, method, index, region, (x, y, layout.crop, PANEL))
            self._heat(sheet, method, index, region, (x + layout.crop + GAP, y, layout.whole, PANEL), width=0)

    def _alone(self, sheet: Sheet, method: int, index: int, region: Region, cell: Place) -> None:
        """Draw a method's heat alone; an empty picture where there is none."""
        heatmap, top = self.explanation.maps[method].heatmaps[index], self.scale.tops[method, index]
        place = fitted(region, cell)
        size = sheet.size(place)
        heat = np.zeros((size[1], size[0])) if status_of(heatmap) else heat_in(heatmap, region, size) / top
        sheet.photograph(heat_alone(heat, self.cmap, heatmap.signed), region, place)
