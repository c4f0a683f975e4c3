"""Rank correlations against scipy and slow, obvious versions of the same."""

import numpy as np
import pytest
from scipy import stats

from detcam.stats.bootstrap import mean, resampling_weights
from detcam.stats.rank_correlation import correlation_gain, rank_correlation, weighted_ranks, worst_edge_rate


@pytest.fixture
def boxes() -> dict[str, np.ndarray]:
    generator = np.random.default_rng(3)
    size = generator.integers(10, 40, 60).astype(float)  # with ties
    number = (1 / size + generator.normal(0, 0.02, 60)).round(2)
    error = (1 / size + generator.normal(0, 0.02, 60)).round(2)
    return {"number": number, "error": error, "size": size, "photograph": generator.integers(0, 12, 60)}


def partial(x: np.ndarray, y: np.ndarray, z: np.ndarray) -> float:
    """Regress the ranks of x and y on those of z and correlate what is left."""
    ranks = stats.rankdata(z)
    left = []
    for values in (x, y):
        fit = stats.linregress(ranks, stats.rankdata(values))
        left.append(stats.rankdata(values) - fit.intercept - fit.slope * ranks)
    return float(np.corrcoef(*left)[0, 1])


def test_raw_is_spearman(boxes: dict[str, np.ndarray]) -> None:
    found = rank_correlation(**boxes)
    assert found.raw.value == pytest.approx(stats.spearmanr(boxes["number"], boxes["error"]).statistic, abs=1e-12)
    assert found.raw.low < found.raw.value < found.raw.high
    assert found.n == 60


def test_size_adjusted_is_the_correlation_of_residuals(boxes: dict[str, np.ndarray]) -> None:
    found = rank_correlation(**boxes)
    wanted = partial(boxes["number"], boxes["error"], boxes["size"])
    assert found.size_adjusted.value == pytest.approx(wanted, abs=1e-12)
    logged = rank_correlation(boxes["number"], boxes["error"], np.log(boxes["size"]), boxes["photograph"])
    assert logged.size_adjusted == found.size_adjusted


def test_interval_equals_that_of_repeating_the_boxes(boxes: dict[str, np.ndarray]) -> None:
    found = rank_correlation(**boxes, resamples=200, seed=5)
    raw, adjusted = [], []
    for weights in resampling_weights(boxes["photograph"], 200, 5).astype(int):
        x, y, z = (np.repeat(boxes[key], weights) for key in ("number", "error", "size"))
        raw.append(stats.spearmanr(x, y).statistic)
        adjusted.append(partial(x, y, z))
    assert np.percentile(raw, [2.5, 97.5]) == pytest.approx([found.raw.low, found.raw.high], abs=1e-10)
    assert np.percentile(adjusted, [2.5, 97.5]) == pytest.approx(
        [found.size_adjusted.low, found.size_adjusted.high], abs=1e-10)


def test_weighted_ranks_are_the_ranks_of_repeated_values() -> None:
    values, weights = np.array([3.0, 1.0, 3.0, 2.0]), np.array([2, 1, 3, 0])
    wanted = stats.rankdata(np.repeat(values, weights))
    found = np.repeat(weighted_ranks(values, weights[None].astype(float))[0], weights)
    assert found.tolist() == wanted.tolist()


def test_the_same_seed_gives_the_same_interval(boxes: dict[str, np.ndarray]) -> None:
    assert rank_correlation(**boxes, seed=1) == rank_correlation(**boxes, seed=1)
    assert rank_correlation(**boxes, seed=1) != rank_correlation(**boxes, seed=2)


def test_unknown_numbers_are_left_out(boxes: dict[str, np.ndarray]) -> None:
    number = boxes["number"].copy()
    number[:10] = np.nan
    found = rank_correlation(number, boxes["error"], boxes["size"], boxes["photograph"])
    rest = stats.spearmanr(boxes["number"][10:], boxes["error"][10:]).statistic
    assert (found.n, found.raw.value) == (50, pytest.approx(rest))


def test_what_does_not_exist_is_nan(boxes: dict[str, np.ndarray]) -> None:
    same = rank_correlation(np.ones(60), boxes["error"], boxes["size"], boxes["photograph"])
    assert np.isnan(same.raw.value)
    own = rank_correlation(-boxes["size"], boxes["error"], boxes["size"], boxes["photograph"])
    assert np.isfinite(own.raw.value)
    assert np.isnan(own.size_adjusted.value)
    few = rank_correlation(*(boxes[key][:3] for key in ("number", "error", "size", "photograph")))
    assert np.isnan(few.raw.value)
    assert few.n == 3


