"""A classifier beside a detector: its class map and its sharp map of a photograph, with the detector's boxes."""

from pathlib import Path

import numpy as np
from matplotlib.figure import Figure

from detcam.attribution.heatmap import Heatmap
from detcam.explanations.classifier_panel import Panel
from detcam.measures.outline_clarity import WHAT_IS_KNOWN
from detcam.views.page.colours import HEAT, MUTED, TRACK, box_colour, colour_map, heat_alone
from detcam.views.page.crop import Region, heat_in, pixels, under_heat, whole
from detcam.views.page.layout import MARGIN
from detcam.views.page.lettering import shorten, width_of, wrap
from detcam.views.page.png import DPI, write_figure
from detcam.views.page.scale import BOX, scale_of, status_of
from detcam.views.page.sheet import Place, Sheet, file_name, fitted, line_height, outline, say

HEIGHT, GAP = 3.4, 0.25  # of the pictures, and between two, inches
TOP, TITLE = 0.95, 0.45
ROW = 0.27  # of a box's line of numbers
LINE = 3.2  # width of a bar
SIZE = 9.0
CAPTION = ("Clarity: the Gini index of the classifier's Guided Grad-CAM within the box. 0: all pixels have the same "
           "heat; near 1: few pixels have all of it, as with a clear outline or a single dot. A dash: the box is too "
           "small in the classifier's input, or outside it. ")


def panel_figure(panel: Panel, *, cmap: str = HEAT, dpi: float = DPI) -> Figure:
    """The photograph with the detector's boxes, the classifier's two maps of it, and a line of numbers a box.

    Args:
        panel: from :func:`detcam.explanations.classifier_panel.panel`.
        cmap: a Matplotlib colour map for the heat.
        dpi: pixels an inch.

    Raises:
        InputError: there is no such colour map.
    """
    colour_map(cmap)
    image, region = panel.classified.image, _input(panel)
    widths = [HEIGHT * np.clip(image.width / image.height, 0.6, 1.6), *[HEIGHT * region.width / region.height] * 2]
    width = sum(widths) + 2 * GAP + 2 * MARGIN
    caption = wrap(CAPTION + WHAT_IS_KNOWN, width - 2 * MARGIN, SIZE)
    height = TOP + TITLE + HEIGHT + 0.3 + ROW * len(panel.detections) + 0.2 + line_height(SIZE) * len(caption) + 0.3
    sheet = Sheet(width, height, dpi)
    _header(sheet, panel)
    x = MARGIN
    for i, picture_width in enumerate(widths):
        _picture(sheet, panel, i - 1, (x, TOP, picture_width, HEIGHT), cmap)
        x += picture_width + GAP
    y = TOP + TITLE + HEIGHT + 0.3
    for index in range(len(panel.detections)):
        _line(sheet, panel, index, y)
        y += ROW
    sheet.paragraph(MARGIN, y + 0.2, caption, SIZE, colour=MUTED)
    return sheet.figure


def save_panel(panel: Panel, path: Path, *, cmap: str = HEAT, dpi: float = DPI) -> None:
    """Write the page, whole or not at all.

    Raises:
        InputError: there is no such colour map.
        OutputError: the picture cannot be written.
    """
    write_figure(panel_figure(panel, cmap=cmap, dpi=dpi), path, panel.classified.image.name)


def _input(panel: Panel) -> Region:
    """The classifier's input, in whole source pixels."""
    image = panel.classified.image
    x1, y1, x2, y2 = panel.classified.detections.boxes[0].round().astype(int).tolist()
    return Region(max(x1, 0), max(y1, 0), max(min(x2, image.width), x1 + 1), max(min(y2, image.height), y1 + 1))


