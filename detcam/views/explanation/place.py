"""Places in question: where they are, the rivals of the best row, and the verdict in words."""

from matplotlib.axes import Axes
from matplotlib.patheffects import withStroke

from detcam.explanations.explanation import Explanation
from detcam.views.page.colours import DROPPED, INK, box_colour
from detcam.views.page.crop import Region
from detcam.views.page.layout import MARGIN, Layout
from detcam.views.page.lettering import wrap
from detcam.views.page.sheet import Sheet, dashed_outline, line_height, outline

SIZE = 10.5  # of the verdict's words, points
BELOW = 0.1  # inches from the verdict to the pictures
CROSS = 11.0  # points


def colour_of(explanation: Explanation, index: int) -> str:
    """The colour of a row's outline and badge: its number's, or that of all rows that were not detected."""
    number = explanation.numbered[index]
    return DROPPED if explanation.verdicts and number > explanation.detection_count else box_colour(number)


def draw_place(axes: Axes, explanation: Explanation, index: int, region: Region) -> None:
    """Mark the place in question: a point as a cross, a box as a dashed line."""
    verdict = explanation.verdict(index)
    if verdict is None:
        return
    casing = [withStroke(linewidth=4.5, foreground="black")]
    if verdict.place.at is not None:
        x, y = verdict.place.at
        if region.x1 <= x <= region.x2 and region.y1 <= y <= region.y2:
            axes.plot([x], [y], marker="+", markersize=CROSS, markeredgewidth=2.2, color="white", path_effects=casing,
                      zorder=7, clip_on=False, linestyle="none")
    if verdict.place.box is not None:
        dashed_outline(axes, verdict.place.box)


def draw_rivals(axes: Axes, explanation: Explanation, index: int, region: Region) -> None:
    """Outline a row's rivals, as far as the region shows them."""
    verdict = explanation.verdict(index)
    for reason in verdict.reasons if verdict is not None else ():
        if reason.rival is not None and reason.rival.number in explanation.numbered:
            other = explanation.numbered.index(reason.rival.number)
            outline(axes, explanation.detections.boxes[other], region, colour_of(explanation, other), 1.4)


def _lines(explanation: Explanation, index: int, layout: Layout) -> list[str]:
    """The verdict on a row, or for which row it is a rival."""
    verdict = explanation.verdict(index)
    if verdict is not None:
        words = f"{str(verdict.place).capitalize()}:  {verdict.sentence}"
    else:
        number = explanation.numbered[index]
        whose = [verdict.number for verdict in explanation.verdicts if verdict is not None
                 and any(reason.rival is not None and reason.rival.number == number for reason in verdict.reasons)]
        words = f"Rival of {', '.join(map(str, whose))}: see the verdict there." if whose else ""
    return wrap(words, layout.width - 2 * MARGIN, SIZE) if words else []


def verdict_height(explanation: Explanation, index: int, layout: Layout) -> float:
    """The height of a row's verdict, inches."""
    lines = _lines(explanation, index, layout) if explanation.verdicts else []
    return len(lines) * line_height(SIZE) + BELOW if lines else 0.0


def draw_verdict(sheet: Sheet, explanation: Explanation, index: int, layout: Layout, y: float) -> float:
    """Write a row's verdict from ``y`` inches on, and return where the pictures begin."""
    if explanation.verdicts:
        sheet.paragraph(MARGIN, y, _lines(explanation, index, layout), SIZE, colour=INK)
    return y + verdict_height(explanation, index, layout)
