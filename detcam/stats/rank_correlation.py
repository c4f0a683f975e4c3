"""Rank correlations of a number with an error, raw and adjusted for box size, with intervals."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.stats import rankdata

from detcam.stats.bootstrap import (
    MIN_BOXES,
    NO_ESTIMATE,
    RESAMPLES,
    Array,
    Estimate,
    estimate_of,
    ratio,
    resampling_weights,
)

TOUCH = 1e-12  # a variance of ranks below this is none: the value is the same everywhere, or is the size itself


@dataclass(frozen=True)
class RankCorrelation:
    """How a number correlates with an error.

    Attributes:
        raw: Spearman's rank correlation.
        size_adjusted: the partial rank correlation: both sides' ranks after a regression on the rank of the box size.
        n: the number of boxes.
    """

    raw: Estimate
    size_adjusted: Estimate
    n: int


def rank_correlation(number: Array, error: Array, size: Array, photograph: NDArray[np.integer],
                     resamples: int = RESAMPLES, seed: int = 0) -> RankCorrelation:
    """Spearman's rank correlation of a number with an error, raw and adjusted for box size, with intervals.

    Boxes whose number or error is NaN are left out. The intervals come from resampling photographs instead of boxes,
    because the boxes of one photograph are alike. With fewer than :data:`MIN_BOXES` boxes both correlations are NaN.

    Args:
        number: ``[N]``.
        error: ``[N]``.
        size: ``[N]`` sizes of the boxes; only their ranks count.
        photograph: ``[N]`` integers: the photograph that each box is on.
        resamples: how often photographs are drawn with replacement.
        seed: of the draws.
    """
    known = np.isfinite(number) & np.isfinite(error)
    number, error, size, photograph = number[known], error[known], size[known], photograph[known]
    if len(number) < MIN_BOXES:
        return RankCorrelation(NO_ESTIMATE, NO_ESTIMATE, len(number))

    def both(weights: Array) -> Array:
        x, y, z = (weighted_ranks(values, weights) for values in (number, error, size))
        return np.stack(_correlations(x, y, z, weights))

    value = both(np.ones((1, len(number))))[:, 0]
    drawn = both(resampling_weights(photograph, resamples, seed))
    raw, adjusted = (estimate_of(value[k], drawn[k]) for k in (0, 1))
    return RankCorrelation(raw, adjusted, len(number))


def correlation_gain(number: Array, other: Array, error: Array, size: Array, photograph: NDArray[np.integer],
                     resamples: int = RESAMPLES, seed: int = 0) -> Estimate:
    """The partial rank correlation of a number with an error, minus that of another number, with its interval.

    Both are adjusted for box size and use the boxes that have both numbers; the interval is that of the paired
    difference. With fewer than :data:`MIN_BOXES` boxes it is NaN.

    Args:
        number: ``[N]``.
        other: ``[N]`` the number to compare with.
        error: ``[N]``.
        size: ``[N]`` sizes of the boxes; only their ranks count.
        photograph: ``[N]`` integers: the photograph that each box is on.
        resamples: how often photographs are drawn with replacement.
        seed: of the draws.
    """
    known = np.isfinite(number) & np.isfinite(other) & np.isfinite(error)
    number, other, error, size = (values[known] for values in (number, other, error, size))
    photograph = photograph[known]
    if len(number) < MIN_BOXES:
        return NO_ESTIMATE

    def gain(weights: Array) -> Array:
        x, w, y, z = (weighted_ranks(values, weights) for values in (number, other, error, size))
        return _correlations(x, y, z, weights)[1] - _correlations(w, y, z, weights)[1]

    drawn = gain(resampling_weights(photograph, resamples, seed))
    return estimate_of(float(gain(np.ones((1, len(number))))[0]), drawn)


def worst_edge_rate(numbers: Array, errors: Array, photograph: NDArray[np.integer], over: float = 0.10,
                    resamples: int = RESAMPLES, seed: int = 0) -> tuple[Estimate, int]:
    """How often a box's largest number is on the edge with its largest error; pure chance gives 0.25.

    Only boxes with all four numbers and an error above ``over`` count.

    Args:
        numbers: ``[N, 4]`` of the left, top, right and bottom edge.
        errors: ``[N, 4]`` of the same edges, as shares of the true width or height.
        photograph: ``[N]`` integers: the photograph that each box is on.
        over: the error above which an edge is bad.
        resamples: how often photographs are drawn with replacement.
        seed: of the draws.

    Returns:
        The rate, and the number of boxes that count.
    """
    bad = (errors.max(1) > over) & np.isfinite(numbers).all(1)
    if not bad.any():
        return NO_ESTIMATE, 0
    hit = (numbers[bad].argmax(1) == errors[bad].argmax(1)).astype(float)
    weights = resampling_weights(photograph[bad], resamples, seed)
    return estimate_of(float(hit.mean()), ratio(weights @ hit, weights.sum(1))), len(hit)


def weighted_ranks(values: Array, weights: Array) -> Array:
    """Midranks of values in which value ``i`` occurs ``weights[b, i]`` times.

    They equal ``scipy.stats.rankdata`` of the repeated values. A value with weight 0 gets a rank that counts nowhere.

    Args:
        values: ``[N]``.
        weights: ``[B, N]`` whole numbers.

    Returns:
        float64 ``[B, N]``.
    """
    group = rankdata(values, method="dense").astype(int) - 1
    totals = np.zeros((len(weights), group.max() + 1))
    np.add.at(totals.T, group, weights.T)
    before = totals.cumsum(1) - totals
    return (before + (totals + 1) / 2)[:, group]


def _correlations(x: Array, y: Array, z: Array, weights: Array) -> tuple[Array, Array]:
    """The correlation of x and y ``[B]``, and their partial correlation without z ``[B]``, from ranks ``[B, N]``."""
    x, y, z = (_standardised(ranks, weights) for ranks in (x, y, z))
    xy, xz, yz = ((weights * a * b).sum(1) for a, b in ((x, y), (x, z), (y, z)))
    left = (1 - xz**2) * (1 - yz**2)
    partial = np.where(left > TOUCH, (xy - xz * yz) / np.sqrt(np.where(left > TOUCH, left, 1)), np.nan)
    return xy, partial


def _standardised(ranks: Array, weights: Array) -> Array:
    """Ranks with weighted mean 0 and weighted sum of squares 1; NaN where they are all the same."""
    centred = ranks - ratio((weights * ranks).sum(1), weights.sum(1))[:, None]
    norm = np.sqrt((weights * centred**2).sum(1))
    return centred / np.where(norm > TOUCH, norm, np.nan)[:, None]
