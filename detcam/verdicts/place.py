"""A place in a photograph that a user asks about, and the raw row that fits it best."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from detcam.errors import PlaceError
from detcam.imaging.boxes import iou, sizes
from detcam.imaging.image import Image

NEAR = 0.5  # IoU from which a row's box counts as the box in question, as for a found object (AP50)
SAME = 0.5  # IoU from which two rows that cover a point count as one object


@dataclass(frozen=True)
class Place:
    """A point or a box, source pixels.

    Attributes:
        at: ``(x, y)``, source pixels, or None.
        box: ``(x1, y1, x2, y2)``, source pixels, clipped to the photograph, or None.
        label: the only class index in question; None for all that are in question anyway.
    """

    at: tuple[float, float] | None = None
    box: tuple[float, float, float, float] | None = None
    label: int | None = None

    def __str__(self) -> str:
        kind, numbers = ("at", self.at) if self.at is not None else ("box", self.box)
        assert numbers is not None
        return f"{kind} {','.join(f'{number:g}' for number in numbers)}"


@dataclass(frozen=True)
class Choice:
    """The row that fits a place best.

    Attributes:
        row: its index among the rows to choose from.
        label: the class index that it is taken for.
        near: whether its box covers the point in question, or has an IoU of at least 0.5 with the box in question.
        iou: IoU of its box, clipped to the photograph, with the box in question; None for a point.
    """

    row: int
    label: int
    near: bool
    iou: float | None


def places_of(at: Any, box: Any, image: Image) -> list[Place]:
    """The places for a user's points and boxes.

    Args:
        at: a point ``(x, y)`` or several ``[N, 2]``, source pixels; None for none.
        box: a box ``(x1, y1, x2, y2)`` or several ``[N, 4]``, source pixels; None for none.
        image: the photograph.

    Raises:
        PlaceError: not so many numbers, not inside the photograph, or a box with X1 >= X2 or Y1 >= Y2.
    """
    points, boxes = _tuples(at, 2, "at", "(x, y)"), _tuples(box, 4, "box", "(x1, y1, x2, y2)")
    size = f"the photograph, {image.width} x {image.height} px"
    places = []
    for x, y in points:
        if not (0 <= x <= image.width and 0 <= y <= image.height):
            raise PlaceError(f"at {x:g},{y:g}: outside {size}")
        places.append(Place(at=(x, y)))
    for x1, y1, x2, y2 in boxes:
        words = f"box {x1:g},{y1:g},{x2:g},{y2:g}"
        if x1 >= x2 or y1 >= y2:
            raise PlaceError(f"{words}: expected X1 < X2 and Y1 < Y2, the top left corner first")
        clipped = np.clip([x1, y1, x2, y2], 0, [image.width, image.height] * 2)
        if not sizes(clipped).all():
            raise PlaceError(f"{words}: outside {size}")
        places.append(Place(box=tuple(clipped.tolist())))
    return places


def _tuples(given: Any, count: int, name: str, expected: str) -> list[tuple[float, ...]]:
    if given is None:
        return []
    try:
        array = np.asarray(given, dtype=float)
        array = array[None] if array.ndim == 1 and array.size else array
        if array.size and (array.ndim != 2 or array.shape[1] != count or not np.isfinite(array).all()):
            raise ValueError
    except (TypeError, ValueError):
        raise PlaceError(f"{name} {given!r}: expected {expected} in pixels of the photograph, or a list of those"
                         ) from None
    return [tuple(numbers) for numbers in array.tolist()]


def centreness(boxes: NDArray[np.floating], x: float, y: float) -> NDArray[np.floating]:
    """How central a point lies in each box, ``[N]``: 1 in the middle, 0 on an edge and outside.

    FCOS (Tian et al. 2019), eq. 3.

    Args:
        boxes: ``[N, 4]`` xyxy.
        x, y: the point, in the boxes' frame.
    """
    left, top = x - boxes[:, 0], y - boxes[:, 1]
    right, bottom = boxes[:, 2] - x, boxes[:, 3] - y
    nearer = np.minimum(left, right).clip(0) * np.minimum(top, bottom).clip(0)
    farther = np.maximum(left, right) * np.maximum(top, bottom)
    return np.sqrt(np.divide(nearer, farther, out=np.zeros_like(nearer), where=farther > 0))


def choose(place: Place, boxes: NDArray[np.floating], scores: NDArray[np.floating],
           labels: Sequence[int] | NDArray[np.integer], image: Image) -> Choice:
    """The row and the label that fit a place best.

    For a box: the highest score among rows with an IoU of at least 0.5; where there is none, the row with the highest
    IoU, which is not near.

    For a point: first the highest product of score and centreness among rows that cover it, so that a confident box
    with the point in its corner does not hide a less confident one with the point in its middle. Then, among the rows
    for the same object (they cover the point, too, and overlap that row with an IoU of at least 0.5), the one with the
    highest score for that label. Where no row covers the point, the row with the nearest box, which is not near.

    Args:
        place: the point or box in question, source pixels.
        boxes: ``[A, 4]`` xyxy source pixels, clipped to the photograph.
        scores: ``[A, L]`` each row's score for each label that it may be detected as, from 0 to 1.
        labels: these labels, ``[L]`` or, where they depend on the row, ``[A, L]``.
        image: the photograph.
    """
    labels = np.broadcast_to(np.asarray(labels), scores.shape)
    if place.box is not None:
        overlap = iou(np.array([place.box]), boxes)[0]
        near = overlap >= NEAR
        row = int(np.where(near, scores.max(1), -1).argmax() if near.any() else overlap.argmax())
        return Choice(row, int(labels[row, scores[row].argmax()]), bool(near.any()), float(overlap[row]))
    assert place.at is not None
    x, y = np.clip(place.at, 0.5, [image.width - 0.5, image.height - 0.5])  # the middle of a pixel at the border
    central = centreness(boxes, x, y)
    if not central.any():
        away = np.hypot(*(np.maximum(np.maximum(boxes[:, column] - at, at - boxes[:, column + 2]), 0)
                          for column, at in ((0, x), (1, y))))
        row = int(away.argmin())
        return Choice(row, int(labels[row, scores[row].argmax()]), False, None)
    best, column = divmod(int((scores * central[:, None]).argmax()), scores.shape[1])
    same = (central > 0) & (labels[:, column] == labels[best, column])
    return Choice(_highest_score(best, boxes, scores[:, column], same), int(labels[best, column]), True, None)


def _highest_score(row: int, boxes: NDArray[np.floating], scores: NDArray[np.floating], same: NDArray[np.bool_]
                   ) -> int:
    """The row with the highest score among ``row`` and the ``same`` rows that overlap it.

    Args:
        row: index of a row.
        boxes: ``[A, 4]`` xyxy source pixels.
        scores: ``[A]`` for one label.
        same: bool ``[A]``, True for rows of that label that cover the point.
    """
    rows = np.flatnonzero(same)
    siblings = rows[iou(boxes[row][None], boxes[rows])[0] >= SAME]
    best = int(siblings[scores[siblings].argmax()]) if len(siblings) else row
    return best if scores[best] > scores[row] else row
