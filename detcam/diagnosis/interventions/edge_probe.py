"""What to occlude to test whether evidence beyond the true edge moves a misplaced edge outward."""

import numpy as np
from numpy.typing import NDArray

from detcam.attribution.heatmap import Heatmap
from detcam.diagnosis.interventions.intervention import Probe
from detcam.diagnosis.interventions.regions import CONTROLS, Region, controls_for, in_boxes
from detcam.diagnosis.interventions.shortcut_probes import heat_at_pixels, hottest_window
from detcam.imaging.boxes import EDGES, OUTWARD, sizes

WINDOW = 0.40  # of the mean of the box's width and height: the side of the window that is occluded
EDGE = "edge"


def edge_probe(heatmap: Heatmap, edge: str, box: NDArray[np.floating], true_box: NDArray[np.floating],
               others: NDArray[np.floating], controls: int = CONTROLS, seed: int = 0) -> Probe | None:
    """The window beyond the true edge with the most evidence that moves the edge outward, and controls.

    Controls have the window's shape; they lie on no object, and do not touch the window or each other.

    Args:
        heatmap: the edge's signed map, positive where it moves the coordinate up.
        edge: one of ``"left"``, ``"top"``, ``"right"`` and ``"bottom"``.
        box: ``[4]`` xyxy, source pixels: the detection.
        true_box: ``[4]`` xyxy, source pixels: its true box.
        others: ``[M, 4]`` xyxy, source pixels: the other objects of the photograph.
        controls: number of controls at most.
        seed: of the random draws of their places.

    Returns:
        None where no evidence beyond the true edge moves it outward.
    """
    geometry, column = heatmap.geometry, EDGES.index(edge)
    outward = Heatmap(np.clip(heatmap.values * OUTWARD[column], 0, None).astype(np.float32), heatmap.grid, geometry,
                      heatmap.layer)
    height, width = geometry.canvas
    on_canvas, true = geometry.to_canvas(np.asarray(box, float)), geometry.to_canvas(np.asarray(true_box, float))
    centres = (np.arange(height) if column % 2 else np.arange(width)) + 0.5
    past = (centres < true[column]) if OUTWARD[column] < 0 else (centres > true[column])
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
    suspect = Region(f"beyond the {edge} edge", mask)
    objects = covered | in_boxes(geometry, np.stack([on_canvas, true]))
    return Probe(EDGE, suspect, controls_for(suspect, geometry, objects, controls, seed))
