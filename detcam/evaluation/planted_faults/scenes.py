"""Scenes: what stands where on a picture, drawn at random. A counterfactual is a scene with one thing replaced."""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from detcam.evaluation.planted_faults.stock import TILE, Stock

SIDE = 96  # pixels of a picture
HEIGHTS = (40, 70)  # pixels of a person
WIDTHS = (18, 48)  # half of a narrower one could hardly be told from the other half
HEADROOM = 0.2  # of the height, free above everybody: where the boxes that reach too high still fit
GAP = 3  # pixels between boxes
MARKER = (9, 12)  # pixels of a marker's side
BESIDE = (1, 4)  # pixels between a marker and its person's box
LOGO = 15  # pixels of a logo's side
INSET = 2  # pixels between a logo and the corner

Box = tuple[int, int, int, int]  # xyxy, pixels
Colour = tuple[float, float, float]

NATURAL, FOLIAGE, OTHER = "natural", "foliage", "other"
FOLIAGE_TINT = (0.55, 1.15, 0.35)  # times the brightness of the background
OTHER_TINTS = ((0.6, 0.8, 1.3), (1.25, 0.85, 0.55), (1.15, 0.65, 1.05), (1.0, 1.0, 1.0))


@dataclass(frozen=True)
class Figure:
    """A person, or a distractor: the outline of one, upside down, filled with a shrunken background.

    Attributes:
        cutout: index into the stock.
        box: where it is pasted.
        mirrored: left and right swapped.
        gains: times the colours.
        filling: of a distractor, the index of the background that fills it.
        hidden: the half that is not to be seen, ``"left"``, ``"right"`` or None.
        cover: what hides it: -1 the scene's own background, from 0 on another one's index.
        stand_in: whose half is to be seen there instead; its box is the same.
        labelled: whether training pictures have its box.
        marker: the marker beside it, or above it.
    """

    cutout: int
    box: Box
    mirrored: bool = False
    gains: Colour = (1.0, 1.0, 1.0)
    filling: int | None = None
    hidden: str | None = None
    cover: int = -1
    stand_in: "Figure | None" = None
    labelled: bool = True
    marker: Box | None = None

    @property
    def is_person(self) -> bool:
        return self.filling is None


@dataclass(frozen=True)
class Scene:
    """A background, the figures on it, stray markers, and the logo.

    Attributes:
        background: index into the stock.
        offset: x and y of the region of the background, whose mirror image it is where ``mirrored``.
        family: of backgrounds, ``"natural"``, ``"foliage"`` or ``"other"``.
        tint: times the brightness of the background; None leaves its own colours.
        gain: times all colours, before markers and the logo are drawn.
    """

    background: int
    offset: tuple[int, int]
    mirrored: bool
    family: str
    tint: Colour | None
    gain: float
    figures: tuple[Figure, ...] = ()
    strays: tuple[Box, ...] = ()
    logo: Box | None = None

    @property
    def persons(self) -> tuple[Figure, ...]:
        return tuple(each for each in self.figures if each.is_person)

    def without_markers(self) -> "Scene":
        """The same without any marker."""
        return replace(self.each(lambda figure: replace(figure, marker=None)), strays=())

    def without_logo(self) -> "Scene":
        """The same without the logo."""
        return replace(self, logo=None)

    def on(self, family: str, random: np.random.Generator) -> "Scene":
        """The same figures on the same background in the colours of another family."""
        return replace(self, family=family, tint=_tint(family, random))

    def hiding(self, half: str | None) -> "Scene":
        """The same with the left or right half of every person covered by the background."""
        return replace(self, figures=tuple(
            replace(each, hidden=half, cover=-1, stand_in=None) if each.is_person else each for each in self.figures))

    def each(self, change: Callable[[Figure], Figure]) -> "Scene":
        """The same with every figure changed."""
        return replace(self, figures=tuple(change(figure) for figure in self.figures))


def corner_box(corner: int) -> Box:
    """The logo's place in one of four corners, 0 to 3: top left, top right, bottom left, bottom right."""
    left = INSET if corner % 2 == 0 else SIDE - INSET - LOGO
    top = INSET if corner < 2 else SIDE - INSET - LOGO
    return left, top, left + LOGO, top + LOGO


def apart(box: Box, others: list[Box], gap: int = GAP) -> bool:
    """Whether a box keeps its distance from the others."""
    return all(box[0] >= other[2] + gap or other[0] >= box[2] + gap or box[1] >= other[3] + gap
               or other[1] >= box[3] + gap for other in others)


@dataclass(frozen=True)
class Draw:
    """How often things are on a scene.

    Attributes:
        persons: chances of none, one and two persons.
        distractors: chances of none, one and two distractors.
        marked: chance that a figure has a marker beside it; a scene has a stray one as often.
        logo: chance of a logo.
        corner: which one it is in; None for any.
        families: chances of natural, foliage and other backgrounds.
    """

    persons: tuple[float, float, float] = (0.2, 0.45, 0.35)
    distractors: tuple[float, float, float] = (0.75, 0.2, 0.05)
    marked: float = 0.3
    logo: float = 0.5
    corner: int | None = None
    families: tuple[float, float, float] = (0.5, 0.25, 0.25)


