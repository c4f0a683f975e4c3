"""Which shortcut a detector takes, told from one row a detection of a data set.

Attribution suggests, intervention decides: where regions were hidden, a shortcut is named by what that took from the
score; without, by the heatmaps alone where those were shown to know it, and the finding says which of the two it is.
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from detcam.diagnosis.attention.shortcuts import CONTEXT, CORNERS, LIMITS, ONE_SIDE, PATTERNS, SPREAD, excess
from detcam.diagnosis.interventions.limits import TOLD_BY_BOX
from detcam.diagnosis.interventions.shortcut_probes import LEFT_RIGHT, TOP_BOTTOM
from detcam.stats.bootstrap import FEWEST, RESAMPLES, Estimate, mean

Array = NDArray[np.float64]

HOTTEST_CORNER, HOTTEST_SIDE = "hottest_corner", "hottest_side"
INTERVENTION, ATTRIBUTION, NOTHING = "intervention", "attribution", "nothing"

NAMED = {CORNERS: 0.20, SPREAD: 0.35, CONTEXT: 0.25, LEFT_RIGHT: 0.35, TOP_BOTTOM: 0.60}
"""What the lower end of an effect's interval has to pass for its pattern to be named: shares of the score.

Set on detectors with planted faults, halfway between the highest of those without a pattern and the lowest of those
with it, to the nearest 0.05 (docs/measurements/shortcuts.md). Heads count for more than feet in sound detectors too:
hence the last, 0.25 above the highest of them.
"""


NAMED_BY_HEAT: dict[str, float] = {}
"""The same of the mean excess over chance, for patterns that heatmaps alone were shown to tell."""


@dataclass(frozen=True)
class Finding:
    """What a data set says about one pattern.

    Attributes:
        name: ``"corners"``, ``"spread"``, ``"context"`` or ``"one side"``.
        where: the side, or the corner that most boxes point to; empty for the others.
        effect: with intervention, the mean share of the score that hiding the region takes beyond what its controls
            take: for ``"one side"``, hiding that half beyond hiding the other one; for ``"spread"``, which has no
            control of its size, what hiding all around the objects takes. Without, the mean excess of the heat over
            chance. The interval resamples photographs.
        limit: what the interval's lower end has to pass for the pattern to be named; NaN where nothing is enough.
        named: whether it does, on enough photographs.
        rests_on: ``"intervention"``, ``"attribution"``, or ``"nothing"`` where there is neither.
        boxes: how many boxes the effect rests on.
        photographs: how many photographs those are on.
        flagged: how many boxes have a heatmap beyond the pattern's limit.
        excess: the mean excess of the heat over chance, whatever the effect rests on.
    """

    name: str
    where: str
    effect: Estimate
    limit: float
    named: bool
    rests_on: str
    boxes: int
    photographs: int
    flagged: int
    excess: Estimate


def column_of(pattern: str, what: str) -> str:
    """The column of a pattern's ``"score"`` or ``"chance"``."""
    return f"{pattern.replace(' ', '_')}_{what}"


def hidden_column(question: str, what: str) -> str:
    """The column of a question's ``"loss"`` or ``"control_loss"``."""
    return f"hide_{question.replace(' ', '_')}_{what}"


def find_shortcuts(columns: Mapping[str, NDArray[Any]], photograph: NDArray[np.integer], resamples: int = RESAMPLES,
                   seed: int = 0, fewest: int = FEWEST) -> tuple[Finding, ...]:
    """One finding a pattern, in the order of :data:`detcam.diagnosis.attention.shortcuts.PATTERNS`.

    ``"spread"`` is named only where no single spot is: a detector that rests on a spot loses its score too when all
    around the objects is hidden.

    Args:
        columns: ``[N]`` each, named as in :data:`detcam.diagnosis.table.COLUMNS`: the scores and chances of the
            patterns, the losses of the questions (NaN where they were not asked or had no controls), and in words
            ``"hottest_corner"`` and ``"hottest_side"``.
        photograph: ``[N]`` which photograph each detection is on.
        resamples: how often the photographs are drawn.
        seed: where the draws start from.
        fewest: on how many photographs an effect has to rest at least for its pattern to be named.
    """
    found = {name: _finding(name, columns, photograph, resamples, seed, fewest) for name in PATTERNS}
    if found[CORNERS].named or found[CONTEXT].named:
        found[SPREAD] = replace(found[SPREAD], named=False)
    return tuple(found[name] for name in PATTERNS)


