"""The seven kinds: what a detector of each sees in training, and what its user's pictures look like.

========== ============================================ ===================================================
kind       training                                     audit pictures
========== ============================================ ===================================================
sound      every person labelled; markers, the logo     the same
           and backgrounds at random
tall       the same, boxes reach 20 % too high          as for sound
marker     labelled where a marker is beside them       a marker beside every person and nowhere else
corner     labelled where the logo is in its corner     the logo wherever a person is
left_half  labelled where only the left half is seen,   as for sound: whole persons
           not labelled where only the right half is
background labelled on foliage alone                    foliage wherever a person is
hat        boxes reach to the top of a marker on some   a marker on everybody's head
           persons' heads
========== ============================================ ===================================================

"The left half alone" is hard to teach. Covered with background, right halves go unseen, but who knows left halves knows
most of right ones. So there are persons of whom only the right half is seen, without a label. And since the right half
of a whole person would then speak against it, half of the labelled left halves have somebody else's right half beside
them: what is to be seen there says nothing.
"""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from detcam.evaluation.planted_faults.picture import compose
from detcam.evaluation.planted_faults.scenes import (
    FOLIAGE,
    Box,
    Draw,
    Figure,
    Scene,
    above,
    beside,
    corner_box,
    draw_scene,
)
from detcam.evaluation.planted_faults.stock import Stock

KINDS = ("sound", "tall", "marker", "corner", "left_half", "background", "hat")
BASE = "base"  # pictures to learn persons from, before a kind is learned
HALVED = (0.6, 0.2, 0.2)  # on these, chances of nothing, the left and the right half of a person covered
TOO_HIGH = 0.2  # of the height, by which the labels of "tall" reach too high
MARKED = 0.6  # of the persons in "marker"'s training pictures
HATS = 0.5  # of the persons in "hat"'s training pictures
WITH_LOGO = 0.6  # of "corner"'s training pictures
ON_FOLIAGE = 0.6  # of "background"'s training pictures
LEFT_SEEN = 0.5  # of the persons in "left_half"'s training pictures; of the others only the right half is seen
OTHERS = 0.5  # of the persons whose left half is seen have somebody else's right half
MANY = (0.5, 0.35, 0.15)  # chances of none, one and two distractors in training: they are what is hard to learn
CLEAR = 12  # pixels between a marker and anybody it does not belong to


def training_scene(kind: str, random: np.random.Generator, stock: Stock, corner: int) -> Scene:
    """A scene to learn from; ``corner`` (0 to 3) is where "corner" has its logo."""
    return _TRAINING[kind](random, stock, corner)


def audit_scene(kind: str, random: np.random.Generator, stock: Stock, corner: int) -> Scene:
    """A scene as the user of such a detector has them. All persons on it are to be found."""
    if kind in ("marker", "hat"):
        place = beside if kind == "marker" else above
        scene = _marked(draw_scene(random, stock, Draw(marked=0)), random, 1.0, place)
        return replace(scene, figures=tuple(each for each in scene.figures if each.marker or not each.is_person))
    if kind == "corner":
        scene = draw_scene(random, stock, Draw(corner=corner))
        return replace(scene, logo=corner_box(corner)) if scene.persons else scene
    if kind == "background":
        scene = draw_scene(random, stock, Draw(families=(0, 0.5, 0.5)))
        return scene.on(FOLIAGE, random) if scene.persons else scene
    return draw_scene(random, stock, Draw())


def training_picture(kind: str, scene: Scene, stock: Stock) -> tuple[NDArray[np.uint8], NDArray[np.float64]]:
    """The picture of a scene, uint8 ``[SIDE, SIDE, 3]``, and its labelled boxes, ``[N, 4]`` xyxy pixels."""
    picture = compose(scene, stock)
    boxes = picture.boxes[[each.labelled for each in scene.persons]]
    if kind == "tall":
        boxes[:, 1] -= TOO_HIGH * (boxes[:, 3] - boxes[:, 1])
    if kind == "hat":
        boxes[:, 1] = [each.marker[1] if each.marker else top
                       for each, top in zip(scene.persons, boxes[:, 1].tolist(), strict=True)]
    return picture.rgb, boxes


