"""The four shortcuts and what even heat gives, by hand and by counting small pixels; and the regions to hide."""

import numpy as np
import pytest
from numpy.typing import NDArray

from detcam.attribution.heatmap import Heatmap
from detcam.attribution.inputs.baselines import photograph_pixels
from detcam.diagnosis.attention.shortcuts import (
    CONTEXT,
    CORNER_NAMES,
    CORNERS,
    LEAST,
    LIMITS,
    ONE_SIDE,
    PATTERNS,
    SIDES,
    SPREAD,
    Shortcuts,
    excess,
    shortcuts,
)
from detcam.diagnosis.interventions.intervention import Probe
from detcam.diagnosis.interventions.regions import grown, in_box, in_boxes
from detcam.diagnosis.interventions.shortcut_probes import (
    LEFT_RIGHT,
    PROBES,
    TOP_BOTTOM,
    heat_at_pixels,
    shortcut_probes,
)
from detcam.imaging.geometry import Geometry
from detcam.imaging.grid import Grid

Array = NDArray[np.float64]
PLAIN = Geometry((100, 200), (100, 200), (1.0, 1.0))  # corners of 20 px a side
NONE = np.zeros((0, 4))
BOX = np.array([80.0, 20, 120, 80])


def heatmap(values: Array, geometry: Geometry = PLAIN) -> Heatmap:
    """A map whose cells cover the canvas."""
    height, width = geometry.canvas
    stride = (width / values.shape[1], height / values.shape[0])
    return Heatmap(values.astype(np.float32), Grid(stride), geometry, "layer")


def cells(**heat: float) -> Array:
    """A map of 10 by 20 cells of 10 px with heat at cells named by their row and column, such as ``r0c19=2``."""
    values = np.zeros((10, 20))
    for name, value in heat.items():
        row, column = name[1:].split("c")
        values[int(row), int(column)] = value
    return values


def test_scores_of_a_map_of_four_cells_by_hand() -> None:
    """Heat 2 in the top right corner, 1 elsewhere around, 4 and 1 in the left and in the right half of the box."""
    found = shortcuts(heatmap(cells(r0c19=2, r5c2=1, r5c8=4, r5c11=1)), BOX, NONE)
    assert found.scores[CORNERS] == pytest.approx(2 / 8)
    assert found.corner == "top right"
    assert found.scores[CONTEXT] == pytest.approx(3 / 8)
    assert found.scores[SPREAD] == pytest.approx(8**2 * 100 / (20_000 * (4 + 1 + 16 + 1)))  # cells of 100 px
    assert found.scores[ONE_SIDE] == pytest.approx(1.0)  # both cells lie in row 5: the lower half
    assert found.side == "bottom"
    assert found.chance[CORNERS] == pytest.approx(4 * 400 / 20_000)
    assert found.chance[CONTEXT] == pytest.approx(1 - 2400 / 20_000)
    assert found.chance[SPREAD] == pytest.approx(2400 / 20_000)
    assert found.chance[ONE_SIDE] == pytest.approx(0)
    assert found.excess(CORNERS) == pytest.approx((0.25 - 0.08) / 0.92)


@pytest.mark.parametrize(("side", "hot", "cold"), [("left", (3, 8), (3, 11)), ("right", (6, 11), (6, 8)),
                                                   ("top", (2, 9), (7, 10)), ("bottom", (7, 10), (2, 9))])
def test_the_half_with_larger_loss_is_named(side: str, hot: tuple[int, int], cold: tuple[int, int]) -> None:
    values = np.zeros((10, 20))
    values[hot], values[cold] = 3, 1
    if side in ("left", "right"):  # as much in the upper as in the lower half
        values[9 - hot[0], hot[1]], values[9 - cold[0], cold[1]] = 3, 1
    else:
        values[hot[0], 19 - hot[1]], values[cold[0], 19 - cold[1]] = 3, 1
    found = shortcuts(heatmap(values), BOX, NONE)
    assert (found.side, found.scores[ONE_SIDE]) == (side, pytest.approx(0.5))


def test_even_heat_is_at_chance_and_heat_even_over_the_box_too() -> None:
    even = shortcuts(heatmap(np.ones((10, 20))), BOX, NONE)
    for name in (CORNERS, CONTEXT, ONE_SIDE):
        assert even.scores[name] == pytest.approx(even.chance[name], abs=1e-6)
        assert even.excess(name) == pytest.approx(0, abs=1e-6)
    assert even.scores[SPREAD] == pytest.approx(1)
    assert even.excess(SPREAD) == pytest.approx(1)
    values = np.zeros((10, 20))
    values[2:8, 8:12] = 0.7
    on_box = shortcuts(heatmap(values), BOX, NONE)
    assert [on_box.scores[name] for name in PATTERNS] == pytest.approx([0, 0.12, 0, 0], abs=1e-6)
    assert on_box.excess(SPREAD) == pytest.approx(0, abs=1e-6)
    assert on_box.corner == ""


