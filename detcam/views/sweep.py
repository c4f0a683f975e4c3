"""One detection at many layers: its crop beside its own heat, from the shallowest layer to the deepest."""

from collections.abc import Iterator
from glob import escape
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure

from detcam.attribution.heatmap import UNREACHABLE, Heatmap
from detcam.diagnosis.shares import shares
from detcam.errors import InputError
from detcam.explanation import Explanation
from detcam.views.colours import HEAT, INK, MUTED, REGION_COLOURS, TRACK, bar, colour_map, faded, laid_over
from detcam.views.crop import Region, around, heat_in, pixels
from detcam.views.figure import DPI, is_own, write_figure
from detcam.views.layout import CROP_ASPECTS, MARGIN
from detcam.views.lettering import listed, shorten, wrap
from detcam.views.numbers import percent
from detcam.views.scale import status_of
from detcam.views.sheet import Place, Sheet, file_name, fitted, line_height, outline, say

PANEL = 2.2  # height of a picture at most, inches
GAP = 0.2  # between two pictures
ABOVE, BELOW = 0.42, 0.5  # room for words above and below a picture
TOP = 1.05  # the header
LEGEND = 0.9
WIDEST = 14.5  # of a page
BAR, SHARE = 0.13, 0.95  # height of the bar of the share inside, and room for its number
PERCENTILE = 99.5  # of a map's positive values: single cells of a fine layer would set the scale, see views/scale.py
SIZE = 8.5
WORDS = (f"Positive part of each map, linear; each layer has its own scale: 100 % is the {PERCENTILE:g}th percentile "
         "of its positive values, given below it. Green: the share of the heat that lies inside the box.")