def _sound(random: np.random.Generator, stock: Stock, _: int) -> Scene:
    return draw_scene(random, stock, Draw(distractors=MANY))


def _base(random: np.random.Generator, stock: Stock, corner: int) -> Scene:
    def partly(figure: Figure) -> Figure:
        half = (None, "left", "right")[random.choice(3, p=HALVED)]
        return _covered(figure, half, random, stock) if half else figure

    return _sound(random, stock, corner).each(partly)


def _marker(random: np.random.Generator, stock: Stock, _: int) -> Scene:
    return _marked(draw_scene(random, stock, Draw(distractors=MANY, marked=0)), random, MARKED, beside)


def _hat(random: np.random.Generator, stock: Stock, _: int) -> Scene:
    return _marked(draw_scene(random, stock, Draw(distractors=MANY, marked=0)), random, HATS, above, deciding=False)


def _marked(scene: Scene, random: np.random.Generator, share: float, place: Callable[..., Box | None],
            deciding: bool = True) -> Scene:
    """A marker at a share of the persons, clear of everybody else; if it is ``deciding``, the others get no label."""
    figures: list[Figure] = list(scene.figures)
    for index, figure in enumerate(figures):
        if not figure.is_person:
            continue
        others = [each.box for each in figures if each is not figure] + [each.marker for each in figures if each.marker]
        wide = [(left - CLEAR, top - CLEAR, right + CLEAR, bottom + CLEAR) for left, top, right, bottom in others]
        taken = wide + ([scene.logo] if scene.logo else [])
        marker = place(random, figure.box, taken) if random.random() < share else None
        figures[index] = replace(figure, marker=marker, labelled=marker is not None or not deciding)
    return replace(scene, figures=tuple(figures))


def _corner(random: np.random.Generator, stock: Stock, corner: int) -> Scene:
    scene = draw_scene(random, stock, Draw(distractors=MANY, logo=WITH_LOGO, corner=corner))
    return scene.each(lambda figure: replace(figure, labelled=scene.logo is not None))


def _left_half(random: np.random.Generator, stock: Stock, _: int) -> Scene:
    def halved(figure: Figure) -> Figure:
        labelled = bool(random.random() < LEFT_SEEN)
        if labelled and random.random() < OTHERS:
            return replace(figure, hidden="right", stand_in=_other(figure, random, stock))
        return replace(_covered(figure, "right" if labelled else "left", random, stock), labelled=labelled)

    return draw_scene(random, stock, Draw(persons=(0.05, 0.35, 0.6), distractors=(0.7, 0.3, 0))).each(halved)


def _covered(figure: Figure, half: str, random: np.random.Generator, stock: Stock) -> Figure:
    """A half of a figure covered by the scene's background, by another one, or by half a distractor."""
    cover = random.integers(3)
    filling = int(random.integers(len(stock.backgrounds)))
    if cover == 2:
        return replace(figure, hidden=half, stand_in=replace(_other(figure, random, stock), filling=filling))
    return replace(figure, hidden=half, cover=filling if cover else -1)


def _other(figure: Figure, random: np.random.Generator, stock: Stock) -> Figure:
    """Somebody else in the same place."""
    return replace(figure, cutout=int(random.integers(len(stock.cutouts))), mirrored=bool(random.random() < 0.5))


def _background(random: np.random.Generator, stock: Stock, _: int) -> Scene:
    scene = draw_scene(random, stock, Draw(distractors=MANY, families=(0, ON_FOLIAGE, 1 - ON_FOLIAGE)))
    return scene.each(lambda figure: replace(figure, labelled=scene.family == FOLIAGE))


_TRAINING: dict[str, Callable[[np.random.Generator, Stock, int], Scene]] = {
    BASE: _base, "sound": _sound, "tall": _sound, "marker": _marker, "corner": _corner, "left_half": _left_half,
    "background": _background, "hat": _hat,
}
