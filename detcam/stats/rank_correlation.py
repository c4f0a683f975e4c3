"""Means and rank correlations, with and without box size, and intervals from resampling photographs."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.stats import rankdata

Array = NDArray[np.floating]

RESAMPLES = 2000
INTERVAL = (2.5, 97.5)  # per cent: where the interval ends
MIN_BOXES = 5  # with fewer, a correlation means nothing
FEWEST = 15  # photographs: with fewer, an interval from resampling them is too narrow to name anything by
TOUCH = 1e-12  # a variance of ranks below this is none: the value is the same everywhere, or is the size itself


@dataclass(frozen=True)
class Estimate:
    """A number and the interval that holds 95 % of its values when the photographs are drawn again.

    Attributes:
        value: on the photographs themselves; NaN where it does not exist.
        low, high: the interval's ends.
    """

    value: float
    low: float
    high: float


@dataclass(frozen=True)
class RankCorrelation:
    """How a number goes with an error.

    Attributes:
        raw: Spearman's rank correlation.
        size_adjusted: the partial rank correlation: the ranks of both sides regressed on the rank of the box size.
        n: how many boxes it rests on.
    """

    raw: Estimate
    size_adjusted: Estimate
    n: int


def rank_correlation(number: Array, error: Array, size: Array, photograph: NDArray[np.integer],
                     resamples: int = RESAMPLES, seed: int = 0) -> RankCorrelation:
    """Spearman's rank correlation of a number with an error, raw and adjusted for box size, with intervals.

    Boxes whose number or error is NaN are left out. The intervals resample photographs, not boxes: boxes of one
    photograph are alike.

    Args:
        number: ``[N]``.
        error: ``[N]``.
        size: ``[N]`` each box's size; only its rank counts.
        photograph: ``[N]`` which photograph each box is on.
        resamples: how often the photographs are drawn.
        seed: where the draws start from.
    """
    known = np.isfinite(number) & np.isfinite(error)
    number, error, size, photograph = number[known], error[known], size[known], photograph[known]
    if len(number) < MIN_BOXES:
        nothing = Estimate(*[float("nan")] * 3)
        return RankCorrelation(nothing, nothing, len(number))

    def both(weights: Array) -> Array:
        x, y, z = (weighted_ranks(each, weights) for each in (number, error, size))
        return np.stack(_correlations(x, y, z, weights))

    value = both(np.ones((1, len(number))))[:, 0]
    drawn = both(draws(photograph, resamples, seed))
    raw, adjusted = (estimate_of(value[k], drawn[k]) for k in (0, 1))
    return RankCorrelation(raw, adjusted, len(number))


def correlation_gain(number: Array, other: Array, error: Array, size: Array, photograph: NDArray[np.integer],
                     resamples: int = RESAMPLES, seed: int = 0) -> Estimate:
    """By how much more a number goes with an error than another one does: the difference of their partial rank
    correlations (adjusted for size), on the boxes that have both, with the interval of the paired difference.

    Args:
        number, other, error, size: ``[N]``.
        photograph: ``[N]`` which photograph each box is on.
        resamples: how often the photographs are drawn.
        seed: where the draws start from.
    """
    known = np.isfinite(number) & np.isfinite(other) & np.isfinite(error)
    number, other, error, size = (each[known] for each in (number, other, error, size))
    photograph = photograph[known]
    if len(number) < MIN_BOXES:
        return Estimate(*[float("nan")] * 3)

    def gain(weights: Array) -> Array:
        x, w, y, z = (weighted_ranks(each, weights) for each in (number, other, error, size))
        return _correlations(x, y, z, weights)[1] - _correlations(w, y, z, weights)[1]

    return estimate_of(float(gain(np.ones((1, len(number))))[0]), gain(draws(photograph, resamples, seed)))


def worst_edge(numbers: Array, errors: Array, photograph: NDArray[np.integer], over: float = 0.10,
               resamples: int = RESAMPLES, seed: int = 0) -> tuple[Estimate, int]:
    """How often a box's largest number is on the edge with the largest error, and among how many boxes.

    Only boxes with an error above ``over`` and with all four numbers count; pure chance gives 0.25.

    Args:
        numbers: ``[N, 4]``.
        errors: ``[N, 4]`` as shares of the true width or height.
        photograph: ``[N]`` which photograph each box is on.
        over: what makes an edge bad.
        resamples: how often the photographs are drawn.
        seed: where the draws start from.
    """
    bad = (errors.max(1) > over) & np.isfinite(numbers).all(1)
    if not bad.any():
        return Estimate(*[float("nan")] * 3), 0
    hit = (numbers[bad].argmax(1) == errors[bad].argmax(1)).astype(float)
    weights = draws(photograph[bad], resamples, seed)
    return estimate_of(float(hit.mean()), _ratio(weights @ hit, weights.sum(1))), len(hit)


def mean(values: Array, photograph: NDArray[np.integer], resamples: int = RESAMPLES, seed: int = 0
         ) -> tuple[Estimate, int]:
    """Mean over the boxes whose value is known, with its interval, and how many those are.

    The interval resamples photographs. Handed the differences of two numbers of the same boxes, it is that of the
    paired difference.

    Args:
        values: ``[N]``; NaN where there is none.
        photograph: ``[N]`` which photograph each box is on.
        resamples: how often the photographs are drawn.
        seed: where the draws start from.
    """
    known = np.isfinite(values)
    if not known.any():
        return Estimate(*[float("nan")] * 3), 0
    weights = draws(photograph[known], resamples, seed)
    return estimate_of(float(values[known].mean()), _ratio(weights @ values[known], weights.sum(1))), int(known.sum())


def draws(photograph: NDArray[np.integer], resamples: int, seed: int) -> Array:
    """How often each box counts when as many photographs are drawn with replacement, ``[resamples, N]``."""
    names, index = np.unique(photograph, return_inverse=True)
    generator = np.random.default_rng(seed)
    counts = generator.multinomial(len(names), np.full(len(names), 1 / len(names)), size=resamples)
    return counts[:, index].astype(float)


def weighted_ranks(values: Array, weights: Array) -> Array:
    """Midranks of ``values [N]`` when value ``i`` occurs ``weights[b, i]`` times, ``[B, N]``.

    They equal ``scipy.stats.rankdata`` of the repeated values; those with weight 0 get a rank that counts nowhere.
    """
    group = rankdata(values, method="dense").astype(int) - 1
    totals = np.zeros((len(weights), group.max() + 1))
    np.add.at(totals.T, group, weights.T)
    before = totals.cumsum(1) - totals
    return (before + (totals + 1) / 2)[:, group]


def _correlations(x: Array, y: Array, z: Array, weights: Array) -> tuple[Array, Array]:
    """Correlation of x and y ``[B]``, and the same with z taken out of both, from ranks ``[B, N]``."""
    x, y, z = (_standard(each, weights) for each in (x, y, z))
    xy, xz, yz = ((weights * a * b).sum(1) for a, b in ((x, y), (x, z), (y, z)))
    left = (1 - xz**2) * (1 - yz**2)
    partial = np.where(left > TOUCH, (xy - xz * yz) / np.sqrt(np.where(left > TOUCH, left, 1)), np.nan)
    return xy, partial


def _standard(ranks: Array, weights: Array) -> Array:
    """Ranks with weighted mean 0 and weighted sum of squares 1; NaN where they are all the same."""
    centred = ranks - _ratio((weights * ranks).sum(1), weights.sum(1))[:, None]
    norm = np.sqrt((weights * centred**2).sum(1))
    return centred / np.where(norm > TOUCH, norm, np.nan)[:, None]


def _ratio(above: Array, below: Array) -> Array:
    return np.divide(above, below, out=np.full(np.shape(above), np.nan), where=below > 0)


def estimate_of(value: float, drawn: Array) -> Estimate:
    """A value with the middle 95 % of what it is in draws ``[B]``; draws in which it does not exist are left out."""
    drawn = drawn[np.isfinite(drawn)]
    if not np.isfinite(value) or not len(drawn):
        return Estimate(float("nan"), float("nan"), float("nan"))
    low, high = np.percentile(drawn, INTERVAL)
    return Estimate(float(value), float(low), float(high))