def _header(sheet: Sheet, panel: Panel) -> None:
    one = panel.classified[0]
    sheet.write(MARGIN, 0.28, shorten(file_name(panel.classified.image.name), sheet.width - 2 * MARGIN, 15, True), 15,
                bold=True)
    classifier = file_name(str(panel.classified.provenance["detector"]))
    words = (f"{classifier} classifies it as {one.class_name} ({one.score:.2f})   ·   "
             f"{file_name(panel.detector)} draws {len(panel.detections)} box{'es' * (len(panel.detections) != 1)}")
    sheet.write(MARGIN, 0.6, shorten(words, sheet.width - 2 * MARGIN, 9.5), 9.5, colour=MUTED)


def _picture(sheet: Sheet, panel: Panel, method: int, cell: Place, cmap: str) -> None:
    """Draw one of three: the photograph (-1), the coarse map over the classifier's input (0), the sharp map (1)."""
    image = panel.classified.image
    region = whole(image) if method < 0 else _input(panel)
    x, y, width, height = cell
    titles = [("the detector's boxes", "white: the classifier's input")]
    titles += [(maps.method, words) for maps, words in zip(panel.classified.maps, (
        f"for {panel.classified[0].class_name}, over its input", "heat alone, with the boxes"), strict=True)]
    title, note = titles[method + 1]
    sheet.write(x, y, title, 9.5, bold=True)
    sheet.write(x, y + 0.19, shorten(note, width, 8.5), 8.5, colour=MUTED)
    place = fitted(region, (x, y + TITLE, width, height))
    size = sheet.size(place)
    if method < 0:
        axes = sheet.photograph(pixels(image, region, size), region, place)
        outline(axes, panel.classified.detections.boxes[0], region, width=1.2)
    else:
        heatmap, top = panel.classified.maps[method].heatmaps[0], scale_of(panel.classified, BOX).tops[method, 0]
        axes = sheet.photograph(_drawn(panel, heatmap, region, top, size, cmap, alone=method == 1), region, place)
        status = status_of(heatmap)
        if status is not None:
            say(axes, place, *status)
    for index, box in enumerate(panel.detections.boxes):
        if method != 0 and box[0] < region.x2 and box[2] > region.x1 and box[1] < region.y2 and box[3] > region.y1:
            outline(axes, box, region, box_colour(index + 1), 1.6)


def _drawn(panel: Panel, heatmap: Heatmap, region: Region, top: float, size: tuple[int, int], cmap: str, alone: bool
           ) -> np.ndarray:
    if status_of(heatmap) is not None:
        return pixels(panel.classified.image, region, size) // 3
    if alone:
        return heat_alone(heat_in(heatmap, region, size) / top, cmap, heatmap.signed)
    return under_heat(pixels(panel.classified.image, region, size), heatmap, region, top, cmap)


def _line(sheet: Sheet, panel: Panel, index: int, y: float) -> None:
    """Draw a box's number, class, score and clarity, with a bar."""
    found, middle = panel.detections, y + ROW / 2
    label = int(found.labels[index])
    sheet.fill((MARGIN, y + 0.03, 0.3, ROW - 0.06), box_colour(index + 1))
    sheet.write(MARGIN + 0.15, middle, str(index + 1), 9, bold=True, colour="white", ha="center", va="center_baseline")
    name = shorten(panel.class_names.get(label, f"class {label}"), 1.8, SIZE, True)
    sheet.write(MARGIN + 0.4, middle, name, SIZE, bold=True, va="center_baseline")
    sheet.write(MARGIN + 0.5 + width_of(name, SIZE, True), middle, f"{found.scores[index]:.2f}", SIZE,
                va="center_baseline")
    value, left = panel.clarity[index], MARGIN + 3.0
    sheet.write(left, middle, "clarity", SIZE, colour=MUTED, va="center_baseline")
    sheet.fill((left + 0.6, middle - 0.07, LINE, 0.14), TRACK)
    if np.isfinite(value):
        sheet.fill((left + 0.6, middle - 0.07, LINE * float(value), 0.14), box_colour(index + 1))
    sheet.write(left + 0.7 + LINE, middle, f"{value:.2f}" if np.isfinite(value) else "—", SIZE, va="center_baseline")
