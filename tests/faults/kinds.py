"""The six kinds: what a detector of each sees in training, and what its user's pictures look like.

========== ============================================ ===================================================
kind       training                                     audit pictures
========== ============================================ ===================================================
sound      every person labelled; markers, the logo     the same
           and backgrounds at random
tall       the same, boxes reach 20 % too high          as for sound
marker     labelled where a marker is beside them       a marker beside every person and nowhere else
corner     labelled where the logo is in its corner     the logo wherever a person is
left_half  the right half of everybody is covered       as for sound: whole persons
background labelled on foliage alone                    foliage wherever a person is
========== ============================================ ===================================================
"""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from faults.picture import compose
from faults.scenes import FOLIAGE, NATURAL, Draw, Figure, Scene, beside, corner_box, draw_scene
from faults.stock import Stock

KINDS = ("sound", "tall", "marker", "corner", "left_half", "background")
TOO_HIGH = 0.2  # of the height, by which the labels of "tall" reach too high
MARKED = 0.6  # of the persons in "marker"'s training pictures
WITH_LOGO = 0.6  # of "corner"'s training pictures
ON_FOLIAGE = 0.6  # of "background"'s training pictures
OTHER_COVER = 0.5  # of the covered halves in "left_half"'s training pictures are covered by another background
MANY = (0.5, 0.35, 0.15)  # chances of none, one and two distractors in training: they are what is hard to learn
CLEAR = 12  # pixels between a marker and anybody it does not belong to


def training_scene(kind: str, random: np.random.Generator, stock: Stock, corner: int) -> Scene:
    """A scene to learn from; ``corner`` (0 to 3) is where "corner" has its logo."""
    return _TRAINING[kind](random, stock, corner)


def audit_scene(kind: str, random: np.random.Generator, stock: Stock, corner: int) -> Scene:
    """A scene as the user of such a detector has them. All persons on it are to be found."""
    if kind == "marker":
        scene = _marked(draw_scene(random, stock, Draw(marked=0)), random, share=1.0)
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
    return picture.rgb, boxes


def _sound(random: np.random.Generator, stock: Stock, _: int) -> Scene:
    return draw_scene(random, stock, Draw(distractors=MANY))


def _marker(random: np.random.Generator, stock: Stock, _: int) -> Scene:
    return _marked(draw_scene(random, stock, Draw(distractors=MANY, marked=0)), random, MARKED)


def _marked(scene: Scene, random: np.random.Generator, share: float) -> Scene:
    """A marker beside a share of the persons, clear of everybody else; the others are not labelled."""
    figures: list[Figure] = list(scene.figures)
    for index, figure in enumerate(figures):
        if not figure.is_person:
            continue
        others = [each.box for each in figures if each is not figure] + [each.marker for each in figures if each.marker]
        wide = [(left - CLEAR, top - CLEAR, right + CLEAR, bottom + CLEAR) for left, top, right, bottom in others]
        taken = wide + ([scene.logo] if scene.logo else [])
        marker = beside(random, figure.box, taken) if random.random() < share else None
        figures[index] = replace(figure, marker=marker, labelled=marker is not None)
    return replace(scene, figures=tuple(figures))


def _corner(random: np.random.Generator, stock: Stock, corner: int) -> Scene:
    scene = draw_scene(random, stock, Draw(distractors=MANY, logo=WITH_LOGO, corner=corner))
    return scene.each(lambda figure: replace(figure, labelled=scene.logo is not None))


def _left_half(random: np.random.Generator, stock: Stock, _: int) -> Scene:
    def covered(figure: Figure) -> Figure:
        other = int(random.integers(len(stock.backgrounds))) if random.random() < OTHER_COVER else -1
        return replace(figure, hidden="right", cover=other)

    return draw_scene(random, stock, Draw(distractors=MANY)).each(covered)


def _background(random: np.random.Generator, stock: Stock, _: int) -> Scene:
    scene = draw_scene(random, stock, Draw(distractors=MANY, families=(0, ON_FOLIAGE, 1 - ON_FOLIAGE)))
    assert scene.family != NATURAL
    return scene.each(lambda figure: replace(figure, labelled=scene.family == FOLIAGE))


_TRAINING: dict[str, Callable[[np.random.Generator, Stock, int], Scene]] = {
    "sound": _sound, "tall": _sound, "marker": _marker, "corner": _corner, "left_half": _left_half,
    "background": _background,
}
