"""How clear an outline is: hand-computed cases, what must not change it, and where it is not known."""

import json
import re

import numpy as np
import pytest
from numpy.typing import NDArray
from support.places import ROOT

from detcam.attribution.heatmap import Heatmap
from detcam.detectors.canvas import Canvas
from detcam.imaging.geometry import Geometry
from detcam.imaging.grid import Grid
from detcam.measures.outline_clarity import WHAT_IS_KNOWN, clarity, outline_share, photograph_edges

MEASURED = ROOT / "docs" / "measurements"
SIZE = 40
BOX = np.array([[10.0, 10, 30, 30]])


def heatmap(values: NDArray[np.floating], scale: float = 1.0, offset: float = 0.0) -> Heatmap:
    """A pixel map of a canvas that shows a photograph of 80 pixels a side, scaled and shifted."""
    geometry = Geometry((80, 80), (SIZE, SIZE), (scale, scale), (offset, offset))
    return Heatmap(values.astype(np.float32), Grid((1.0, 1.0)), geometry, "pixels")


def random_map(seed: int = 0) -> NDArray[np.float64]:
    return np.random.default_rng(seed).random((SIZE, SIZE)) ** 3


def test_even_heat_is_not_clear_and_a_single_pixel_is() -> None:
    assert clarity(heatmap(np.ones((SIZE, SIZE))), BOX)[0] == pytest.approx(0)
    spot = np.zeros((SIZE, SIZE))
    spot[20, 20] = 3
    assert clarity(heatmap(spot), BOX)[0] == pytest.approx(1 - 1 / 400)  # the most that 400 pixels can have
    half = np.zeros((SIZE, SIZE))
    half[:, 20:] = 1
    assert clarity(heatmap(half), BOX)[0] == pytest.approx(0.5)


def test_equal_to_the_mean_difference_of_all_pairs() -> None:
    """Gini's own definition: the mean absolute difference of two of the values, over twice their mean."""
    inside = random_map()[10:30, 10:30].ravel()
    expected = np.abs(inside[:, None] - inside[None]).mean() / (2 * inside.mean())
    assert clarity(heatmap(random_map()), BOX)[0] == pytest.approx(expected, rel=1e-6)


def test_scale_and_what_lies_outside_change_nothing() -> None:
    values = random_map()
    plain = clarity(heatmap(values), BOX)[0], outline_share(heatmap(values), BOX)[0]
    assert (clarity(heatmap(values * 1e-6), BOX)[0], outline_share(heatmap(values * 1e-6), BOX)[0]) == (
        pytest.approx(plain, rel=1e-5))
    values[:5] = 100
    assert clarity(heatmap(values), BOX)[0] == pytest.approx(plain[0])
    in_photograph = (BOX - 6) / 0.5  # the same pixels, named in the photograph
    assert clarity(heatmap(random_map(), 0.5, 6.0), in_photograph)[0] == pytest.approx(plain[0])


def test_the_outline_share_compares_the_border_with_the_rest() -> None:
    assert outline_share(heatmap(np.ones((SIZE, SIZE))), BOX)[0] == pytest.approx(0.5)
    frame = np.ones((SIZE, SIZE))
    frame[8:32, 8:32] = 3  # the band: 2 pixels to both sides of the border
    frame[12:28, 12:28] = 1
    assert outline_share(heatmap(frame), BOX)[0] == pytest.approx(3 / 4)


def test_what_is_not_seen_too_small_or_without_heat_has_no_number() -> None:
    boxes = np.array([[10.0, 10, 30, 30], [30, 30, 60, 60], [10, 10, 17, 17], [32, 10, 42, 30]])
    found = clarity(heatmap(random_map()), boxes)
    assert np.isfinite(found).tolist() == [True, False, False, False]  # the last one is seen to 80 %
    assert np.isfinite(outline_share(heatmap(random_map()), boxes)).tolist() == [True, False, False, False]
    assert np.isnan(clarity(heatmap(np.zeros((SIZE, SIZE))), BOX)).all()
    assert np.isnan(outline_share(heatmap(np.zeros((SIZE, SIZE))), BOX)).all()
    assert clarity(heatmap(random_map()), np.zeros((0, 4))).shape == (0,)


def test_the_photographs_own_edges() -> None:
    import torch

    pixels = torch.zeros(1, 3, SIZE, SIZE)
    pixels[..., 20:] = 1
    edges = photograph_edges(Canvas(pixels, (heatmap(random_map()).geometry,)))
    assert np.flatnonzero(edges.values.sum(0)).tolist() == [19, 20]


def test_the_caption_says_what_was_measured() -> None:
    record = json.loads((MEASURED / "clarity-yolov8n-squeezenet.json").read_text())
    row = next(each for each in record["rows"] if each["number"] == "clarity on guided_gradcam")
    expected = [row["n"], row["rho"], row["low"], row["high"], row["rho_adjusted"], row["low_adjusted"],
                row["high_adjusted"]]
    said = [float(each) for each in re.findall(r"-?\d+\.\d+|(?<=among )\d+", WHAT_IS_KNOWN)]
    assert said == [round(each, 2) for each in expected]
    assert row["low_adjusted"] < 0 < row["high_adjusted"]  # it knows nothing beyond the size
    page = (MEASURED / "clarity.md").read_text()
    assert len(record["rows"]) > 1
    for each in record["rows"]:
        assert f"{each['rho']:.2f} [{each['low']:.2f}, {each['high']:.2f}]" in page
