"""How clear the outline in a box is, on the heatmap of a classifier that knows nothing of the box.

`scripts/measure_clarity.py` measures how well these numbers correlate with a box's localization error.
"""

import numpy as np
from numpy.typing import NDArray

from detcam.attribution.heatmap import Heatmap
from detcam.detectors.canvas import Canvas
from detcam.imaging.boxes import areas
from detcam.imaging.grid import Grid

WHAT_IS_KNOWN = (
    "It does not tell a good box from a bad one: among 109 persons that YOLOv8n found and squeezenet1_1 saw, its rank "
    "correlation with 1 - IoU was -0.23 [-0.40, -0.03], and -0.03 [-0.21, 0.17] once the size of the box was taken out "
    "(docs/measurements/clarity.md).")
"""A test compares the numbers with docs/measurements/clarity-yolov8n-squeezenet.json."""
LEAST = 64  # cells of the map in a box; with fewer, the Gini index says little
SEEN = 0.9  # share of the box's area that the classifier must see
BAND = 0.1  # of the box's width and height, to each side of its border

Array = NDArray[np.float64]


def clarity(heatmap: Heatmap, boxes: NDArray[np.floating]) -> Array:
    """The Gini index of a pixel map's heat in each box: how much of it lies in few pixels.

    It is 0 where all pixels in the box have the same heat, and near 1 where one pixel has all of it: a sharp outline
    on nothing is clear, a haze is not. Neither the heat's scale nor the number of pixels changes it (Hurley and Rickard
    2009, section III).

    Args:
        heatmap: a classifier's map of the photograph's pixels.
        boxes: ``[N, 4]`` xyxy, source pixels.

    Returns:
        float64 ``[N]``; NaN for a box with fewer than 64 pixels of the map, without heat, or of which the classifier
        sees less than 90 %.
    """
    return np.array([_gini(_inside(heatmap, box)) if seen(heatmap, box) >= SEEN else np.nan for box in
                     heatmap.geometry.to_canvas(np.asarray(boxes, float).reshape(-1, 4))]).reshape(-1)


def outline_share(heatmap: Heatmap, boxes: NDArray[np.floating]) -> Array:
    """How the heat along each box's border compares with the heat in its interior, from 0 to 1; 0.5 for equal heat.

    The number is the mean heat in a band along the border, over the sum of that mean and the mean in the interior. The
    band reaches 10 % of the box's width and height to both sides of the border.

    Args:
        heatmap: a classifier's map of the photograph's pixels.
        boxes: ``[N, 4]`` xyxy, source pixels.

    Returns:
        float64 ``[N]``; NaN for a box with fewer than 64 pixels of the map, without heat, or of which the classifier
        sees less than 90 %.
    """
    shares = []
    for box in heatmap.geometry.to_canvas(np.asarray(boxes, float).reshape(-1, 4)):
        margin = BAND * np.tile(box[2:] - box[:2], 2) * [1, 1, -1, -1]
        outer, inner = _inside(heatmap, box - margin), _inside(heatmap, box + margin)
        known = seen(heatmap, box) >= SEEN and len(_inside(heatmap, box)) >= LEAST and len(inner) and outer.any()
        band = (outer.sum() - inner.sum()) / max(len(outer) - len(inner), 1)
        shares.append(band / (band + inner.mean()) if known else np.nan)
    return np.array(shares).reshape(-1)


def photograph_edges(canvas: Canvas) -> Heatmap:
    """The gradient magnitude of the photograph's brightness: a map of edges that knows no network, as a baseline.

    Args:
        canvas: one photograph.

    Returns:
        A map of the canvas's pixels, ``[h, w]``.
    """
    grey = canvas.pixels[0].double().cpu().numpy().mean(0)
    down, across = np.gradient(grey)
    return Heatmap(np.hypot(down, across).astype(np.float32), Grid((1.0, 1.0)), canvas.geometries[0], "photograph")


def seen(heatmap: Heatmap, box: NDArray[np.floating]) -> float:
    """The share of a box's area that lies on the canvas, from 0 to 1; ``box`` is ``[4]`` xyxy, canvas pixels."""
    height, width = heatmap.geometry.canvas
    return float(areas(box.clip(0, [width, height] * 2))) / max(float(areas(box)), 1e-9)


def _inside(heatmap: Heatmap, box: NDArray[np.floating]) -> Array:
    """The heat ``[K]`` of the cells whose centres lie in a box ``[4]`` (xyxy, canvas pixels)."""
    x, y = heatmap.cell_edges()
    across, down = ((edges[:-1] + edges[1:]) / 2 for edges in (x, y))
    rows, columns = (down > box[1]) & (down < box[3]), (across > box[0]) & (across < box[2])
    return heatmap.heat[np.ix_(rows, columns)].astype(float).ravel()


def _gini(values: Array) -> float:
    if len(values) < LEAST or not values.any():
        return float("nan")
    shares = np.sort(values) / values.sum()
    rank = np.arange(1, len(values) + 1)
    return float(1 - 2 * (shares * (len(values) - rank + 0.5) / len(values)).sum())
