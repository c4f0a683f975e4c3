"""The region of a flagged shortcut pattern: the photograph's corner squares, or one half of the box."""

import numpy as np
from matplotlib.axes import Axes

from detcam.diagnosis.attention.shortcuts import CORNERS, ONE_SIDE, SIDES, corner_boxes, half_boxes
from detcam.diagnosis.result import Diagnosis
from detcam.views.page.colours import PATTERN
from detcam.views.page.crop import Region
from detcam.views.page.sheet import dashed_outline


def has_marks(diagnosis: Diagnosis) -> bool:
    """Whether any box is flagged for a pattern that has a region."""
    return any(shortcuts.flags[CORNERS] or shortcuts.flags[ONE_SIDE] for shortcuts in diagnosis.shortcuts)


def mark_patterns(axes: Axes, diagnosis: Diagnosis, box: int, region: Region) -> None:
    """Outline the regions that a box is flagged for, as far as the drawn region shows them.

    Args:
        axes: the photograph's, in source pixels.
        diagnosis: of the photograph.
        box: index among ``diagnosis.boxes``.
        region: what is drawn, source pixels.
    """
    shortcuts, geometry = diagnosis.shortcuts[box], diagnosis.boxes.maps[0].heatmaps[box].geometry
    places = list(geometry.to_source(corner_boxes(geometry))) if shortcuts.flags[CORNERS] else []
    if shortcuts.flags[ONE_SIDE]:
        places.append(half_boxes(diagnosis.boxes.detections.boxes[box])[SIDES.index(shortcuts.side)])
    for place in places:
        x1, y1, x2, y2 = np.clip(place, [region.x1, region.y1] * 2, [region.x2, region.y2] * 2)
        if x2 > x1 and y2 > y1:
            dashed_outline(axes, (x1, y1, x2, y2), PATTERN, zorder=4)