def test_heat_on_other_objects_is_neither_context_nor_a_corner() -> None:
    values = cells(r0c0=2, r5c2=3, r5c9=5)
    found = shortcuts(heatmap(values), BOX, np.array([[0.0, 0, 15, 10], [20, 45, 30, 60]]))
    assert found.scores[CORNERS] == pytest.approx(0)
    assert found.scores[CONTEXT] == pytest.approx(0)
    assert found.chance[CORNERS] == pytest.approx((4 * 400 - 150) / 20_000)
    assert found.chance[CONTEXT] == pytest.approx(1 - (2400 + 150 + 150) / 20_000)


def test_the_object_is_its_mask_else_its_true_box_else_the_detected_one() -> None:
    values = cells(r3c9=1, r5c9=1, r5c13=2)
    mask = np.zeros((100, 200), bool)
    mask[30:40, 90:95] = True  # half of the first cell
    by_mask = shortcuts(heatmap(values), BOX, NONE, mask, BOX)
    assert by_mask.scores[CONTEXT] == pytest.approx(3.5 / 4)
    assert by_mask.chance[SPREAD] == pytest.approx(50 / 20_000)
    by_truth = shortcuts(heatmap(values), BOX, NONE, None, np.array([80.0, 20, 140, 80]))
    assert by_truth.scores[CONTEXT] == pytest.approx(0)
    assert shortcuts(heatmap(values), BOX, NONE).scores[CONTEXT] == pytest.approx(0.5)


def test_padding_does_not_count() -> None:
    geometry = Geometry((50, 100), (100, 100), (1.0, 1.0), (0.0, 25.0))
    values = np.zeros((10, 10))
    values[0], values[5, 5] = 9, 1  # padding, and the photograph
    found = shortcuts(heatmap(values, geometry), np.array([40.0, 10, 70, 40]), NONE)
    assert [found.scores[name] for name in (CORNERS, CONTEXT)] == pytest.approx([0, 0])
    assert found.scores[SPREAD] == pytest.approx(100 / 5000)


@pytest.mark.parametrize("values", [-np.ones((4, 4)), np.zeros((4, 4)), np.full((4, 4), np.nan)])
def test_no_heat_is_not_a_number_and_no_flag(values: Array) -> None:
    found = shortcuts(heatmap(values), BOX, NONE)
    assert all(np.isnan(value) for value in (*found.scores.values(), *found.chance.values()))
    assert not any(found.flags.values())
    assert (found.corner, found.side) == ("", "")


