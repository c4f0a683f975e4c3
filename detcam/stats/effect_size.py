"""How much larger a number is in one group of boxes than in another, with and without their sizes."""

import numpy as np
from numpy.typing import NDArray

from detcam.stats.rank_correlation import MIN_BOXES, Array, Estimate, draws, estimate_of

RESAMPLES = 1000
STRATA = 5  # of like size: boxes are compared within each
MOST = 2000  # boxes of a group that are compared; of more, so many are drawn


def cliffs_delta(values: Array, group: NDArray[np.bool_], photograph: NDArray[np.integer], size: Array | None = None,
                 resamples: int = RESAMPLES, seed: int = 0) -> tuple[Estimate, int]:
    """Cliff's delta (1993): how much oftener a box of the group has the larger number than one of the others.

    From -1 (never) over 0 (as often as not) to 1 (always); ties count nowhere. With sizes, only boxes of like size are
    compared: within each fifth of all boxes by size, the fifths weighted by how many pairs they have.

    Args:
        values: ``[N]``; boxes with NaN are left out.
        group: ``[N]`` True for the group, False for the others.
        photograph: ``[N]`` which photograph each box is on: the interval resamples those.
        size: ``[N]`` sizes to match; None for none.
        resamples: how often the photographs are drawn.
        seed: where the draws start from.

    Returns:
        The effect, and how many boxes of the group it rests on.
    """
    random = np.random.default_rng(seed)
    chosen = np.concatenate([_some(np.flatnonzero(np.isfinite(values) & each), random) for each in (group, ~group)])
    values, group, photograph = values[chosen], group[chosen], photograph[chosen]
    if min(group.sum(), (~group).sum()) < MIN_BOXES:
        return Estimate(*[float("nan")] * 3), int(group.sum())
    stratum = np.zeros(len(values), int) if size is None else _strata(size[chosen])
    weights = np.concatenate([np.ones((1, len(values))), draws(photograph, resamples, seed)])
    above, pairs = np.zeros(len(weights)), np.zeros(len(weights))
    for each in range(stratum.max() + 1):
        own, other = (np.flatnonzero((stratum == each) & side) for side in (group, ~group))
        signs = np.sign(values[own][:, None] - values[other][None])
        above += ((weights[:, own] @ signs) * weights[:, other]).sum(1)
        pairs += weights[:, own].sum(1) * weights[:, other].sum(1)
    delta = np.divide(above, pairs, out=np.full(len(pairs), np.nan), where=pairs > 0)
    return estimate_of(float(delta[0]), delta[1:]), int(group.sum())


def mean_difference(values: Array, group: NDArray[np.bool_], photograph: NDArray[np.integer], size: Array | None = None,
                    resamples: int = RESAMPLES, seed: int = 0) -> tuple[Estimate, int]:
    """By how much the mean of a group lies above that of the others, with its interval.

    With sizes, only boxes of like size are compared: within each fifth of all boxes by size, the fifths weighted by how
    many of the group they hold, those without any of the others left out.

    Args:
        values, group, photograph, size, resamples, seed: as :func:`cliffs_delta` takes them.

    Returns:
        The difference, and how many boxes of the group are known.
    """
    known = np.isfinite(values)
    values, group, photograph = values[known], group[known], photograph[known]
    if min(group.sum(), (~group).sum()) < MIN_BOXES:
        return Estimate(*[float("nan")] * 3), int(group.sum())
    stratum = np.zeros(len(values), int) if size is None else _strata(size[known])
    weights = np.concatenate([np.ones((1, len(values))), draws(photograph, resamples, seed)])
    above, count = np.zeros(len(weights)), np.zeros(len(weights))
    for each in range(stratum.max() + 1):
        sides = [(stratum == each) & side for side in (group, ~group)]
        own, other = (weights[:, side].sum(1) for side in sides)
        both = (own > 0) & (other > 0)
        first, second = (np.divide(weights[:, side] @ values[side], total, out=np.zeros(len(weights)), where=both)
                         for side, total in zip(sides, (own, other), strict=True))
        above += np.where(both, own * (first - second), 0)
        count += np.where(both, own, 0)
    found = np.divide(above, count, out=np.full(len(count), np.nan), where=count > 0)
    return estimate_of(float(found[0]), found[1:]), int(group.sum())


def _some(index: NDArray[np.int64], random: np.random.Generator) -> NDArray[np.int64]:
    return index if len(index) <= MOST else np.sort(random.choice(index, MOST, replace=False))


def _strata(size: Array) -> NDArray[np.int64]:
    """The fifth by size that each box belongs to, ``[N]``."""
    limits = np.quantile(size, np.linspace(0, 1, STRATA + 1)[1:-1])
    return np.searchsorted(limits, size, side="right")


def median(values: Array, photograph: NDArray[np.integer], resamples: int = RESAMPLES, seed: int = 0
           ) -> tuple[Estimate, int]:
    """The median of the values that are known, with its interval from resampling photographs, and how many those are.

    Args:
        values: ``[N]``; NaN where there is none.
        photograph: ``[N]`` which photograph each is on.
        resamples: how often the photographs are drawn.
        seed: where the draws start from.
    """
    known = np.isfinite(values)
    values, photograph = values[known], photograph[known]
    if not len(values):
        return Estimate(*[float("nan")] * 3), 0
    order = np.argsort(values, kind="stable")
    values, weights = values[order], draws(photograph, resamples, seed)[:, order]
    total = weights.cumsum(1)
    # the lower median of each draw: the first value at which half of the weight is reached
    drawn = values[(total >= total[:, -1:] / 2).argmax(1)][total[:, -1] > 0]
    return estimate_of(float(np.median(values)), drawn), len(values)
