"""Where a flagged pattern of a box's heat lies: the photograph's corner squares, or one half of the box."""

import numpy as np
from matplotlib.axes import Axes

from detcam.diagnosis.attention.shortcuts import CORNERS, ONE_SIDE, SIDES, corner_boxes, half_boxes
from detcam.diagnosis.result import Diagnosis
from detcam.views.page.colours import PATTERN
from detcam.views.page.crop import Region
from detcam.views.page.sheet import dashed_outline


def has_marks(diagnosis: Diagnosis) -> bool:
    """Whether any box's heat is flagged for a pattern that has a place."""
    return any(own.flags[CORNERS] or own.flags[ONE_SIDE] for own in diagnosis.shortcuts)


def mark_patterns(axes: Axes, diagnosis: Diagnosis, box: int, region: Region) -> None:
    """Outline what a box's heat is flagged for, as far as the drawn region shows it; nothing where it is not."""
    own, geometry = diagnosis.shortcuts[box], diagnosis.boxes.maps[0].heatmaps[box].geometry
    places = list(geometry.to_source(corner_boxes(geometry))) if own.flags[CORNERS] else []
    if own.flags[ONE_SIDE]:
        places.append(half_boxes(diagnosis.boxes.detections.boxes[box])[SIDES.index(own.side)])
    for place in places:
        x1, y1, x2, y2 = np.clip(place, [region.x1, region.y1] * 2, [region.x2, region.y2] * 2)
        if x2 > x1 and y2 > y1:
            dashed_outline(axes, (x1, y1, x2, y2), PATTERN, zorder=4)