@pytest.mark.parametrize("with_mask", [False, True])
@pytest.mark.parametrize("seed", range(4))
def test_scores_equal_counting_small_pixels(seed: int, with_mask: bool) -> None:
    """Against the slow and obvious version: every canvas pixel in 256 pieces, each asked where it lies."""
    random = np.random.default_rng(seed)
    geometry = Geometry(source=(36, 48), canvas=(48, 64), scale=(1.2, 1.1), offset=(2.0, 5.0))
    values = random.normal(size=(7, 9))
    one = Heatmap(values.astype(np.float32), Grid((7.5, 7.0), (-1.0, 0.5)), geometry, "layer")
    boxes = np.sort(random.integers(0, 30, (4, 2, 2)), 1).reshape(4, 4) + np.array([0, 0, 6, 6.0])
    mask = random.random((36, 48)) > 0.6 if with_mask else None
    found = shortcuts(one, boxes[0], boxes[1:], mask)

    fine = 16
    x, y = (np.arange(64 * fine) + 0.5) / fine, (np.arange(48 * fine) + 0.5) / fine
    sx, sy = (x - 2.0) / 1.2, (y - 5.0) / 1.1  # on the photograph

    def within(box: Array) -> NDArray[np.bool_]:
        return np.outer((sy > box[1]) & (sy < box[3]), (sx > box[0]) & (sx < box[2]))

    photograph = within(np.array([0, 0, 48, 36.0]))
    heat = one.at(x, y).clip(0) * photograph
    own = within(boxes[0])
    if mask is not None:
        own = mask[np.ix_(np.floor(sy).astype(int).clip(0, 35), np.floor(sx).astype(int).clip(0, 47))] & photograph
    free = photograph & ~own & ~np.any([within(box) for box in boxes[1:]], 0)
    side = 0.2 * 36
    corners = [within(np.array(each)) & free for each in ((0, 0, side, side), (48 - side, 0, 48, side),
                                                         (0, 36 - side, side, 36), (48 - side, 36 - side, 48, 36))]
    x1, y1, x2, y2 = boxes[0]
    mid_x, mid_y = (x1 + x2) / 2, (y1 + y2) / 2
    halves = [within(np.array(each)) & photograph for each in ((x1, y1, mid_x, y2), (mid_x, y1, x2, y2),
                                                              (x1, y1, x2, mid_y), (x1, mid_y, x2, y2))]
    total, area = heat.sum(), photograph.sum()
    in_corners, in_halves = ([heat[each].sum() for each in places] for places in (corners, halves))
    leads = [(in_halves[a] - in_halves[b]) / (in_halves[a] + in_halves[b]) for a, b in ((0, 1), (1, 0), (2, 3), (3, 2))]
    expected = {CORNERS: sum(in_corners) / total, SPREAD: total**2 / (area * (heat**2).sum()),
                CONTEXT: heat[free].sum() / total, ONE_SIDE: max(leads)}
    chance = {CORNERS: sum(each.sum() for each in corners) / area, SPREAD: (own & photograph).sum() / area,
              CONTEXT: free.sum() / area, ONE_SIDE: 0.0}
    for name in PATTERNS:
        assert found.scores[name] == pytest.approx(expected[name], abs=0.01), name
        if name != ONE_SIDE or (boxes[0][2:] <= (48, 36)).all():
            assert found.chance[name] == pytest.approx(chance[name], abs=0.01), name
    assert found.corner == (CORNER_NAMES[int(np.argmax(in_corners))] if max(in_corners) else "")
    assert found.side == SIDES[int(np.argmax(leads))]


def test_excess_goes_from_none_over_chance_to_all() -> None:
    scores, chance = np.array([0.0, 0.1, 0.2, 0.6, 1.0, np.nan, 1.0]), np.array([0.2] * 6 + [1.0])
    np.testing.assert_allclose(excess(scores, chance), [-1, -0.5, 0, 0.5, 1, np.nan, 0])


def test_flags_follow_the_limits() -> None:
    found = shortcuts(heatmap(cells(r0c19=2, r5c2=1, r5c8=4, r5c11=1)), BOX, NONE)
    assert found.flags == {name: found.excess(name) > LIMITS[name] and found.scores[name] > LEAST for name in PATTERNS}
    assert isinstance(found, Shortcuts)


def test_a_little_heat_flags_nothing() -> None:
    wide = np.array([0.0, 0.0, 199.0, 100.0])  # hardly anything is left of the photograph, and chance is near 0
    found = shortcuts(heatmap(cells(r0c19=8, r5c8=20)), wide, NONE)
    assert found.excess("context") > LIMITS["context"]
    assert found.scores["context"] < LEAST
    assert not found.flags["context"]


def by_name(found: list[Probe]) -> dict[str, Probe]:
    return {each.name: each for each in found}


def test_regions_of_every_question() -> None:
    values = cells(r0c19=2, r9c0=1, r4c13=5, r5c8=4, r5c11=1)
    others = np.array([[20.0, 30, 50, 90]])
    asked = shortcut_probes(heatmap(values), BOX, others)
    assert [each.name for each in asked] == list(PROBES)
    own = by_name(asked)
    objects = in_boxes(PLAIN, np.concatenate([BOX[None], others]))

    corner = own[CORNERS]
    assert corner.suspect.name == "top right corner"
    assert (corner.suspect.mask == in_box(PLAIN, np.array([180.0, 0, 200, 20]))).all()
    corners = in_boxes(PLAIN, np.array([[0.0, 0, 20, 20], [180, 0, 200, 20], [0, 80, 20, 100], [180, 80, 200, 100]]))
    assert len(corner.controls) == 3
    assert not any((each.mask & corners).any() for each in corner.controls)

    window = own[CONTEXT].suspect.mask
    assert window.sum() == 15 * 15  # 0.3 of the mean of 40 and 60 px
    assert in_box(PLAIN, np.array([130.0, 40, 140, 50]))[window].sum() == 100  # the whole hottest cell
    assert len(own[CONTEXT].controls) == 3
    assert not any((each.mask & corners).any() for each in own[CONTEXT].controls)
    for question in (corner, own[CONTEXT]):
        for each in question.controls:
            assert not (each.mask & objects).any()
            assert each.mask.sum() == question.suspect.mask.sum()
            assert not (grown(each.mask, 1) & question.suspect.mask).any()

    around = own[SPREAD]
    grown_boxes = in_boxes(PLAIN, np.array([[76.0, 14, 124, 86], [17, 24, 53, 96]]))
    assert (around.suspect.mask == ~grown_boxes).all()
    assert (around.controls[0].mask == in_box(PLAIN, BOX)).all()
    for name, first, second in ((LEFT_RIGHT, (80, 20, 100, 80), (100, 20, 120, 80)),
                                (TOP_BOTTOM, (80, 20, 120, 50), (80, 50, 120, 80))):
        assert (own[name].suspect.mask == in_box(PLAIN, np.array(first, float))).all()
        assert (own[name].controls[0].mask == in_box(PLAIN, np.array(second, float))).all()


