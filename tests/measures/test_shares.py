"""Shares of the heat, computed by hand and by brute force."""

import numpy as np
import pytest

from detcam.attribution.heatmap import Heatmap
from detcam.imaging.geometry import Geometry
from detcam.imaging.grid import Grid
from detcam.measures.edge_evidence import heat_gap
from detcam.measures.shares import REGIONS, shares


def heatmap(values: np.ndarray, geometry: Geometry, stride: float, origin: float = 0.0) -> Heatmap:
    return Heatmap(values.astype(np.float32), Grid((stride, stride), (origin, origin)), geometry, "layer")


def test_hand_computed_shares() -> None:
    """A 4x4 map on a 40 px canvas whose lower half is padding: every cell is 10 px, the source is half as large."""
    geometry = Geometry(source=(10, 20), canvas=(40, 40), scale=(2, 2))
    values = np.zeros((4, 4))
    values[0, 0] = 4  # inside
    values[0, 3] = 2  # another box
    values[1, 0] = -9  # negative: does not count
    values[3, 3] = 2  # padding
    boxes = np.array([[0, 0, 5, 5], [15, 0, 20, 5.0]])
    first = shares([heatmap(values, geometry, 10)] * 2, boxes)[0]
    assert [getattr(first, region) for region in REGIONS] == pytest.approx([0.5, 0.25, 0, 0, 0.25])
    assert first.peak_inside


def test_a_cell_that_a_box_cuts_is_split_by_area() -> None:
    geometry = Geometry(source=(16, 16), canvas=(16, 16), scale=(1, 1))
    found = shares([heatmap(np.ones((2, 2)), geometry, 8)], np.array([[0, 0, 4, 8.0]]))[0]
    assert found.inside == pytest.approx(32 / 256)
    assert found.ring == pytest.approx((5 * 10 - 32) / 256)  # a quarter of 4 and of 8 px on each side, cut at the edge


def test_cells_beyond_the_canvas_do_not_count() -> None:
    """Five cells of 8 px on a 36 px canvas: half of the last column and row lie outside."""
    geometry = Geometry(source=(36, 36), canvas=(36, 36), scale=(1, 1))
    found = shares([heatmap(np.ones((5, 5)), geometry, 8)], np.array([[32, 0, 36, 36.0]]))[0]
    assert found.inside == pytest.approx(4 / 36)
    assert found.padding == pytest.approx(0, abs=1e-12)


def test_no_heat_is_not_a_number() -> None:
    geometry = Geometry((8, 8), (8, 8), (1, 1))
    found = shares([heatmap(-np.ones((2, 2)), geometry, 4)], np.array([[0, 0, 4, 4.0]]))[0]
    assert np.isnan(found.inside)
    assert found.peak_inside is None


@pytest.mark.parametrize("seed", range(6))
def test_shares_equal_counting_small_pixels(seed: int) -> None:
    """Against the slow and obvious version: each canvas pixel looked up and given to the first region that has it."""
    random = np.random.default_rng(seed)
    geometry = Geometry(source=(30, 50), canvas=(48, 64), scale=(1.2, 1.2), offset=(2, 6))
    boxes = np.sort(random.integers(0, 25, (5, 2, 2)), 1).reshape(5, 4) + np.array([0, 0, 5, 5.0])
    values = random.normal(size=(6, 9))
    one = heatmap(values, geometry, 7.5, -1.0)
    found = shares([one] * 5, boxes)
    fine = 20  # samples a canvas pixel
    x, y = (np.arange(64 * fine) + 0.5) / fine, (np.arange(48 * fine) + 0.5) / fine
    heat = one.at(x, y).clip(0)
    on_canvas = geometry.to_canvas(boxes)

    def mask(box: np.ndarray) -> np.ndarray:
        return np.outer((y > box[1]) & (y < box[3]), (x > box[0]) & (x < box[2]))

    for index, each in enumerate(found):
        own, content = on_canvas[index], mask(geometry.content)
        margin = (own[2:] - own[:2]) * 0.25
        regions = [mask(own), np.any([mask(box) for i, box in enumerate(on_canvas) if i != index], 0),
                   mask(np.concatenate([own[:2] - margin, own[2:] + margin])), np.ones_like(content)]
        left, expected = np.ones_like(content), []
        for region in regions:
            expected.append(heat[left & region & content].sum())
            left &= ~(region & content)
        expected.append(heat[~content].sum())
        got = [getattr(each, region) for region in REGIONS]
        np.testing.assert_allclose(got, np.array(expected) / heat.sum(), atol=0.01)
        assert sum(got) == pytest.approx(1)


def test_gap_between_edges_and_the_end_of_the_heat() -> None:
    geometry = Geometry((80, 80), (80, 80), (1, 1))
    values = np.zeros((8, 8))
    values[2:6, 3:5] = 1  # heat from x 30 to 50 and y 20 to 60; 5 % of it lies in the first 1 px and 2 px
    gap = heat_gap(heatmap(values, geometry, 10), np.array([20, 20, 60, 60.0]))
    np.testing.assert_allclose(gap, [11 / 40, 2 / 40, 11 / 40, 2 / 40])
