"""Resampling weights and the median's interval, against photographs that are really repeated."""

import numpy as np
import pytest

from detcam.stats.bootstrap import INTERVAL, median, resampling_weights


def test_draws_take_whole_photographs() -> None:
    photograph = np.array([7, 7, 2, 9, 9, 9])
    counts = resampling_weights(photograph, 500, 0)
    assert (counts[:, 0] == counts[:, 1]).all()
    assert (counts[:, 3] == counts[:, 5]).all()
    assert (counts[:, [0, 2, 3]].sum(1) == 3).all()
    assert counts.mean() == pytest.approx(1, abs=0.1)


@pytest.mark.parametrize("count", [7, 60])
def test_the_median_and_its_interval(count: int) -> None:
    values = np.round(np.random.default_rng(2).normal(2, 1.5, count), 1)  # with ties
    values[1] = np.nan
    photograph = np.arange(count) // 3
    known = np.isfinite(values)
    found, size = median(values, photograph, resamples=300, seed=4)
    assert (found.value, size) == (np.median(values[known]), known.sum())
    slow = []
    for weights in resampling_weights(photograph[known], 300, 4):
        repeated = np.sort(np.repeat(values[known], weights.astype(int)))
        if len(repeated):
            slow.append(repeated[(len(repeated) - 1) // 2])  # the lower of the two in the middle
    assert (found.low, found.high) == pytest.approx(tuple(np.percentile(slow, INTERVAL)))
    assert np.isnan(median(np.full(4, np.nan), np.arange(4))[0].value)
