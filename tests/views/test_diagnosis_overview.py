"""The first page of a diagnosis: every box and object in its colour, with its name, and none hidden."""

from itertools import combinations

import numpy as np
import pytest
from matplotlib.axes import Axes
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from support.diagnosed import (
    ASIDE,
    HALF,
    IN_CROWD,
    LOST,
    PERSON,
    diagnosis_of,
    one_of_each,
    pages_of,
    truth_of,
    verdict_of,
)
from support.pages import rendered, said
from support.synthetic import photograph

from detcam.diagnosis.error_types import TYPES
from detcam.views.page.badges import free_place
from detcam.views.page.colours import TYPE_COLOURS, ink_on
from detcam.views.page.crop import Region


def photograph_axes(figure: Figure) -> Axes:
    return next(axes for axes in figure.axes if axes.images)


def colours_at(figure: Figure, axes: Axes, points: list[tuple[float, float]]) -> set[tuple[int, ...]]:
    """The colours drawn within three pixels of source positions."""
    canvas = rendered(figure)
    found: set[tuple[int, ...]] = set()
    for point in points:
        x, y = (int(each) for each in axes.transData.transform(point))
        around = canvas[canvas.shape[0] - y - 4:canvas.shape[0] - y + 3, x - 3:x + 4].reshape(-1, 3)
        found |= {tuple(each) for each in around.tolist()}
    return found


def near(colour: str, found: set[tuple[int, ...]]) -> bool:
    want = np.array(to_rgb(colour)) * 255
    return any(np.abs(want - np.array(each)).max() < 4 for each in found)


def middles(box: list[float]) -> list[tuple[float, float]]:
    """Places on three edges of a box where no other box of these tests has one."""
    x1, y1, x2, y2 = box
    return [(x1, 0.6 * y2 + 0.4 * y1), (x2, 0.6 * y2 + 0.4 * y1), (0.4 * x1 + 0.6 * x2, y2)]


def test_every_box_is_drawn_in_the_colour_of_its_type() -> None:
    figure = pages_of(one_of_each(image=photograph(value=120)))[0]
    axes = photograph_axes(figure)
    for box, kind in ((PERSON, "correct"), (HALF, "localization"), ([42.0, 20.0, 82.0, 100.0], "duplicate"),
                      (ASIDE, "background"), (IN_CROWD, "ignored"), (LOST, "missed")):
        assert near(TYPE_COLOURS[kind], colours_at(figure, axes, middles(box))), kind


def test_every_box_and_every_object_that_none_found_has_its_name() -> None:
    figure = pages_of(one_of_each())[0]
    assert texts_on(photograph_axes(figure)) == ["1", "2 Loc", "3 Dupe", "4 Bkg", "5", "Miss 1", "crowd"]


def texts_on(axes: Axes) -> list[str]:
    return sorted(text.get_text() for text in axes.texts)


def test_the_legend_counts_the_types_and_says_what_they_are() -> None:
    words = said(pages_of(one_of_each())[0])
    plain = " ".join(words.split())
    for kind in ("correct", "localization", "duplicate", "background", "missed", "ignored"):
        assert f"1 {kind}" in words
        assert TYPES[kind].sentence.split(",")[0] in plain
    assert "None here: classification and both." in plain
    assert "5 detections with a score above 0.25" in words
    assert "2 true objects, 1 found" in words


def test_an_object_that_is_counted_elsewhere_is_counted_and_explained() -> None:
    diagnosis = diagnosis_of([HALF], truth_of([PERSON]), verdicts=[verdict_of((40.0, 20.0, 80.0, 100.0), 1)])
    words = " ".join(said(pages_of(diagnosis)[0]).split())
    assert "On 1 of these lies a Loc or Cls error, which TIDE counts instead." in words


@pytest.mark.parametrize("count", [8, 45])
def test_no_badge_hides_another(count: int) -> None:
    rng = np.random.default_rng(5)
    low = rng.uniform(0, 90, (count, 2))
    boxes = np.concatenate([low, low + rng.uniform(6, 70, (count, 2))], 1).clip(0, [160, 120] * 2)
    diagnosis = diagnosis_of(boxes.tolist(), truth_of((boxes[::2] + 1).tolist()))
    axes = photograph_axes(pages_of(diagnosis)[0])
    badges = [patch for patch in axes.patches if isinstance(patch, Rectangle) and patch.get_fill()]
    assert len(badges) == len(diagnosis.detections) + len(diagnosis.missed)
    for one, other in combinations(badges, 2):
        wide = min(one.get_x() + one.get_width(), other.get_x() + other.get_width()) - max(one.get_x(), other.get_x())
        high = min(one.get_y() + one.get_height(), other.get_y() + other.get_height()) - max(one.get_y(),
                                                                                             other.get_y())
        assert wide < 1e-6 or high < 1e-6


def test_a_badge_without_a_place_on_its_border_takes_the_nearest_free_one() -> None:
    taken = [(0.0, 0.0, 100.0, 60.0)]
    x, y = free_place(np.array([20.0, 10, 60, 40]), (10, 8), Region(0, 0, 100, 100), taken)
    assert 60 <= y <= 64.1  # the first row of the grid below what is taken
    assert 10 <= x <= 60
    full = [(0.0, 0.0, 100.0, 100.0)]
    assert free_place(np.array([20.0, 10, 60, 40]), (10, 8), Region(0, 0, 100, 100), full) == (20.0, 10.0)


MACHADO = {  # Machado, Oliveira and Fernandes 2009, table 1, severity 1: on linear RGB
    "protanopia": [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]],
    "deuteranopia": [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]],
    "tritanopia": [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.303900]]}
TOLD_APART = 10.0  # CIEDE2000: colours at a glance, far above the just noticeable difference of about 1


@pytest.mark.parametrize("eyes", MACHADO)
def test_colours_of_the_types_are_told_apart_by_the_colour_blind(eyes: str) -> None:
    from skimage.color import deltaE_ciede2000, rgb2lab

    seen = {}
    for name, colour in TYPE_COLOURS.items():
        rgb = np.array(to_rgb(colour))
        linear = np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)
        linear = (np.array(MACHADO[eyes]) @ linear).clip(0, 1)
        seen[name] = np.where(linear <= 0.0031308, 12.92 * linear, 1.055 * linear ** (1 / 2.4) - 0.055)
    for one, other in combinations(seen, 2):
        apart = float(deltaE_ciede2000(rgb2lab(seen[one]), rgb2lab(seen[other])))
        assert apart > TOLD_APART, (one, other, apart)


def test_letters_on_a_badge_are_readable() -> None:
    assert (ink_on("#ffffff"), ink_on("#000000"), ink_on(TYPE_COLOURS["missed"])) == ("black", "white", "black")
    assert set(TYPE_COLOURS) == set(TYPES)
