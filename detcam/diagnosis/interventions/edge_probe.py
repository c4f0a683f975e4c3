"""What to hide to find out whether a misplaced edge rests on what its map points to beyond the true edge."""

import numpy as np
from numpy.typing import NDArray

from detcam.attribution.heatmap import Heatmap
from detcam.diagnosis.interventions.intervention import Question
from detcam.diagnosis.interventions.regions import CONTROLS, Region, controls_for, in_boxes
from detcam.diagnosis.interventions.shortcut_probes import heat_at_pixels, hottest_window
from detcam.imaging.boxes import EDGES, OUTWARD, sizes

WINDOW = 0.40  # of the mean of the box's width and height: the side of the window that is hidden
EDGE = "edge"


def edge_question(heatmap: Heatmap, edge: str, box: NDArray[np.floating], true_box: NDArray[np.floating],
                  others: NDArray[np.floating], controls: int = CONTROLS, seed: int = 0) -> Question | None:
    """The window beyond the true edge that pulls an edge outward most, and the same window elsewhere.

    Controls lie off all objects, and not beyond that edge of the box either.

    Args:
        heatmap: the edge's signed map, positive where it moves the coordinate up.
        edge: which.
        box: ``[4]`` xyxy, source pixels: the detection.
        true_box: ``[4]`` its true box.
        others: ``[M, 4]`` the other objects of the photograph.
        controls: at most so many.
        seed: where their draws start from.

    Returns:
        None where nothing beyond the true edge pulls it outward.
    """
    geometry, column = heatmap.geometry, EDGES.index(edge)
    outward = Heatmap(np.clip(heatmap.values * OUTWARD[column], 0, None).astype(np.float32), heatmap.grid, geometry,
                      heatmap.layer)
    height, width = geometry.canvas
    own, true = geometry.to_canvas(np.asarray(box, float)), geometry.to_canvas(np.asarray(true_box, float))
    place = (np.arange(height) if column % 2 else np.arange(width)) + 0.5
    past = (place < true[column]) if OUTWARD[column] < 0 else (place > true[column])
    beyond = np.broadcast_to(past[:, None] if column % 2 else past[None], (height, width))
    covered = in_boxes(geometry, geometry.to_canvas(np.reshape(others, (-1, 4))))
    allowed = beyond & ~covered
    window = hottest_window(np.where(allowed, heat_at_pixels(outward), 0.0), geometry,
                            WINDOW * float(sizes(np.asarray(box, float)).mean()))
    if window is None:
        return None
    mask = np.zeros((height, width), bool)
    mask[window] = True
    mask &= allowed
    if not mask.any():
        return None
    suspect = Region(f"what pulls the {edge} edge out", mask)
    objects = covered | in_boxes(geometry, np.stack([own, true]))
    return Question(EDGE, suspect, controls_for(suspect, geometry, objects, controls, seed))
