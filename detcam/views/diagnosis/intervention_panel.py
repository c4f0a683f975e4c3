"""One question of an intervention as a small picture: what was hidden, its controls, and what each of them took."""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.patches import Rectangle
from numpy.typing import NDArray

from detcam.diagnosis.attention.shortcuts import CONTEXT, SPREAD
from detcam.diagnosis.interventions.edge_probe import EDGE
from detcam.diagnosis.interventions.exceeds import HALVES, beyond, hotter_half, inward, stands_out
from detcam.diagnosis.interventions.intervention import Change, Intervention
from detcam.diagnosis.interventions.limits import TOLD_BY_BOX
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

TINT, QUIET = 0.4, 0.25  # opacity of a region's colour: what was hidden is still seen
BORDER = 2  # drawn pixels of a region's outline
LETTERS = 7.0  # of a region's number, points
TITLE = 0.36  # inches: the two lines above a picture
FRAME = 3.0  # points, around a picture that stands out
COVERED = 1.2  # over a badge's height: a region narrower or flatter than that is not covered by one


def draw_question(sheet: Sheet, diagnosis: Diagnosis, box: int, asked: Intervention, cell: Place) -> None:
    """Draw what was hidden for one question, marked where it stands out, else quietly.

    Args:
        sheet: the page.
        diagnosis: of the photograph.
        box: which box in question.
        asked: the answer.
        cell: where, with the two lines of words above the picture.
    """
    out = stands_out(diagnosis, box, asked)
    words = title_of(asked, diagnosis.worst_edge(box)), _result(diagnosis, box, asked)
    _titles(sheet, words, cell, out)
    regions = _coloured(asked)
    geometry = diagnosis.boxes.maps[0].heatmaps[box].geometry
    bounds = [bounds_of(change.region.mask, geometry) for change, _ in regions]
    own = diagnosis.boxes.detections.boxes[box]
    x, y, width, height = cell
    crop = region_of(diagnosis, [own, *bounds], width / (height - TITLE))
    place = at_left(crop, (x, y + TITLE, width, height - TITLE))
    axes = _tinted(sheet, diagnosis, regions, geometry, crop, place, quiet=not out)
    outline(axes, own, crop, colour_of_type(diagnosis, int(diagnosis.index[box])), 1.4)
    texts = [_number(diagnosis, box, asked, change) for change, _ in regions]
    _numbers(axes, list(zip(bounds, texts, [colour for _, colour in regions], strict=True)), own, crop,
             crop.width / place[2])
    if out:
        _frame(axes, crop)


def draw_moved_edge(sheet: Sheet, diagnosis: Diagnosis, box: int, asked: Intervention, cell: Place) -> None:
    """The box before and after what pulls its worst edge out was hidden, with the true box."""
    x, y, width, height = cell
    geometry = diagnosis.boxes.maps[0].heatmaps[box].geometry
    before = diagnosis.boxes.detections.boxes[box]
    after = before + OUTWARD * np.nan_to_num(asked.suspect.edges)
    true = diagnosis.truth.boxes[diagnosis.truth_of(box)]
    sheet.write(x, y, shorten(f"the {diagnosis.worst_edge(box)} edge, hidden", width, 8.5, True), 8.5, bold=True,
                colour=SUSPECT)
    sheet.write(x, y + line_height(8.5), shorten("thin: after; dashed: true", width, 8), 8, colour=MUTED)
    crop = region_of(diagnosis, [before, after, true], width / (height - TITLE))
    place = at_left(crop, (x, y + TITLE, width, height - TITLE))
    axes = _tinted(sheet, diagnosis, [(asked.suspect, SUSPECT)], geometry, crop, place, quiet=False)
    outline(axes, before, crop, colour_of_type(diagnosis, int(diagnosis.index[box])), 2.6)
    outline(axes, after, crop, SUSPECT, 1.2)
    dashed_outline(axes, true, TRUE_BOX, 0.9)
    _frame(axes, crop)


def title_of(asked: Intervention, worst: str | None) -> str:
    """What was hidden, in a few words; ``worst`` is the box's worst edge."""
    if asked.name in HALVES:
        return f"{asked.name} half"
    if asked.name == EDGE:
        return f"beyond the {worst} edge"
    return {SPREAD: "all around the objects", CONTEXT: "hottest spot around"}.get(asked.name, asked.suspect.region.name)


