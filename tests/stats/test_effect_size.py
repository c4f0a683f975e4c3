"""Sizes of effect: against SciPy, and their intervals against boxes that are really repeated."""

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.stats import mannwhitneyu

from detcam.stats.bootstrap import INTERVAL, MIN_BOXES, resampling_weights
from detcam.stats.effect_size import MOST, STRATA, cliffs_delta


def boxes(seed: int, count: int = 60) -> tuple[NDArray[np.float64], NDArray[np.bool_], NDArray[np.int64],
                                              NDArray[np.float64]]:
    """Values with ties, a group of a third, photographs of three boxes, and sizes that go with the values."""
    random = np.random.default_rng(seed)
    size = random.uniform(10, 200, count)
    return np.round(size / 40 + random.normal(0, 1, count), 1), random.random(count) < 0.33, np.arange(count) // 3, size


def delta_of(own: NDArray[np.float64], other: NDArray[np.float64]) -> float:
    """Cliff's delta from the Mann-Whitney U, which counts ties half."""
    return float(2 * mannwhitneyu(own, other).statistic / (len(own) * len(other)) - 1)


@pytest.mark.parametrize("seed", range(4))
def test_cliffs_delta_is_scipys_u_rescaled(seed: int) -> None:
    values, group, photograph, _ = boxes(seed)
    found, count = cliffs_delta(values, group, photograph, resamples=50)
    assert found.value == pytest.approx(delta_of(values[group], values[~group]))
    assert count == group.sum()


@pytest.mark.parametrize("seed", range(4))
def test_with_sizes_only_boxes_of_one_fifth_are_compared(seed: int) -> None:
    values, group, photograph, size = boxes(seed)
    order = np.argsort(np.argsort(size))
    fifth = order * STRATA // len(size)  # 60 boxes make fifths of twelve
    above = pairs = 0
    for own in np.flatnonzero(group):
        for other in np.flatnonzero(~group & (fifth == fifth[own])):
            above += np.sign(values[own] - values[other])
            pairs += 1
    assert cliffs_delta(values, group, photograph, size, resamples=50)[0].value == pytest.approx(above / pairs)


def test_size_alone_is_no_effect_among_boxes_of_like_size() -> None:
    size = np.repeat(np.arange(5.0), 24) * 30 + 20
    group = np.arange(120) % 24 < 4 + 4 * (size > 70)  # large boxes are oftener in the group
    values = size + np.tile([0.0, 1.0], 60)
    plain, matched = (cliffs_delta(values, group, np.arange(120), sizes, resamples=20)[0].value
                      for sizes in (None, size))
    assert plain > 0.2
    assert matched == pytest.approx(0, abs=1e-12)


@pytest.mark.parametrize("matched", [False, True])
def test_the_interval_of_cliffs_delta_is_that_of_repeated_photographs(matched: bool) -> None:
    values, group, photograph, size = boxes(5)
    order = np.argsort(np.argsort(size)) * STRATA // len(size)
    fifth = order if matched else np.zeros(len(size), int)
    slow = []
    chosen = np.concatenate([np.flatnonzero(group), np.flatnonzero(~group)])  # the order in which they are drawn
    for weights in resampling_weights(photograph[chosen], 200, 3):
        index = chosen[np.repeat(np.arange(len(chosen)), weights.astype(int))]
        own, other = index[group[index]], index[~group[index]]
        signs = np.sign(values[own][:, None] - values[other][None]) * (fifth[own][:, None] == fifth[other][None])
        slow.append(signs.sum() / (fifth[own][:, None] == fifth[other][None]).sum())
    found, _ = cliffs_delta(values, group, photograph, size if matched else None, resamples=200, seed=3)
    assert (found.low, found.high) == pytest.approx(tuple(np.percentile(slow, INTERVAL)))


def test_boxes_without_the_number_and_small_groups() -> None:
    values, group, photograph, _ = boxes(1)
    holes = values.copy()
    holes[::7] = np.nan
    known = np.isfinite(holes)
    found, count = cliffs_delta(holes, group, photograph, resamples=20)
    assert found.value == pytest.approx(delta_of(values[known & group], values[known & ~group]))
    assert count == (known & group).sum()
    few = np.zeros(60, bool)
    few[: MIN_BOXES - 1] = True
    assert np.isnan(cliffs_delta(values, few, photograph)[0].value)
    assert np.isnan(cliffs_delta(values, ~few, photograph)[0].value)


def test_of_very_many_boxes_some_are_drawn() -> None:
    random = np.random.default_rng(0)
    group = np.arange(3 * MOST) % 3 == 0
    group[: 2 * MOST] |= np.arange(2 * MOST) % 2 == 0  # more than MOST on both sides
    values = random.normal(0, 1, len(group)) + group
    found, count = cliffs_delta(values, group, np.arange(len(group)) // 2, resamples=20)
    assert count == MOST
    assert found.value == pytest.approx(delta_of(values[group], values[~group]), abs=0.05)
