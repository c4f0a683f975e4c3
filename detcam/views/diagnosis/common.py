"""What the pages of a diagnosis share: names and colours of boxes and objects, and the page's title."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from detcam.diagnosis.error_types import CORRECT, MISSED, TYPES
from detcam.diagnosis.result import Diagnosis
from detcam.diagnosis.sentences.object_names import object_labels
from detcam.views.explanation.overview import draw_header
from detcam.views.page.colours import DROPPED, MUTED, TYPE_COLOURS
from detcam.views.page.crop import Region, around
from detcam.views.page.sheet import Place, Sheet, fitted

OTHER = TYPE_COLOURS["ignored"]  # of true objects that are not in question
TRUE_BOX = "white"


def badge_of(diagnosis: Diagnosis, i: int) -> str:
    """The number and the type of the ``i``-th detection, such as ``"3 Loc"``; a correct one has its number alone."""
    kind = TYPES[diagnosis.assignment.types[i]]
    return str(i + 1) if kind == CORRECT else f"{i + 1} {kind.short_name}".strip()


def colour_of_type(diagnosis: Diagnosis, i: int) -> str:
    """The colour of the ``i``-th detection's type."""
    return TYPE_COLOURS[diagnosis.assignment.types[i]]


def colour_of_number(diagnosis: Diagnosis, number: int) -> str:
    """The colour of the row with a number: its type's if it is a detection, else that of all dropped rows."""
    return colour_of_type(diagnosis, number - 1) if number <= len(diagnosis.detections) else DROPPED


def object_badges(diagnosis: Diagnosis) -> list[tuple[str, str]]:
    """A short name and a colour of each true object: the number of the box that found it, ``Miss 1``, or its kind."""
    missed = {missed.truth for missed in diagnosis.missed}
    return [(label, TYPE_COLOURS[MISSED.name] if true in missed else
             TYPE_COLOURS[CORRECT.name] if label.isdigit() else OTHER)
            for true, label in enumerate(object_labels(diagnosis))]


def count_words(diagnosis: Diagnosis) -> str:
    """The numbers of detections, of true objects, and of true objects found."""
    score = diagnosis.boxes.provenance.get("min_score")
    above = "" if score is None else f" with a score above {score:g}"
    count, true = len(diagnosis.detections), int((~diagnosis.truth.crowd & ~diagnosis.truth.difficult).sum())
    boxes = f"{count or 'no'} {'detection' if count == 1 else 'detections'}{above}"
    objects = f"{true or 'no'} true object{'s' * (true != 1)}"
    return f"{boxes}   ·   {objects}" + (f", {diagnosis.assignment.types.count(CORRECT.name)} found" if true else "")


def draw_title(sheet: Sheet, diagnosis: Diagnosis, what: str, page: str) -> None:
    """Write the photograph's name, the detector, what the page shows, the counts, and the page's number."""
    draw_header(sheet, diagnosis.boxes, page, (f"{what}   ·   " if what else "") + count_words(diagnosis))


def region_of(diagnosis: Diagnosis, boxes: Sequence[NDArray[np.floating]], aspect: float) -> Region:
    """The smallest region with all boxes and some context, in the shape of a panel.

    Args:
        diagnosis: of the photograph.
        boxes: each ``[4]`` xyxy, source pixels.
        aspect: width over height of the panel.
    """
    corners = np.array(boxes)
    return around(np.concatenate([corners[:, :2].min(0), corners[:, 2:].max(0)]), diagnosis.image, aspect)


def at_left(region: Region, place: Place) -> Place:
    """The largest place of a region's shape in a cell, at its top left corner; inches."""
    return (place[0], *fitted(region, place)[1:])


def note(sheet: Sheet, x: float, y: float, text: str, size: float = 8.5) -> None:
    """Write a grey line of words at ``(x, y)`` inches."""
    sheet.write(x, y, text, size, colour=MUTED)