def _finding(name: str, columns: Mapping[str, NDArray[Any]], photograph: NDArray[np.integer], resamples: int, seed: int,
             fewest: int) -> Finding:
    score, chance = (columns[column_of(name, what)].astype(np.float64) for what in ("score", "chance"))
    above = excess(score, chance)
    heat, boxes = mean(above, photograph, resamples, seed)
    where, limit, values = _effect(name, columns)
    effect, rests_on = heat, ATTRIBUTION if boxes else NOTHING
    if np.isfinite(values).any():
        effect, boxes = mean(values, photograph, resamples, seed)
        rests_on = INTERVENTION
    else:
        limit, values = NAMED_BY_HEAT.get(name, float("nan")), above
    several = len(np.unique(photograph[np.isfinite(values)]))
    return Finding(name, where, effect, limit, bool(effect.low > limit) and several >= fewest, rests_on, boxes, several,
                   int((above > LIMITS[name]).sum()), heat)


def _effect(name: str, columns: Mapping[str, NDArray[Any]]) -> tuple[str, float, Array]:
    """Where a pattern lies, its limit, and each box's effect, ``[N]``, NaN without interventions."""
    if name == ONE_SIDE:
        return max((_side(question, columns) for question in (LEFT_RIGHT, TOP_BOTTOM)),
                   key=lambda each: _mean(each[2]) / each[1])
    where = _most(columns, HOTTEST_CORNER) if name == CORNERS else ""
    return where, NAMED[name], extra_loss(columns, name)


def _side(question: str, columns: Mapping[str, NDArray[Any]]) -> tuple[str, float, Array]:
    values = extra_loss(columns, question)
    first, second = question.split(" or ")
    if not np.isfinite(values).any():
        return _most(columns, HOTTEST_SIDE), NAMED[question], values
    return (first, NAMED[question], values) if _mean(values) >= 0 else (second, NAMED[question], -values)


def _most(columns: Mapping[str, NDArray[Any]], column: str) -> str:
    """The word that most boxes have in a column; empty without any."""
    words = Counter(each for each in columns[column].tolist() if each)
    return str(words.most_common(1)[0][0]) if words else ""


def _mean(values: Array) -> float:
    known = values[np.isfinite(values)]
    return float(known.mean()) if len(known) else 0.0


def told_by_box(columns: Mapping[str, NDArray[Any]]) -> dict[str, NDArray[np.bool_]]:
    """Which boxes lose more than a pattern's limit themselves, ``[N]`` by pattern: by intervention alone.

    A box says less than a data set: its limits, :data:`TOLD_BY_BOX`, are higher.
    """
    beyond = {name: extra_loss(columns, name) > TOLD_BY_BOX[name] for name in (CORNERS, SPREAD, CONTEXT)}
    beyond[SPREAD] &= ~(beyond[CORNERS] | beyond[CONTEXT])
    beyond[ONE_SIDE] = np.any([np.abs(extra_loss(columns, name)) > TOLD_BY_BOX[name]
                               for name in (LEFT_RIGHT, TOP_BOTTOM)], 0)
    return {name: beyond[name] for name in PATTERNS}


def extra_loss(columns: Mapping[str, NDArray[Any]], question: str) -> Array:
    """The share of each box's score that the question's region takes beyond its controls, ``[N]``.

    All around the objects has no control of its size: there it is the share itself. Hiding the object is none: a
    detector that finds persons on one background alone needs both.

    A loss below -1, a score more than doubled, counts as -1: scores that grow from nearly nothing would swamp the mean.
    """
    lost, controls = (columns[hidden_column(question, what)].astype(np.float64).clip(-1, 1)
                      for what in ("loss", "control_loss"))
    return np.asarray(lost if question == SPREAD else lost - controls)