def draw_scene(random: np.random.Generator, stock: Stock, draw: Draw) -> Scene:
    """A scene whose markers, logo and background have nothing to do with its persons."""
    corner = int(random.integers(4)) if draw.corner is None else draw.corner
    logo = corner_box(corner) if random.random() < draw.logo else None
    family = (NATURAL, FOLIAGE, OTHER)[random.choice(3, p=draw.families)]
    figures = _figures(random, stock, draw, [corner_box(corner)])
    taken = [corner_box(corner), *(figure.box for figure in figures)]
    for index, figure in enumerate(figures):
        if random.random() < draw.marked:
            marker = beside(random, figure.box, taken)
            figures[index] = replace(figure, marker=marker)
            taken += [marker] if marker else []
    stray = _anywhere(random, taken) if random.random() < draw.marked else None
    return Scene(
        background=int(random.integers(len(stock.backgrounds))),
        offset=(int(random.integers(TILE - SIDE + 1)), int(random.integers(TILE - SIDE + 1))),
        mirrored=bool(random.random() < 0.5), family=family, tint=_tint(family, random),
        gain=float(random.uniform(0.8, 1.2)), figures=tuple(figures), strays=(stray,) if stray else (), logo=logo)


def _tint(family: str, random: np.random.Generator) -> Colour | None:
    if family == NATURAL:
        return None
    tint = FOLIAGE_TINT if family == FOLIAGE else OTHER_TINTS[random.integers(len(OTHER_TINTS))]
    red, green, blue = np.array(tint) * random.uniform(0.9, 1.1, 3)
    return float(red), float(green), float(blue)


def _figures(random: np.random.Generator, stock: Stock, draw: Draw, taken: list[Box]) -> list[Figure]:
    persons, distractors = random.choice(3, p=draw.persons), random.choice(3, p=draw.distractors)
    figures: list[Figure] = []
    for number in range(persons + distractors):
        cutout = int(random.integers(len(stock.cutouts)))
        box = _place(random, stock.cutouts[cutout].shape, taken + [figure.box for figure in figures])
        if box is None:
            continue
        red, green, blue = random.uniform(0.65, 1.35) * random.uniform(0.85, 1.15, 3)
        figures.append(Figure(
            cutout, box, bool(random.random() < 0.5), (float(red), float(green), float(blue)),
            filling=None if number < persons else int(random.integers(len(stock.backgrounds)))))
    return figures


def _place(random: np.random.Generator, shape: tuple[int, ...], taken: list[Box], tries: int = 20) -> Box | None:
    """A free place for a cut-out of a random size, none after some tries."""
    for _ in range(tries):
        height = int(random.integers(HEIGHTS[0], HEIGHTS[1] + 1))
        width = round(height * shape[1] / shape[0] * random.uniform(0.85, 1.2))
        least = int(np.ceil(HEADROOM * height))
        if not WIDTHS[0] <= width <= WIDTHS[1]:
            continue
        left, top = int(random.integers(SIDE - width + 1)), int(random.integers(least, SIDE - height + 1))
        box = left, top, left + width, top + height
        if apart(box, taken):
            return box
    return None


def beside(random: np.random.Generator, box: Box, taken: list[Box], tries: int = 20) -> Box | None:
    """A place for a marker to the left or right of a box."""
    for _ in range(tries):
        side, gap = int(random.integers(*MARKER)), int(random.integers(BESIDE[0], BESIDE[1] + 1))
        left = box[0] - gap - side if random.random() < 0.5 else box[2] + gap
        top = int(random.integers(box[1], box[3] - side + 1))
        marker = left, top, left + side, top + side
        if left >= 0 and marker[2] <= SIDE and apart(marker, [each for each in taken if each != box]):
            return marker
    return None


def above(random: np.random.Generator, box: Box, taken: list[Box]) -> Box | None:
    """A place for a marker on top of a box, anywhere over its middle half."""
    side = int(random.integers(*MARKER))
    x = int(random.integers((3 * box[0] + box[2]) // 4, (box[0] + 3 * box[2]) // 4 + 1))
    marker = x - side // 2, box[1] - side, x - side // 2 + side, box[1]
    free = apart(marker, [each for each in taken if each != box]) and min(marker) >= 0 and marker[2] <= SIDE
    return marker if free else None


def _anywhere(random: np.random.Generator, taken: list[Box], tries: int = 20) -> Box | None:
    for _ in range(tries):
        side = int(random.integers(*MARKER))
        left, top = (int(each) for each in random.integers(SIDE - side + 1, size=2))
        marker = left, top, left + side, top + side
        if apart(marker, taken):
            return marker
    return None
