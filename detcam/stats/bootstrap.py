"""Means and medians with 95 % intervals, from resampling photographs (bootstrap)."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.floating]

RESAMPLES = 2000
FEWER_RESAMPLES = 1000  # for medians and effect sizes, which take longer
INTERVAL = (2.5, 97.5)  # per cent: the ends of the interval
MIN_BOXES = 5  # with fewer, a correlation or an effect size means nothing
FEWEST = 15  # photographs: with fewer, an interval from resampling them is too narrow to base a finding on


@dataclass(frozen=True)
class Estimate:
    """A number with its 95 % interval from resampling photographs.

    Attributes:
        value: the number on the photographs themselves; NaN where it does not exist.
        low, high: the ends of the interval.
    """

    value: float
    low: float
    high: float


NO_ESTIMATE = Estimate(*[float("nan")] * 3)


def mean(values: Array, photograph: NDArray[np.integer], resamples: int = RESAMPLES, seed: int = 0
         ) -> tuple[Estimate, int]:
    """The mean of the values that are known, with its interval.

    For the differences of two numbers of the same boxes, the interval is that of the paired difference.

    Args:
        values: ``[N]``; NaN where there is none.
        photograph: ``[N]`` integers: the photograph that each value belongs to.
        resamples: how often photographs are drawn with replacement.
        seed: of the draws.

    Returns:
        The mean, and how many values are known.
    """
    known = np.isfinite(values)
    if not known.any():
        return NO_ESTIMATE, 0
    weights = resampling_weights(photograph[known], resamples, seed)
    drawn = ratio(weights @ values[known], weights.sum(1))
    return estimate_of(float(values[known].mean()), drawn), int(known.sum())


def median(values: Array, photograph: NDArray[np.integer], resamples: int = FEWER_RESAMPLES, seed: int = 0
           ) -> tuple[Estimate, int]:
    """The median of the values that are known, with its interval.

    Args:
        values: ``[N]``; NaN where there is none.
        photograph: ``[N]`` integers: the photograph that each value belongs to.
        resamples: how often photographs are drawn with replacement.
        seed: of the draws.

    Returns:
        The median, and how many values are known.
    """
    known = np.isfinite(values)
    values, photograph = values[known], photograph[known]
    if not len(values):
        return NO_ESTIMATE, 0
    order = np.argsort(values, kind="stable")
    values, weights = values[order], resampling_weights(photograph, resamples, seed)[:, order]
    total = weights.cumsum(1)
    # the lower median of each draw: the first value at which half of the weight is reached
    drawn = values[(total >= total[:, -1:] / 2).argmax(1)][total[:, -1] > 0]
    return estimate_of(float(np.median(values)), drawn), len(values)


def resampling_weights(photograph: NDArray[np.integer], resamples: int, seed: int) -> Array:
    """How often each box counts in each draw of as many photographs with replacement, ``[resamples, N]``.

    Args:
        photograph: ``[N]`` integers: the photograph that each box is on.
        resamples: how many draws.
        seed: of the draws.
    """
    names, index = np.unique(photograph, return_inverse=True)
    generator = np.random.default_rng(seed)
    counts = generator.multinomial(len(names), np.full(len(names), 1 / len(names)), size=resamples)
    return counts[:, index].astype(float)


def estimate_of(value: float, drawn: Array) -> Estimate:
    """A value with the middle 95 % of its values ``[B]`` in the draws; NaN among these is left out."""
    drawn = drawn[np.isfinite(drawn)]
    if not np.isfinite(value) or not len(drawn):
        return NO_ESTIMATE
    low, high = np.percentile(drawn, INTERVAL)
    return Estimate(float(value), float(low), float(high))


def ratio(above: Array, below: Array) -> Array:
    """``above / below``, two arrays of one shape; NaN where ``below`` is not positive."""
    return np.divide(above, below, out=np.full(np.shape(above), np.nan), where=below > 0)
