"""A part of a photograph under heat, with a box on it; the reason instead where there is no heat."""

import numpy as np
from matplotlib.axes import Axes
from numpy.typing import NDArray

from detcam.attribution.heatmap import Heatmap
from detcam.views.page.colours import faded
from detcam.views.page.crop import Region, under_heat
from detcam.views.page.scale import status_of
from detcam.views.page.sheet import Place, Sheet, outline, say

DARK = 110  # of 255: how bright the photograph is at most below text


def draw_heat(sheet: Sheet, rgb: NDArray[np.uint8], heatmap: Heatmap, region: Region, place: Place, top: float,
              cmap: str, box: NDArray[np.floating] | None = None, width: float = 1.8, colour: str = "white") -> Axes:
    """Draw a region under one map's heat.

    Args:
        sheet: the page.
        rgb: the region's pixels as large as they are drawn, uint8 ``[h, w, 3]``.
        heatmap: the map.
        region: what is drawn, source pixels.
        place: left, top, width and height on the page, inches.
        top: the raw value of full colour.
        cmap: colours of heat without a sign.
        box: ``[4]`` xyxy, source pixels, drawn on top; None for none.
        width: of its line, points.
        colour: of its line.
    """
    status = status_of(heatmap)
    drawn = under_heat(rgb, heatmap, region, top, cmap) if status is None else (faded(rgb) * DARK).astype(np.uint8)
    axes = sheet.photograph(drawn, region, place)
    if box is not None:
        outline(axes, box, region, colour, width)
    if status is not None:
        say(axes, place, *status)
    return axes
