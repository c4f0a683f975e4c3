"""Heat on masks, computed by hand and by counting small pixels."""

import numpy as np
import pytest

from detcam.attribution.heatmap import Heatmap
from detcam.diagnosis.attention.mask_shares import mask_shares
from detcam.imaging.geometry import Geometry
from detcam.imaging.grid import Grid


def test_by_hand() -> None:
    """Cells of 10 canvas pixels over a photograph of half the size, whose lower half is padding."""
    geometry = Geometry(source=(10, 20), canvas=(40, 40), scale=(2, 2))
    values = np.zeros((4, 4), np.float32)
    values[0, 0], values[0, 3], values[1, 0], values[3, 3] = 4, 2, -9, 2
    heatmap = Heatmap(values, Grid((10.0, 10.0)), geometry, "layer")
    own, others = np.zeros((10, 20), bool), np.zeros((10, 20), bool)
    own[0:5, 0:3] = True  # three fifths of the first cell
    others[0:5, 0:4] = True  # covers the own mask, which goes first
    others[0, 15:20] = True  # a fifth of the last cell of the row
    found = mask_shares(heatmap, own, others)
    assert found.own == pytest.approx(4 * 0.6 / 8)
    assert found.others == pytest.approx((4 * 0.2 + 2 * 0.2) / 8)
    assert found.peak == 1
    assert mask_shares(heatmap, ~own, None).peak == 0
    assert mask_shares(heatmap, ~own, None).others == 0


@pytest.mark.parametrize("seed", range(4))
def test_equal_to_counting_small_pixels(seed: int) -> None:
    random = np.random.default_rng(seed)
    geometry = Geometry(source=(30, 50), canvas=(48, 64), scale=(1.2, 1.2), offset=(2, 6))
    heatmap = Heatmap(random.normal(size=(6, 9)).astype(np.float32), Grid((7.5, 7.5), (-1.0, -1.0)), geometry, "layer")
    own, others = random.random((2, 30, 50)) < 0.3
    fine = 20  # samples a canvas pixel
    x, y = (np.arange(64 * fine) + 0.5) / fine, (np.arange(48 * fine) + 0.5) / fine
    heat = heatmap.at(x, y).clip(0)
    source_x, source_y = np.floor((x - 2) / 1.2).astype(int), np.floor((y - 6) / 1.2).astype(int)
    on_photo = np.outer((source_y >= 0) & (source_y < 30), (source_x >= 0) & (source_x < 50))
    index = np.ix_(source_y.clip(0, 29), source_x.clip(0, 49))
    found = mask_shares(heatmap, own, others)
    assert found.own == pytest.approx(heat[own[index] & on_photo].sum() / heat.sum(), abs=1e-3)
    assert found.others == pytest.approx(heat[(others & ~own)[index] & on_photo].sum() / heat.sum(), abs=1e-3)


def test_no_heat_or_no_mask_is_not_a_number() -> None:
    geometry = Geometry((8, 8), (8, 8), (1, 1))
    cold = Heatmap(-np.ones((2, 2), np.float32), Grid((4.0, 4.0)), geometry, "layer")
    hot = Heatmap(np.ones((2, 2), np.float32), Grid((4.0, 4.0)), geometry, "layer")
    for found in (mask_shares(cold, np.ones((8, 8), bool), None), mask_shares(hot, None, np.ones((8, 8), bool))):
        assert np.isnan([found.own, found.others, found.peak]).all()
