"""The top of a page: its title, the photograph with its numbered boxes, and how to read the rows."""

from collections.abc import Sequence

from matplotlib.axes import Axes

from detcam.explanations.explanation import Explanation
from detcam.views.explanation.place import colour_of, draw_place
from detcam.views.page.badges import Rect, badge_size, free_corner, photograph_badge
from detcam.views.page.colours import MUTED
from detcam.views.page.crop import Region, pixels, whole
from detcam.views.page.layout import GROUP_GAP, HEADER, LEGEND, MARGIN, OVERVIEW, OVERVIEW_AGAIN, Layout
from detcam.views.page.legend import draw_legend, key_of, legend_columns, legend_height
from detcam.views.page.lettering import shorten, width_of, wrap
from detcam.views.page.scale import Scale
from detcam.views.page.sheet import Place, Sheet, file_name, letter, line_height, outline, thin_outline

BADGE_SIZE = 9.0  # points
MOST_NUMBERED = 30  # boxes with a number on one photograph: more numbers would hide it
MOST_QUIET = 200  # boxes without one, as thin lines


def count_words(explanation: Explanation) -> str:
    """The number of detections, the score threshold, and how many of them are shown."""
    score = explanation.provenance.get("min_score")
    above = "" if score is None else f" with a score above {score:g}"
    count, found = len(explanation), explanation.detection_count
    what = "detection" if found == 1 else "detections"
    if explanation.classified:
        return f"the {len(explanation)} likeliest classes" if len(explanation) != 1 else "the likeliest class"
    if explanation.verdicts:
        places = sum(verdict is not None for verdict in explanation.verdicts)
        return f"{places} place{'s' * (places != 1)} in question, {found or 'no'} {what}{above}"
    if count < found:
        return f"showing {count} of {found} {what}{above}"
    return f"{found or 'no'} {what}{above}"


def nothing_words(explanation: Explanation) -> str:
    """The words on a figure without detections."""
    if explanation.detection_count:
        return f"none of the {explanation.detection_count} detections is selected"
    score = explanation.provenance.get("min_score")
    return "no detection" + ("" if score is None else f" with a score above {score:g}") + ": lower --min-score"


def draw_header(sheet: Sheet, explanation: Explanation, page: str, count: str = "") -> None:
    """Write the photograph's name, the detector, the ``count`` (if empty, how many are shown) and the page."""
    room = sheet.width - 2 * MARGIN
    room -= width_of(page, 9.5) + 0.2 if page else 0
    sheet.write(MARGIN, 0.28, shorten(file_name(explanation.image.name), room, 15, True), 15, bold=True)
    detector = str(explanation.provenance.get("detector", "detector"))
    words = f"{file_name(detector)}   ·   {count or count_words(explanation)}"
    sheet.write(MARGIN, 0.6, shorten(words, sheet.width - 2 * MARGIN, 9.5), 9.5, colour=MUTED)
    if page:
        sheet.write(sheet.width - MARGIN, 0.33, page, 9.5, colour=MUTED, ha="right")


def overview_place(explanation: Explanation, layout: Layout, again: bool) -> Place:
    """The photograph's place below the header, inches."""
    image = explanation.image
    most = OVERVIEW_AGAIN if again else OVERVIEW
    if image.height > 2 * image.width:  # a tall photograph would be a thread
        most *= 1.4
    width = layout.width - 2 * MARGIN - (GROUP_GAP + LEGEND if len(explanation) else 0)
    scale = min(width / image.width, most / image.height)
    return MARGIN, HEADER, scale * image.width, scale * image.height


def overview_height(explanation: Explanation, layout: Layout, scale: Scale, again: bool) -> float:
    """The height of the photograph and of the legend beside it, inches, whichever is more."""
    place = overview_place(explanation, layout, again)
    if not len(explanation):
        return place[3]
    return max(place[3], legend_height(legend_columns(explanation, scale, again), _legend_width(layout, place)))


def _legend_width(layout: Layout, place: Place) -> float:
    return layout.width - MARGIN - (place[0] + place[2] + GROUP_GAP)


def draw_overview(sheet: Sheet, explanation: Explanation, layout: Layout, scale: Scale, cmap: str,
                  on_page: Sequence[int], again: bool) -> None:
    """Draw the photograph with the numbered boxes of this page, and the legend."""
    place = overview_place(explanation, layout, again)
    region = whole(explanation.image)
    axes = sheet.photograph(pixels(explanation.image, region, sheet.size(place)), region, place)
    boxes = explanation.detections.boxes
    for index in on_page[MOST_NUMBERED : MOST_NUMBERED + MOST_QUIET]:
        thin_outline(axes, boxes[index])
    on_page = on_page[:MOST_NUMBERED]
    for index in reversed(on_page):
        outline(axes, boxes[index], region, colour_of(explanation, index), 1.8)
        draw_place(axes, explanation, index, region)
    taken: list[Rect] = []
    for index in on_page if not explanation.classified else ():
        _badge(axes, explanation, index, region, region.width / place[2], taken)
    x = place[0] + place[2] + GROUP_GAP
    if not len(explanation):
        _nothing(axes, explanation, place)
        return
    legend = legend_columns(explanation, scale, again)
    draw_legend(sheet, legend, key_of(cmap, scale.sign_meanings), x, HEADER, _legend_width(layout, place))


def _nothing(axes: Axes, explanation: Explanation, place: Place) -> None:
    region = whole(explanation.image)
    inch = region.height / place[3]
    lines = wrap(nothing_words(explanation), max(place[2] - 0.4, 1.6), 13)
    step = line_height(13) * inch
    y = region.height / 2 - step * (len(lines) - 1) / 2
    for line in lines:
        letter(axes, region.width / 2 if place[2] > 1.8 else 0.1 * inch, y, line, 13, bold=True, colour="white",
               ha="center" if place[2] > 1.8 else "left", va="center", casing="black")
        y += step


def _badge(axes: Axes, explanation: Explanation, index: int, region: Region, inch: float, taken: list[Rect]) -> None:
    """Draw a number at the first free corner of its box; ``inch`` is in source pixels."""
    number = str(explanation.numbered[index])
    width, height = (each * inch for each in badge_size(number, BADGE_SIZE))
    x, y = free_corner(explanation.detections.boxes[index], (width, height), region, taken)
    taken.append((x, y, x + width, y + height))
    photograph_badge(axes, taken[-1], number, colour_of(explanation, index), BADGE_SIZE)
