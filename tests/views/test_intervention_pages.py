"""The pages of interventions: who gets a row, what is drawn where, and what is marked."""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from support.diagnosed import ASIDE, PERSON, asked_of, diagnosis_of, pages_of, truth_of
from support.pages import said, texts
from support.synthetic import letterbox, photograph

from detcam.diagnosis.attention.shortcuts import PATTERNS, Shortcuts
from detcam.diagnosis.interventions.intervention import Intervention
from detcam.diagnosis.result import Diagnosis
from detcam.views.diagnosis.intervention_panel import FRAME, QUIET, TINT, bounds_of, mask_in
from detcam.views.page.colours import CONTROL, PATTERN, SUSPECT
from detcam.views.page.crop import Region

CORNER, LOW, RIGHT = [0.0, 0.0, 30.0, 30.0], [85.0, 60.0, 105.0, 90.0], [120.0, 5.0, 150.0, 25.0]
ABOVE = [40.0, 0.0, 80.0, 20.0]
TALL = [40.0, 4.0, 80.0, 100.0]  # its top edge 16 px too high
CORNERS = asked_of("corners", (CORNER, 0.62), [(LOW, 0.04), (RIGHT, -0.02)])
QUIET_SPOT = asked_of("context", (LOW, 0.1), [(RIGHT, 0.0)])
HALVES = asked_of("left or right", ([40.0, 20.0, 60.0, 100.0], -0.3), [([60.0, 20.0, 80.0, 100.0], 0.97)])
EDGE = asked_of("edge", (ABOVE, 0.1), [(LOW, 0.0)], [12.0, 1.0], "beyond the top edge")


def hidden(*answers: Intervention, box: list[float] | None = None) -> Diagnosis:
    return diagnosis_of([box or PERSON], truth_of([PERSON]), image=photograph(value=120), hidden=[answers])


def page_of(*answers: Intervention, box: list[float] | None = None) -> Figure:
    return next(page for page in pages_of(hidden(*answers, box=box)) if is_intervention_page(page))


def is_intervention_page(page: Figure) -> bool:
    return "Regions are occluded one at a time" in said(page)


def pictures(page: Figure) -> list[Axes]:
    return [axes for axes in page.axes if axes.images]


def framed(axes: Axes) -> bool:
    return any(isinstance(patch, Rectangle) and patch.get_linewidth() == FRAME for patch in axes.patches)


def drawn_at(axes: Axes, x: float, y: float) -> np.ndarray:
    """The colour at a place of the photograph, 0..1."""
    drawn = np.asarray(axes.images[0].get_array(), float) / 255
    (left, right), (bottom, top) = axes.get_xlim(), axes.get_ylim()
    return drawn[int((y - top) / (bottom - top) * drawn.shape[0]), int((x - left) / (right - left) * drawn.shape[1])]


def test_regions_are_tinted_where_they_lie() -> None:
    axes = pictures(page_of(CORNERS))[0]
    grey = 120 / 255
    for box, colour in ((CORNER, SUSPECT), (LOW, CONTROL), (RIGHT, CONTROL)):
        x, y = (box[0] + box[2]) / 2, (box[1] + box[3]) / 2
        np.testing.assert_allclose(drawn_at(axes, x, y), TINT * np.array(to_rgb(colour)) + (1 - TINT) * grey, atol=0.01)
        outside = (box[2] + 4, y)
        np.testing.assert_allclose(drawn_at(axes, *outside), grey, atol=0.01)


def test_each_region_has_the_share_that_it_takes() -> None:
    page = page_of(CORNERS)
    assert {"62 %", "4 %", "\N{MINUS SIGN}2 %", "difference 61 %, limit 25 %", "top left corner"} <= set(texts(page))
    badges = {text.get_text(): text.get_position() for text in pictures(page)[0].texts}
    assert 0 <= badges["62 %"][0] <= 30
    assert 0 <= badges["62 %"][1] <= 30


def test_what_passes_its_limit_comes_first_and_is_framed() -> None:
    page = page_of(QUIET_SPOT, CORNERS)
    first, second = pictures(page)
    assert framed(first)
    assert not framed(second)
    words = texts(page)
    assert words.index("top left corner") < words.index("most heat around it")
    dark = 0.8 * 120 / 255  # the quiet picture is dimmed
    x, y = (LOW[0] + LOW[2]) / 2, (LOW[1] + LOW[3]) / 2
    expected = QUIET * np.array(to_rgb(SUSPECT)) + (1 - QUIET) * dark
    np.testing.assert_allclose(drawn_at(second, x, y), expected, atol=0.01)


def test_of_two_halves_the_one_that_takes_more_is_the_suspect() -> None:
    page = page_of(HALVES)
    axes = pictures(page)[0]
    taken, other = drawn_at(axes, 70, 60), drawn_at(axes, 50, 60)
    assert taken[0] > other[0] + 0.1  # crimson right, cyan left
    assert other[2] > taken[2] + 0.1
    assert {"97 %", "\N{MINUS SIGN}30 %", "difference 127 %, limit 95 %"} <= set(texts(page))


