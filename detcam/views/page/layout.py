"""Where everything stands on a page, in inches."""

from dataclasses import dataclass

import numpy as np

from detcam.explanations.explanation import Explanation
from detcam.imaging.boxes import sizes

MARGIN, GAP, GROUP_GAP = 0.4, 0.08, 0.32
PANEL = 2.3  # height of a row's pictures
CAPTION = 0.36  # a row's line of words above its pictures
BELOW = 0.3  # space below a row
TITLES = 0.62  # the columns' titles
HEADER = 0.95  # the page's title
CROP_ASPECTS = 0.75, 1.3  # width over height of a crop
WHOLE_WIDTHS = 0.8, 3.2  # of the whole photograph in a row
WHOLE_WIDTH_OF_MANY = 2.3  # at most, where three or more methods stand side by side
LABELS = 0.85  # the words before the bars
BAR_WIDTHS = {1: 1.8, 2: 1.2, 3: 1.05}  # of a method's bars with their numbers, by how many methods there are
BAR_WIDTH_OF_MANY = 0.95
EDGES = 2.9  # the panel of what each edge rests on
LEGEND = 4.4  # at least, beside the overview
OVERVIEW = 4.4  # the overview's height at most, on the first page
EMPTY_WIDTHS = 5.5, 12.0  # of a page without rows, without its margins
OVERVIEW_AGAIN = 2.9  # and on the others
EDGE_MAP_CAPTION = 0.34
LEAST_OF_CLASSES = 10.5  # width of a classifier's page at least: the legend stands beside the photograph


@dataclass(frozen=True)
class Layout:
    """Widths and left ends of a page's columns, inches.

    Attributes:
        width: the page's.
        crop, whole, bar: widths of a crop, of a whole photograph, and of one method's bars.
        pairs: where each method's crop begins; its whole photograph follows.
        numbers: where the bars' words begin.
        edges: where the panel of edges begins.
        edge_maps: whether the four edge maps follow below each row.
    """

    width: float
    crop: float
    whole: float
    bar: float
    pairs: tuple[float, ...]
    numbers: float
    edges: float
    edge_maps: bool


def layout_of(explanation: Explanation) -> Layout:
    """The columns that fit a photograph, its boxes and the methods, the same on every page."""
    if not len(explanation):
        return Layout(_alone(explanation), 0, 0, 0, (), 0, 0, False)
    if explanation.classified:
        return _of_classes(explanation)
    methods = len(explanation.maps)
    crop = PANEL * _crop_aspect(explanation)
    image = explanation.image
    most = WHOLE_WIDTHS[1] if methods < 3 else WHOLE_WIDTH_OF_MANY
    whole = float(np.clip(PANEL * image.width / image.height, WHOLE_WIDTHS[0], most))
    bar = BAR_WIDTHS.get(methods, BAR_WIDTH_OF_MANY)
    x = MARGIN + crop + GROUP_GAP / 2
    pairs = []
    for _ in range(methods):
        pairs.append(x)
        x += crop + GAP + whole + GROUP_GAP
    numbers = x
    edges = numbers + LABELS + methods * bar + GROUP_GAP
    return Layout(edges + EDGES + MARGIN, crop, whole, bar, tuple(pairs), numbers, edges,
                  explanation.edges is not None and explanation.edges.maps is not None)


def _of_classes(explanation: Explanation) -> Layout:
    """What a classifier sees, then for each method its heat alone and over that; no numbers."""
    width, height = sizes(explanation.detections.boxes)[0]
    picture = PANEL * float(np.clip(width / height, *CROP_ASPECTS))
    step = 2 * picture + GAP + GROUP_GAP
    first = MARGIN + picture + GROUP_GAP / 2
    pairs = tuple(first + step * method for method in range(len(explanation.maps)))
    end = pairs[-1] + 2 * picture + GAP
    return Layout(max(end + MARGIN, LEAST_OF_CLASSES), picture, picture, 0, pairs, end, end, False)


def _alone(explanation: Explanation) -> float:
    """The page's width for a photograph without rows."""
    image = explanation.image
    return float(np.clip(OVERVIEW * image.width / image.height, EMPTY_WIDTHS[0], EMPTY_WIDTHS[1])) + 2 * MARGIN


def _crop_aspect(explanation: Explanation) -> float:
    width, height = sizes(explanation.detections.boxes).clip(1).T
    longer = np.maximum(width, height) * 0.6
    return float(np.clip(np.median((width + longer) / (height + longer)), *CROP_ASPECTS))
