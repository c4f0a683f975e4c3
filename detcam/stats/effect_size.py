"""How much larger a number is in one group of boxes than in the others, with and without matching their sizes."""

import numpy as np
from numpy.typing import NDArray

from detcam.stats.bootstrap import (
    FEWER_RESAMPLES,
    MIN_BOXES,
    NO_ESTIMATE,
    Array,
    Estimate,
    estimate_of,
    resampling_weights,
)

STRATA = 5  # equal parts of all boxes by size: boxes are compared within each
MOST = 2000  # boxes of a group that are compared; from a larger group so many are drawn


def cliffs_delta(values: Array, group: NDArray[np.bool_], photograph: NDArray[np.integer], size: Array | None = None,
                 resamples: int = FEWER_RESAMPLES, seed: int = 0) -> tuple[Estimate, int]:
    """Cliff's delta (1993): how much more often a box of the group has the larger number than a box of the others.

    It runs from -1 (never) through 0 (as often as not) to 1 (always); ties count as neither. With sizes, only boxes of
    similar size are compared: within each fifth of all boxes by size, weighted by its number of pairs. With fewer than
    :data:`MIN_BOXES` boxes on either side it is NaN.

    Args:
        values: ``[N]``; boxes with NaN are left out.
        group: ``[N]`` True for the group, False for the others.
        photograph: ``[N]`` integers: the photograph that each box is on, for the interval.
        size: ``[N]`` sizes to match; None compares all boxes.
        resamples: how often photographs are drawn with replacement.
        seed: of the draws.

    Returns:
        The effect, and the number of boxes of the group that it rests on.
    """
    random = np.random.default_rng(seed)
    known = np.isfinite(values)
    chosen = np.concatenate([_some(np.flatnonzero(known & side), random) for side in (group, ~group)])
    values, group, photograph = values[chosen], group[chosen], photograph[chosen]
    if min(group.sum(), (~group).sum()) < MIN_BOXES:
        return NO_ESTIMATE, int(group.sum())
    stratum = np.zeros(len(values), int) if size is None else _strata(size[chosen])
    weights = np.concatenate([np.ones((1, len(values))), resampling_weights(photograph, resamples, seed)])
    above, pairs = np.zeros(len(weights)), np.zeros(len(weights))
    for number in range(stratum.max() + 1):
        inside, outside = (np.flatnonzero((stratum == number) & side) for side in (group, ~group))
        signs = np.sign(values[inside][:, None] - values[outside][None])
        above += ((weights[:, inside] @ signs) * weights[:, outside]).sum(1)
        pairs += weights[:, inside].sum(1) * weights[:, outside].sum(1)
    delta = np.divide(above, pairs, out=np.full(len(pairs), np.nan), where=pairs > 0)
    return estimate_of(float(delta[0]), delta[1:]), int(group.sum())


def mean_difference(values: Array, group: NDArray[np.bool_], photograph: NDArray[np.integer], size: Array | None = None,
                    resamples: int = FEWER_RESAMPLES, seed: int = 0) -> tuple[Estimate, int]:
    """The mean of a group minus the mean of the others, with its interval.

    With sizes, only boxes of similar size are compared: within each fifth of all boxes by size, weighted by how many of
    the group it holds; a fifth without any of the others is left out. With fewer than :data:`MIN_BOXES` boxes on either
    side it is NaN.

    Args:
        values: ``[N]``; boxes with NaN are left out.
        group: ``[N]`` True for the group, False for the others.
        photograph: ``[N]`` integers: the photograph that each box is on, for the interval.
        size: ``[N]`` sizes to match; None compares all boxes.
        resamples: how often photographs are drawn with replacement.
        seed: of the draws.

    Returns:
        The difference, and the number of boxes of the group whose value is known.
    """
    known = np.isfinite(values)
    values, group, photograph = values[known], group[known], photograph[known]
    if min(group.sum(), (~group).sum()) < MIN_BOXES:
        return NO_ESTIMATE, int(group.sum())
    stratum = np.zeros(len(values), int) if size is None else _strata(size[known])
    weights = np.concatenate([np.ones((1, len(values))), resampling_weights(photograph, resamples, seed)])
    above, count = np.zeros(len(weights)), np.zeros(len(weights))
    for number in range(stratum.max() + 1):
        sides = [(stratum == number) & side for side in (group, ~group)]
        inside, outside = (weights[:, side].sum(1) for side in sides)
        both = (inside > 0) & (outside > 0)
        first, second = (np.divide(weights[:, side] @ values[side], total, out=np.zeros(len(weights)), where=both)
                         for side, total in zip(sides, (inside, outside), strict=True))
        above += np.where(both, inside * (first - second), 0)
        count += np.where(both, inside, 0)
    differences = np.divide(above, count, out=np.full(len(count), np.nan), where=count > 0)
    return estimate_of(float(differences[0]), differences[1:]), int(group.sum())


def _some(index: NDArray[np.int64], random: np.random.Generator) -> NDArray[np.int64]:
    return index if len(index) <= MOST else np.sort(random.choice(index, MOST, replace=False))


def _strata(size: Array) -> NDArray[np.int64]:
    """The fifth by size that each box belongs to, ``[N]``, from 0."""
    limits = np.quantile(size, np.linspace(0, 1, STRATA + 1)[1:-1])
    return np.searchsorted(limits, size, side="right")
