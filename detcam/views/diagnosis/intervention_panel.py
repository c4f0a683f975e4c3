"""One probe as a small picture: the occluded region, its controls, and the effect of each."""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.patches import Rectangle
from numpy.typing import NDArray

from detcam.diagnosis.attention.shortcuts import CONTEXT, SPREAD
from detcam.diagnosis.interventions.edge_probe import EDGE
from detcam.diagnosis.interventions.exceeds import (
    HALVES,
    exceeds_limit,
    excess_loss,
    half_with_larger_loss,
    inward_shift,
)
from detcam.diagnosis.interventions.intervention import Change, Intervention
from detcam.diagnosis.interventions.limits import BOX_LIMITS
from detcam.diagnosis.interventions.regions import Mask
from detcam.diagnosis.result import Diagnosis
from detcam.diagnosis.sentences.interventions import pixels as pixel_words
from detcam.imaging.boxes import OUTWARD
from detcam.imaging.geometry import Geometry
from detcam.views.diagnosis.common import TRUE_BOX, at_left, colour_of_type, region_of
from detcam.views.diagnosis.edge_errors import MINUS
from detcam.views.page.badges import Rect, badge_size, free_place, leader, photograph_badge
from detcam.views.page.colours import CONTROL, MUTED, SUSPECT, faded
from detcam.views.page.crop import Region, pixels
from detcam.views.page.lettering import shorten
from detcam.views.page.sheet import Place, Sheet, dashed_outline, line_height, outline

TINT, QUIET = 0.4, 0.25  # opacity of a region's colour: the photograph below is still seen
BORDER = 2  # drawn pixels of a region's outline
LETTERS = 7.0  # of a region's number, points
TITLE = 0.36  # inches: the two lines above a picture
FRAME = 3.0  # points, around a picture whose effect passes its limit
COVERED = 1.2  # over a badge's height: a badge does not cover a region that is narrower or flatter


def draw_probe(sheet: Sheet, diagnosis: Diagnosis, box: int, probe: Intervention, cell: Place) -> None:
    """Draw the regions that one probe occluded, framed where its effect passes its limit, else faded.

    Args:
        sheet: the page.
        diagnosis: of the photograph.
        box: index of the box in question.
        probe: one of ``diagnosis.interventions[box]``.
        cell: left, top, width and height on the page, inches, with the two lines of words above the picture.
    """
    over = exceeds_limit(diagnosis, box, probe)
    words = title_of(probe, diagnosis.worst_edge(box)), _result(diagnosis, box, probe)
    _titles(sheet, words, cell, over)
    regions = _coloured(probe)
    geometry = diagnosis.boxes.maps[0].heatmaps[box].geometry
    bounds = [bounds_of(change.region.mask, geometry) for change, _ in regions]
    detected = diagnosis.boxes.detections.boxes[box]
    x, y, width, height = cell
    crop = region_of(diagnosis, [detected, *bounds], width / (height - TITLE))
    place = at_left(crop, (x, y + TITLE, width, height - TITLE))
    axes = _tinted(sheet, diagnosis, regions, geometry, crop, place, faint=not over)
    outline(axes, detected, crop, colour_of_type(diagnosis, int(diagnosis.evaluated[box])), 1.4)
    texts = [_number(diagnosis, box, probe, change) for change, _ in regions]
    _numbers(axes, list(zip(bounds, texts, [colour for _, colour in regions], strict=True)), detected, crop,
             crop.width / place[2])
    if over:
        _frame(axes, crop)


def draw_moved_edge(sheet: Sheet, diagnosis: Diagnosis, box: int, probe: Intervention, cell: Place) -> None:
    """Draw the box before and after the region that moves its worst edge outward was occluded, with the true box.

    Args:
        sheet: the page.
        diagnosis: of the photograph.
        box: index of the box in question.
        probe: the edge's, one of ``diagnosis.interventions[box]``.
        cell: left, top, width and height on the page, inches, with the two lines of words above the picture.
    """
    x, y, width, height = cell
    geometry = diagnosis.boxes.maps[0].heatmaps[box].geometry
    before = diagnosis.boxes.detections.boxes[box]
    after = before + OUTWARD * np.nan_to_num(probe.suspect.edges)
    true = diagnosis.truth.boxes[diagnosis.truth_of(box)]
    sheet.write(x, y, shorten(f"the {diagnosis.worst_edge(box)} edge, occluded", width, 8.5, True), 8.5, bold=True,
                colour=SUSPECT)
    sheet.write(x, y + line_height(8.5), shorten("thin: after; dashed: true box", width, 8), 8, colour=MUTED)
    crop = region_of(diagnosis, [before, after, true], width / (height - TITLE))
    place = at_left(crop, (x, y + TITLE, width, height - TITLE))
    axes = _tinted(sheet, diagnosis, [(probe.suspect, SUSPECT)], geometry, crop, place, faint=False)
    outline(axes, before, crop, colour_of_type(diagnosis, int(diagnosis.evaluated[box])), 2.6)
    outline(axes, after, crop, SUSPECT, 1.2)
    dashed_outline(axes, true, TRUE_BOX, 0.9)
    _frame(axes, crop)


def title_of(probe: Intervention, worst: str | None) -> str:
    """What was occluded, in a few words; ``worst`` is the box's worst edge."""
    if probe.name in HALVES:
        return f"{probe.name} half"
    if probe.name == EDGE:
        return f"beyond the {worst} edge"
    return {SPREAD: "around the objects", CONTEXT: "most heat around it"}.get(probe.name, probe.suspect.region.name)


