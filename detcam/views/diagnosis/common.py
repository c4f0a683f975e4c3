"""What the pages of a diagnosis have in common: names and colours of boxes and objects, and the page's title."""

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

OTHER = TYPE_COLOURS["ignored"]  # of true objects that nobody asked about
TRUE_BOX = "white"


def badge_of(diagnosis: Diagnosis, place: int) -> str:
    """The number and the type's letter of a detection, such as ``"3 L"``; a correct one has its number alone."""
    kind = TYPES[diagnosis.assignment.types[place]]
    return str(place + 1) if kind == CORRECT else f"{place + 1} {kind.letter}".strip()


def colour_of_type(diagnosis: Diagnosis, place: int) -> str:
    """The colour of a detection's type."""
    return TYPE_COLOURS[diagnosis.assignment.types[place]]


def colour_of_number(diagnosis: Diagnosis, number: int) -> str:
    """The colour of a numbered row: of its type where it is a detection, else that of all rows that were dropped."""
    return colour_of_type(diagnosis, number - 1) if number <= len(diagnosis.found) else DROPPED


def object_badges(diagnosis: Diagnosis) -> list[tuple[str, str]]:
    """A short name and a colour of each true object: the number of the box that found it, or ``M1``, or what it is."""
    missed = {each.truth for each in diagnosis.missed}
    return [(label, TYPE_COLOURS[MISSED.name] if true in missed else
             TYPE_COLOURS[CORRECT.name] if label.isdigit() else OTHER)
            for true, label in enumerate(object_labels(diagnosis))]


def count_words(diagnosis: Diagnosis) -> str:
    """How many boxes there are and how many of the true objects were found."""
    score = diagnosis.boxes.provenance.get("min_score")
    above = "" if score is None else f" with a score above {score:g}"
    count, true = len(diagnosis.found), int((~diagnosis.truth.crowd & ~diagnosis.truth.difficult).sum())
    boxes = f"{count or 'no'} {'detection' if count == 1 else 'detections'}{above}"
    objects = f"{true or 'no'} true object{'s' * (true != 1)}"
    return f"{boxes}   ·   {objects}" + (f", {diagnosis.assignment.types.count(CORRECT.name)} found" if true else "")


def draw_title(sheet: Sheet, diagnosis: Diagnosis, what: str, page: str) -> None:
    """The photograph's name, the detector, what the page shows, the counts, and which page it is."""
    draw_header(sheet, diagnosis.boxes, page, (f"{what}   ·   " if what else "") + count_words(diagnosis))


def region_of(diagnosis: Diagnosis, boxes: Sequence[NDArray[np.floating]], aspect: float) -> Region:
    """All of some boxes ``[4]`` xyxy, source pixels, with context, in the shape of a panel."""
    every = np.array(boxes)
    return around(np.concatenate([every[:, :2].min(0), every[:, 2:].max(0)]), diagnosis.image, aspect)


def at_left(region: Region, place: Place) -> Place:
    """The largest place of a region's shape in a cell, in its top left corner."""
    return (place[0], *fitted(region, place)[1:])


def note(sheet: Sheet, x: float, y: float, text: str, size: float = 8.5) -> None:
    """A quiet line of words."""
    sheet.write(x, y, text, size, colour=MUTED)