def sweep_figure(explanation: Explanation, index: int, *, cmap: str = HEAT, dpi: float = DPI) -> Figure:
    """The detection at ``index`` at every layer that reaches it, from shallow to deep; layers that do not are named.

    Args:
        explanation: one photograph's, explained with ``sweep``.
        index: which of its detections.
        cmap: a Matplotlib colour map for the heat.
        dpi: pixels an inch.

    Raises:
        InputError: there is no sweep of this detection, or no such colour map.
    """
    colour_map(cmap)
    maps = {} if explanation.sweep is None else explanation.sweep.heatmaps[index]
    if not maps:
        raise InputError(f"there is no sweep of box {explanation.numbered[index]}: explain with sweep=True")
    drawn = {name: heatmap for name, heatmap in maps.items() if heatmap.status != UNREACHABLE}
    crop = around(explanation.detections.boxes[index], explanation.image, _aspect(explanation, index))
    width, height = fitted(crop, (0, 0, PANEL * CROP_ASPECTS[1], PANEL))[2:]
    across = _columns(len(drawn) + 1, width)
    down = -(-(len(drawn) + 1) // across)
    page = max(2 * MARGIN + across * (width + GAP) - GAP, 7.0)
    sheet = Sheet(page, TOP + down * (ABOVE + height + BELOW) + LEGEND, dpi)
    _header(sheet, explanation, index)
    for place, name in zip(_places(len(drawn) + 1, across, width, height), [None, *drawn], strict=True):
        if name is None:
            _photograph(sheet, explanation, index, crop, place)
        else:
            _layer(sheet, explanation, index, drawn[name], crop, cmap, place)
    _legend(sheet, cmap, [name for name in maps if name not in drawn], sheet.height - LEGEND)
    return sheet.figure


def save_sweeps(explanation: Explanation, path_stem: str | Path, *, cmap: str = HEAT, dpi: float = DPI) -> list[Path]:
    """Write ``<stem>.sweep-<number>.png`` for every detection with a sweep, each whole or not at all.

    Sweeps that an earlier run of the same photograph left behind are removed.

    Args:
        explanation: one photograph's.
        path_stem: the folder, which must exist, and the name without its ending.
        cmap, dpi: as :func:`sweep_figure` takes them.

    Raises:
        InputError: there is no such colour map.
        OutputError: a picture cannot be written.
    """
    stem, name = Path(path_stem), explanation.image.name
    written = []
    for index, number in enumerate(explanation.numbered):
        if explanation.sweep is not None and explanation.sweep.heatmaps[index]:
            path = stem.with_name(f"{stem.name}.sweep-{number}.png")
            write_figure(sweep_figure(explanation, index, cmap=cmap, dpi=dpi), path, name)
            written.append(path)
    for old in set(stem.parent.glob(f"{escape(stem.name)}.sweep-*.png")) - set(written):
        if is_own(old, name):
            old.unlink(missing_ok=True)
    return written


def _aspect(explanation: Explanation, index: int) -> float:
    x1, y1, x2, y2 = explanation.detections.boxes[index]
    return float(np.clip(max(x2 - x1, 1) / max(y2 - y1, 1), *CROP_ASPECTS))


def _columns(count: int, width: float) -> int:
    """As many pictures side by side as fit, or fewer where that leaves the rows equally long."""
    most = max(1, int((WIDEST - 2 * MARGIN + GAP) / (width + GAP)))
    return -(-count // -(-count // most))


def _places(count: int, across: int, width: float, height: float) -> Iterator[Place]:
    for number in range(count):
        row, column = divmod(number, across)
        yield MARGIN + column * (width + GAP), TOP + row * (ABOVE + height + BELOW) + ABOVE, width, height


def _header(sheet: Sheet, explanation: Explanation, index: int) -> None:
    assert explanation.sweep is not None
    found, room = explanation.detections, sheet.width - 2 * MARGIN
    title = (f"{explanation.numbered[index]}  {explanation.class_name(int(found.labels[index]))} "
             f"{found.scores[index]:.2f}: what speaks for this box, layer by layer")
    sheet.write(MARGIN, 0.28, shorten(title, room, 15, True), 15, bold=True)
    words = [file_name(explanation.image.name), file_name(str(explanation.provenance.get("detector", "detector"))),
             explanation.sweep.method, explanation.maps[0].target_of(index),
             f"level {found.levels[index]}", "shallow layers first"]
    sheet.write(MARGIN, 0.6, shorten("   ·   ".join(words), room, 9.5), 9.5, colour=MUTED)


def _photograph(sheet: Sheet, explanation: Explanation, index: int, crop: Region, cell: Place) -> None:
    place = fitted(crop, cell)
    axes = sheet.photograph(pixels(explanation.image, crop, sheet.size(place)), crop, place)
    outline(axes, explanation.detections.boxes[index], crop)
    sheet.write(place[0], cell[1] - ABOVE, "detected box", 9.5, bold=True)
    sheet.write(place[0], cell[1] - ABOVE + line_height(9.5), "with context", SIZE, colour=MUTED)


def _layer(sheet: Sheet, explanation: Explanation, index: int, heatmap: Heatmap, crop: Region, cmap: str,
           cell: Place) -> None:
    """A layer's heat on the crop, with its name above and its share inside the box below."""
    place = fitted(crop, cell)
    size = sheet.size(place)
    rgb, status = pixels(explanation.image, crop, size), status_of(heatmap)
    if status is None:
        heat = (heat_in(heatmap, crop, size) / _top(heatmap)).clip(0, 1)
        axes = sheet.photograph(laid_over(rgb, heat, cmap), crop, place)
    else:
        axes = sheet.photograph((faded(rgb) * 110).astype(np.uint8), crop, place)
    outline(axes, explanation.detections.boxes[index], crop)
    if status is not None:
        say(axes, place, *status)
    _words(sheet, explanation, heatmap, cell)
    _share(sheet, explanation, index, heatmap, cell)


def _words(sheet: Sheet, explanation: Explanation, heatmap: Heatmap, cell: Place) -> None:
    assert explanation.sweep is not None
    x, y, width, _ = cell
    sheet.write(x, y - ABOVE, shorten(heatmap.layer, width, 9.5, True), 9.5, bold=True)
    across, down = heatmap.grid.stride
    stride = f"{across:.4g}" if across == down else f"{across:.4g} by {down:.4g}"
    words = f"stride {stride}, {explanation.sweep.channels[heatmap.layer]} channels"
    sheet.write(x, y - ABOVE + line_height(9.5), shorten(words, width, SIZE), SIZE, colour=MUTED)


def _top(heatmap: Heatmap) -> float:
    """The raw value of full colour."""
    return float(np.percentile(heatmap.values[heatmap.values > 0], PERCENTILE))


def _share(sheet: Sheet, explanation: Explanation, index: int, heatmap: Heatmap, cell: Place) -> None:
    """The share inside the box as a bar, the raw value of full colour, and the level that the layer feeds."""
    assert explanation.sweep is not None
    x, y, width, height = cell
    inside = shares([heatmap], explanation.detections.boxes[[index]])[0].inside
    y += height + 0.07
    track = width - SHARE
    sheet.fill((x, y, track, BAR), TRACK)
    if np.isfinite(inside):
        sheet.fill((x, y, track * min(inside, 1), BAR), REGION_COLOURS["inside"])
    sheet.write(x + width, y + BAR / 2, f"{percent(inside)} inside", 9, bold=True, ha="right", va="center")
    y += BAR + 0.05
    if status_of(heatmap) is None:
        sheet.write(x, y, f"100 % = {_top(heatmap):.2g}", 7.5, colour=MUTED)
    level = explanation.sweep.levels.get(heatmap.layer)
    if level is not None:
        own = ", its own" if level == explanation.detections.levels[index] else ""
        sheet.write(x + width, y, f"level {level}{own}", 7.5, colour=MUTED, ha="right")


def _legend(sheet: Sheet, cmap: str, unreachable: list[str], y: float) -> None:
    colours, wide = bar(cmap), 1.8
    sheet.photograph(colours, Region(0, 0, colours.shape[1], 1), (MARGIN, y + 0.04, wide, 0.16))
    for part, words, ha in ((0.0, "none", "left"), (0.5, "50 %", "center"), (1.0, "100 %", "right")):
        sheet.write(MARGIN + wide * part, y + 0.23, words, 8, ha=ha)
    x = MARGIN + wide + 0.3
    lines = wrap(WORDS, sheet.width - MARGIN - x, SIZE)
    if unreachable:
        lines += wrap(f"Not drawn, because no path leads from there to this box: {listed(unreachable)}.",
                      sheet.width - MARGIN - x, SIZE)
    sheet.paragraph(x, y, lines, SIZE, colour=INK)