def test_worst_edge_by_hand() -> None:
    errors = np.array([[0.2, 0, 0, 0], [0, 0.3, 0, 0], [0, 0, 0.05, 0], [0, 0, 0, 0.4], [0.5, 0, 0, 0]])
    numbers = np.array([[9, 1, 1, 1], [1, 1, 9, 1], [1, 9, 1, 1], [1, 1, 1, 9], [np.nan, 1, 1, 1.0]])
    rate, n = worst_edge_rate(numbers, errors, np.array([0, 1, 2, 3, 4]))
    assert n == 3  # the third box is not bad, the fifth has an unknown number
    assert rate.value == pytest.approx(2 / 3)
    assert (rate.low, rate.high) == (0, 1)


def test_worst_edge_without_a_bad_box() -> None:
    rate, n = worst_edge_rate(np.ones((2, 4)), np.zeros((2, 4)), np.array([0, 1]))
    assert n == 0
    assert np.isnan(rate.value)


@pytest.mark.parametrize("decimals", [0, 1, 8])  # from a handful of values, nearly all tied, to none tied
@pytest.mark.parametrize("n", [8, 30, 400])
def test_agrees_with_scipy_whatever_the_ties(n: int, decimals: int) -> None:
    size, noise, more = np.random.default_rng(n).normal(size=(3, n))
    number, error = (size + noise).round(decimals), (size + noise / 2 + more).round(decimals)
    found = rank_correlation(number, error, size.round(decimals), np.arange(n), resamples=20)
    assert found.raw.value == pytest.approx(stats.spearmanr(number, error).statistic, abs=1e-12)
    assert found.size_adjusted.value == pytest.approx(partial(number, error, size.round(decimals)), abs=1e-12)


def test_what_rises_or_falls_together_is_one() -> None:
    generator = np.random.default_rng(0)
    number, size = generator.random((2, 20))
    for error, wanted in ((np.exp(number), 1), (-number**3, -1)):
        found = rank_correlation(number, error, size, np.arange(20), resamples=50)
        for estimate in (found.raw, found.size_adjusted):
            assert [estimate.value, estimate.low, estimate.high] == pytest.approx([wanted] * 3, abs=1e-12)


def test_intervals_agree_with_scipy_where_each_box_has_its_own_photograph() -> None:
    """Other draws, so the ends differ by chance: their standard error is about 0.01 of 3000 draws."""
    number, noise, size = np.random.default_rng(1).normal(size=(3, 80))
    error = number + noise
    theirs = stats.bootstrap((number, error), lambda x, y: stats.spearmanr(x, y).statistic, paired=True,
                             vectorized=False, method="percentile", n_resamples=3000, rng=1).confidence_interval
    ours = rank_correlation(number, error, size, np.arange(80), resamples=3000).raw
    assert [ours.low, ours.high] == pytest.approx([theirs.low, theirs.high], abs=0.03)
    theirs = stats.bootstrap((error,), np.mean, method="percentile", n_resamples=3000, rng=1).confidence_interval
    ours, _ = mean(error, np.arange(80), resamples=3000)
    assert [ours.low, ours.high] == pytest.approx([theirs.low, theirs.high], abs=0.03)


def test_interval_of_a_gain_equals_that_of_repeating_the_boxes(boxes: dict[str, np.ndarray]) -> None:
    other = np.random.default_rng(9).random(60)
    found = correlation_gain(boxes["number"], other, boxes["error"], boxes["size"], boxes["photograph"], 200, 5)
    gains = []
    for weights in resampling_weights(boxes["photograph"], 200, 5).astype(int):
        x, w, y, z = (np.repeat(each, weights) for each in (boxes["number"], other, boxes["error"], boxes["size"]))
        gains.append(partial(x, y, z) - partial(w, y, z))
    assert np.percentile(gains, [2.5, 97.5]) == pytest.approx([found.low, found.high], abs=1e-10)


def test_interval_of_the_worst_edge_equals_that_of_repeating_the_boxes() -> None:
    generator = np.random.default_rng(2)
    numbers, errors, photograph = generator.random((50, 4)), generator.random((50, 4)) / 4, generator.integers(0, 9, 50)
    rate, n = worst_edge_rate(numbers, errors, photograph, resamples=200, seed=5)
    bad = [k for k in range(50) if max(errors[k]) > 0.10]
    hits = [list(numbers[k]).index(max(numbers[k])) == list(errors[k]).index(max(errors[k])) for k in bad]
    rates = [np.repeat(hits, weights).mean() for weights in resampling_weights(photograph[bad], 200, 5).astype(int)]
    assert (n, rate.value) == (len(bad), pytest.approx(np.mean(hits)))
    assert np.percentile(rates, [2.5, 97.5]) == pytest.approx([rate.low, rate.high])