def mask_in(mask: Mask, geometry: Geometry, region: Region, size: tuple[int, int]) -> Mask:
    """A mask of the canvas ``[h, w]`` at each drawn pixel of a region, ``[height, width]``.

    Args:
        mask: canvas pixels.
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
    found = geometry.to_source(np.array([columns[0], rows[0], columns[-1] + 1, rows[-1] + 1], float))
    height, width = geometry.source
    return np.asarray(found.clip(0, [width, height, width, height]), np.float64)


def _coloured(asked: Intervention) -> list[tuple[Change, str]]:
    """The controls, then the suspect over them; of two halves the one that takes more is the suspect."""
    suspect, controls = asked.suspect, list(asked.controls)
    if asked.name in HALVES and controls and hotter_half(asked) != asked.name.split(" or ")[0]:
        suspect, controls = controls[0], [suspect]
    return [*((each, CONTROL) for each in controls), (suspect, SUSPECT)]


def _number(diagnosis: Diagnosis, box: int, asked: Intervention, change: Change) -> str:
    """What a region took: a share of the score, or how far the edge comes in."""
    worst = diagnosis.worst_edge(box)
    if asked.name == EDGE and worst is not None:
        return pixel_words(inward(change, worst)).replace("-", MINUS)
    return percent(change.loss)


def percent(value: float) -> str:
    """Whole per cent with the sign of what is below 0; a dash where there is none."""
    return f"{round(100 * value) + 0} %".replace("-", MINUS) if np.isfinite(value) else "—"


def _result(diagnosis: Diagnosis, box: int, asked: Intervention) -> str:
    """What is compared with which limit."""
    worst = diagnosis.worst_edge(box)
    if not asked.controls and asked.name != SPREAD:
        return "no room for controls"
    if asked.name == EDGE and worst is not None:
        own, others = inward(asked.suspect, worst), max(inward(each, worst) for each in asked.controls)
        return f"{pixel_words(own)} in, controls ≤ {pixel_words(others)}".replace("-", MINUS)
    what = "share" if asked.name == SPREAD else "difference"
    return f"{what} {percent(beyond(asked))}, limit {percent(TOLD_BY_BOX[asked.name])}"


def _titles(sheet: Sheet, words: tuple[str, str], cell: Place, out: bool) -> None:
    x, y, width, _ = cell
    colour = SUSPECT if out else MUTED
    sheet.write(x, y, shorten(words[0], width, 8.5, out), 8.5, bold=out, colour=colour)
    sheet.write(x, y + line_height(8.5), shorten(words[1], width, 8), 8, colour=colour)


def _tinted(sheet: Sheet, diagnosis: Diagnosis, regions: list[tuple[Change, str]], geometry: Geometry, crop: Region,
            place: Place, quiet: bool) -> Axes:
    """The photograph, faded where it is ``quiet``, with the regions in their colours, each with an outline."""
    import cv2  # imported late: it sets environment variables
    from matplotlib.colors import to_rgb

    size = sheet.size(place)
    drawn = pixels(diagnosis.image, crop, size)
    ground = faded(drawn) if quiet else drawn.astype(np.float32) / 255
    for change, colour in regions:
        mask = mask_in(change.region.mask, geometry, crop, size)
        wide = np.ones((2 * BORDER + 1,) * 2, np.uint8)
        inner = cv2.erode(mask.astype(np.uint8), wide, borderValue=0).astype(bool)
        strength = np.where(mask & ~inner, 1.0, np.where(mask, QUIET if quiet else TINT, 0.0))[..., None]
        ground = ground * (1 - strength) + np.array(to_rgb(colour)) * strength
    return sheet.photograph((ground * 255).round().astype(np.uint8), crop, place)


def _numbers(axes: Axes, named: list[tuple[NDArray[np.float64], str, str]], box: NDArray[np.floating], crop: Region,
             inch: float) -> None:
    """A badge for each region beside it or in its corner, none over another; ``inch`` in source pixels."""
    least = COVERED * badge_size("1", LETTERS)[1] * inch
    taken: list[Rect] = [tuple(each.tolist()) for each in (box, *(bounds for bounds, *_ in named))
                         if min(each[2:] - each[:2]) < least]
    for bounds, text, colour in reversed(named):
        width, height = (each * inch for each in badge_size(text, LETTERS))
        x, y = free_place(bounds, (width, height), crop, taken)
        taken.append((x, y, x + width, y + height))
        leader(axes, taken[-1], bounds, colour)
        photograph_badge(axes, taken[-1], text, colour, LETTERS)


def _frame(axes: Axes, crop: Region) -> None:
    axes.add_patch(Rectangle((crop.x1, crop.y1), crop.width, crop.height, fill=False, edgecolor=SUSPECT,
                             linewidth=FRAME, clip_on=False, zorder=4))