def test_an_edge_that_moved_inward_is_shown_before_and_after() -> None:
    page = page_of(EDGE, box=TALL)
    assert {"12 px", "1.0 px", "inward 12 px, controls ≤ 1.0 px", "beyond the top edge"} <= set(texts(page))
    regions, moved = pictures(page)
    assert framed(regions)
    assert framed(moved)
    tops = {round(patch.get_y(), 3) for patch in moved.patches if isinstance(patch, Rectangle)
            and patch.get_x() == 40 and patch.get_width() == 40}
    assert {4.0, 16.0, 20.0} <= tops  # before, after, the true box


def test_an_edge_that_stayed_has_one_quiet_picture_at_most() -> None:
    stayed = asked_of("edge", (ABOVE, 0.1), [(LOW, 0.0)], [1.0, 2.0], "beyond the top edge")
    page = page_of(stayed, CORNERS, box=TALL)
    assert [framed(axes) for axes in pictures(page)] == [True, False]


def test_only_boxes_over_a_limit_have_a_row() -> None:
    answers = [(CORNERS,), (QUIET_SPOT,)]
    diagnosis = diagnosis_of([PERSON, ASIDE], truth_of([PERSON, ASIDE]), hidden=answers)
    pages = pages_of(diagnosis)
    page = next(page for page in pages if is_intervention_page(page))
    assert "person 0.95: correct" in texts(page)
    assert "person 0.30: correct" not in texts(page)
    overview = said(pages[0]).replace("\n", " ")
    assert "2 suspicious regions were occluded; an effect passes its limit for box 1" in overview
    assert all(f"page {number} of {len(pages)}" in texts(page) for number, page in enumerate(pages, 1))


def test_where_no_limit_is_passed_the_first_page_says_so() -> None:
    pages = pages_of(hidden(QUIET_SPOT))
    assert "1 suspicious region was occluded; no effect passed its limit." in " ".join(said(pages[0]).split())
    assert not any(map(is_intervention_page, pages))
    assert "occluded" not in said(pages_of(diagnosis_of([PERSON], truth_of([PERSON])))[0])


def test_without_room_for_controls_no_limit_is_passed() -> None:
    page = page_of(asked_of("context", (LOW, 0.9)), CORNERS)
    assert "no room for controls" in texts(page)
    assert [framed(axes) for axes in pictures(page)] == [True, False]


def test_a_mask_is_drawn_pixel_for_pixel() -> None:
    """Against the obvious loop, on a canvas with padding."""
    geometry = letterbox(photograph(90, 160), (64, 64))
    mask = np.random.default_rng(0).random((64, 64)) > 0.5
    region, size = Region(10, 5, 110, 80), (50, 30)
    found = mask_in(mask, geometry, region, size)
    for row in range(30):
        for column in range(50):
            x = (10 + (column + 0.5) * 100 / 50) * geometry.scale[0] + geometry.offset[0]
            y = (5 + (row + 0.5) * 75 / 30) * geometry.scale[1] + geometry.offset[1]
            assert found[row, column] == mask[int(y), int(x)]


def test_the_bounds_of_a_mask_end_with_the_photograph() -> None:
    geometry = letterbox(photograph(90, 160), (64, 64))  # 36 rows of photograph from row 14 on, scale 0.4
    mask = np.zeros((64, 64), bool)
    mask[:20, 8:12] = True
    np.testing.assert_allclose(bounds_of(mask, geometry), [20, 0, 30, 15])


def test_a_flagged_pattern_is_outlined_on_the_heat() -> None:
    usual = dict.fromkeys(PATTERNS, 0.2)

    def outlined(*flags: str, side: str = "") -> set[tuple[float, ...]]:
        own = Shortcuts(usual, usual, {name: name in flags for name in PATTERNS}, "top left", side)
        wide = [2.0, 2.0, 158.0, 118.0]  # its row shows the whole photograph
        page = pages_of(diagnosis_of([wide], truth_of([wide]), patterns=[own]))[1]
        assert ("green: flagged region" in texts(page)) == bool({"corners", "one side"} & set(flags))
        return {(patch.get_x(), patch.get_y(), patch.get_width(), patch.get_height())
                for axes in page.axes for patch in axes.patches
                if isinstance(patch, Rectangle) and np.allclose(patch.get_edgecolor()[:3], to_rgb(PATTERN))}

    assert outlined("context", "spread") == set()
    np.testing.assert_allclose(sorted(outlined("corners")), [  # a fifth of the 120 px
        (0, 0, 24, 24), (0, 96, 24, 24), (136, 0, 24, 24), (136, 96, 24, 24)], atol=1e-9)
    np.testing.assert_allclose(sorted(outlined("one side", side="bottom")), [(2, 60, 156, 58)], atol=1e-9)