@pytest.mark.parametrize("seed", range(5))
def test_the_window_is_the_hottest_of_all(seed: int) -> None:
    """Against trying each place on a stretched canvas with padding."""
    random = np.random.default_rng(seed)
    geometry = Geometry((40, 60), (50, 90), (1.5, 1.0), (0.0, 5.0))
    one = heatmap(random.random((10, 18)), geometry)
    box = np.array([20.0, 10, 40, 30])
    question, = shortcut_probes(one, box, NONE, of=(CONTEXT,))
    corners = np.array([[0, 0, 8, 8], [52, 0, 60, 8], [0, 32, 8, 40], [52, 32, 60, 40.0]])  # 0.2 of 40 px
    taken = in_boxes(geometry, geometry.to_canvas(np.concatenate([box[None], corners])))
    heat = np.where(taken, 0, heat_at_pixels(one))
    height, width = 6, 9  # 0.3 of 20 source pixels
    best = max(heat[y : y + height, x : x + width].sum() for y in range(5, 45 - height + 1)
               for x in range(90 - width + 1))
    assert heat[question.suspect.mask].sum() == pytest.approx(best)
    assert question.suspect.mask.sum() <= height * width
    assert not (question.suspect.mask & ~photograph_pixels(geometry)).any()


def test_questions_without_a_region_are_not_asked() -> None:
    on_box = np.zeros((10, 20))
    on_box[3:7, 9:11] = 1
    asked = by_name(shortcut_probes(heatmap(on_box), BOX, NONE))
    assert list(asked) == [SPREAD, LEFT_RIGHT, TOP_BOTTOM]  # no heat outside the object
    asked = by_name(shortcut_probes(heatmap(cells(r1c1=3, r9c18=1)), BOX, NONE))
    assert list(asked) == [CORNERS, SPREAD, LEFT_RIGHT, TOP_BOTTOM]  # none outside the corners: no context
    whole = np.array([0.0, 0, 200, 100])
    assert list(by_name(shortcut_probes(heatmap(np.ones((10, 20))), whole, NONE))) == [LEFT_RIGHT, TOP_BOTTOM]
    covered = np.array([[0.0, 0, 20, 20], [185, 0, 200, 20]])
    found, = shortcut_probes(heatmap(cells(r0c0=9, r0c19=9, r9c0=1)), BOX, covered, of=(CORNERS,))
    assert found.suspect.name == "bottom left corner"  # the hotter ones are under objects


def test_a_corner_that_an_object_cuts_is_asked_about_as_far_as_it_is_free() -> None:
    cut = np.array([[190.0, 10, 200, 40]])
    found, = shortcut_probes(heatmap(cells(r0c19=9)), BOX, cut, of=(CORNERS,), controls=2)
    assert found.suspect.mask.sum() == 300
    assert [each.mask.sum() for each in found.controls] == [300, 300]


def test_no_room_for_controls_is_said_by_their_absence() -> None:
    crowd = np.array([[21.0, 0, 178, 100], [0, 21, 200, 79]])  # all but the corners
    found, = shortcut_probes(heatmap(np.ones((10, 20))), BOX, crowd, of=(CORNERS,))
    assert found.controls == ()


def test_questions_are_seeded() -> None:
    one = heatmap(np.random.default_rng(0).random((10, 20)))
    first, same, other = (shortcut_probes(one, BOX, NONE, seed=seed, of=(CONTEXT,))[0] for seed in (0, 0, 1))
    assert len(first.controls) == 3
    assert all((a.mask == b.mask).all() for a, b in zip(first.controls, same.controls, strict=True))
    assert any((a.mask != b.mask).any() for a, b in zip(first.controls, other.controls, strict=True))