def mask_in(mask: Mask, geometry: Geometry, region: Region, size: tuple[int, int]) -> Mask:
    """A mask at each drawn pixel of a region, bool ``[height, width]``.

    Args:
        mask: bool ``[h, w]``, canvas pixels.
        geometry: of the canvas.
        region: what is drawn, source pixels.
        size: width and height of the drawing, pixels.
    """
    across = region.x1 + (np.arange(size[0]) + 0.5) * region.width / size[0]
    down = region.y1 + (np.arange(size[1]) + 0.5) * region.height / size[1]
    columns = np.floor(across * geometry.scale[0] + geometry.offset[0]).astype(int).clip(0, mask.shape[1] - 1)
    rows = np.floor(down * geometry.scale[1] + geometry.offset[1]).astype(int).clip(0, mask.shape[0] - 1)
    return mask[np.ix_(rows, columns)]


def bounds_of(mask: Mask, geometry: Geometry) -> NDArray[np.float64]:
    """The smallest box ``[4]`` xyxy, source pixels, that holds a mask of the canvas, as far as the photograph goes."""
    rows, columns = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
    box = geometry.to_source(np.array([columns[0], rows[0], columns[-1] + 1, rows[-1] + 1], float))
    height, width = geometry.source
    return np.asarray(box.clip(0, [width, height, width, height]), np.float64)


def _coloured(probe: Intervention) -> list[tuple[Change, str]]:
    """The controls, then the suspicious region over them; of two halves, the one with the larger loss."""
    suspect, controls = probe.suspect, list(probe.controls)
    if probe.name in HALVES and controls and half_with_larger_loss(probe) != probe.name.split(" or ")[0]:
        suspect, controls = controls[0], [suspect]
    return [*((control, CONTROL) for control in controls), (suspect, SUSPECT)]


def _number(diagnosis: Diagnosis, box: int, probe: Intervention, change: Change) -> str:
    """The effect of a region: the share of the score that is lost, or how far the edge moves inward."""
    worst = diagnosis.worst_edge(box)
    if probe.name == EDGE and worst is not None:
        return pixel_words(inward_shift(change, worst)).replace("-", MINUS)
    return percent(change.loss)


def percent(value: float) -> str:
    """Whole per cent with the sign of what is below 0; a dash where there is none."""
    return f"{round(100 * value) + 0} %".replace("-", MINUS) if np.isfinite(value) else "—"


def _result(diagnosis: Diagnosis, box: int, probe: Intervention) -> str:
    """What is compared with which limit, in words."""
    worst = diagnosis.worst_edge(box)
    if not probe.controls and probe.name != SPREAD:
        return "no room for controls"
    if probe.name == EDGE and worst is not None:
        moved, most = inward_shift(probe.suspect, worst), max(inward_shift(each, worst) for each in probe.controls)
        return f"inward {pixel_words(moved)}, controls ≤ {pixel_words(most)}".replace("-", MINUS)
    what = "loss" if probe.name == SPREAD else "difference"
    return f"{what} {percent(excess_loss(probe))}, limit {percent(BOX_LIMITS[probe.name])}"


def _titles(sheet: Sheet, words: tuple[str, str], cell: Place, over: bool) -> None:
    x, y, width, _ = cell
    colour = SUSPECT if over else MUTED
    sheet.write(x, y, shorten(words[0], width, 8.5, over), 8.5, bold=over, colour=colour)
    sheet.write(x, y + line_height(8.5), shorten(words[1], width, 8), 8, colour=colour)


def _tinted(sheet: Sheet, diagnosis: Diagnosis, regions: list[tuple[Change, str]], geometry: Geometry, crop: Region,
            place: Place, faint: bool) -> Axes:
    """The photograph, faded where it is ``faint``, with the regions in their colours, each with an outline."""
    import cv2  # imported late: it sets environment variables
    from matplotlib.colors import to_rgb

    size = sheet.size(place)
    drawn = pixels(diagnosis.image, crop, size)
    ground = faded(drawn) if faint else drawn.astype(np.float32) / 255
    for change, colour in regions:
        mask = mask_in(change.region.mask, geometry, crop, size)
        wide = np.ones((2 * BORDER + 1,) * 2, np.uint8)
        inner = cv2.erode(mask.astype(np.uint8), wide, borderValue=0).astype(bool)
        strength = np.where(mask & ~inner, 1.0, np.where(mask, QUIET if faint else TINT, 0.0))[..., None]
        ground = ground * (1 - strength) + np.array(to_rgb(colour)) * strength
    return sheet.photograph((ground * 255).round().astype(np.uint8), crop, place)


def _numbers(axes: Axes, named: list[tuple[NDArray[np.float64], str, str]], box: NDArray[np.floating], crop: Region,
             inch: float) -> None:
    """Draw a badge for each region, beside it or in its corner, none over another; ``inch`` is in source pixels."""
    least = COVERED * badge_size("1", LETTERS)[1] * inch
    taken: list[Rect] = [tuple(place.tolist()) for place in (box, *(bounds for bounds, *_ in named))
                         if min(place[2:] - place[:2]) < least]
    for bounds, text, colour in reversed(named):
        width, height = (side * inch for side in badge_size(text, LETTERS))
        x, y = free_place(bounds, (width, height), crop, taken)
        taken.append((x, y, x + width, y + height))
        leader(axes, taken[-1], bounds, colour)
        photograph_badge(axes, taken[-1], text, colour, LETTERS)


def _frame(axes: Axes, crop: Region) -> None:
    axes.add_patch(Rectangle((crop.x1, crop.y1), crop.width, crop.height, fill=False, edgecolor=SUSPECT,
                             linewidth=FRAME, clip_on=False, zorder=4))
