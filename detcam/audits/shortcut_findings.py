"""Which shortcut patterns a detector shows on a data set, from one row a detection.

Attribution suggests, intervention decides. Where regions were occluded, a pattern is reported by the loss of score that
this caused. Without, it would be reported by the heatmaps alone, for patterns that these were shown to tell.
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from detcam.diagnosis.attention.shortcuts import CONTEXT, CORNERS, LIMITS, ONE_SIDE, PATTERNS, SPREAD, excess
from detcam.diagnosis.interventions.limits import BOX_LIMITS
from detcam.diagnosis.interventions.shortcut_probes import LEFT_RIGHT, TOP_BOTTOM
from detcam.diagnosis.table import column_name
from detcam.stats.bootstrap import FEWEST, RESAMPLES, Estimate, mean

Array = NDArray[np.float64]

HOTTEST_CORNER, HOTTEST_SIDE = "hottest_corner", "hottest_side"
INTERVENTION, ATTRIBUTION, NOTHING = "intervention", "attribution", "nothing"

FINDING_LIMITS = {CORNERS: 0.20, SPREAD: 0.35, CONTEXT: 0.25, LEFT_RIGHT: 0.35, TOP_BOTTOM: 0.60}
"""A pattern is a finding where the lower end of its effect's interval is above this share of the score.

Set on detectors with planted faults, halfway between the highest of those without a pattern and the lowest of those
with it, to the nearest 0.05 (docs/measurements/shortcuts.md). Heads count for more than feet in faultless detectors,
too: hence the last, 0.25 above the highest of them.
"""

HEAT_LIMITS: dict[str, float] = {}
"""The same for the mean excess over chance, for patterns that heatmaps alone were shown to tell: none so far."""


@dataclass(frozen=True)
class Finding:
    """The evidence of a data set for one shortcut pattern.

    Attributes:
        name: ``"corners"``, ``"spread"``, ``"context"`` or ``"one side"``.
        where: the side, or the corner with the most heat in most boxes; empty for the other patterns.
        effect: with intervention, the mean share of the score lost when the region is occluded, minus that of its
            control occlusions. For ``"one side"``: that half minus the other one. For ``"spread"``, which has no
            control of its size: everything around the objects, minus nothing. Without intervention, the mean excess of
            the heat over chance. The interval resamples photographs.
        limit: the pattern is a finding where the interval's lower end is above this; NaN where nothing is enough.
        named: whether the pattern is a finding: the interval is above the limit, on enough photographs.
        rests_on: ``"intervention"``, ``"attribution"``, or ``"nothing"`` where there is neither.
        boxes: number of boxes that the effect rests on.
        photographs: number of photographs that those are on.
        flagged: number of boxes whose heatmap is flagged for the pattern.
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


def pattern_column(pattern: str, what: str) -> str:
    """The column of a pattern's ``"score"`` or ``"chance"``."""
    return f"{column_name(pattern)}_{what}"


def occlusion_column(probe: str, what: str) -> str:
    """The column of a probe's ``"loss"`` or ``"control_loss"``."""
    return f"occlusion_{column_name(probe)}_{what}"


def find_shortcuts(columns: Mapping[str, NDArray[Any]], photograph: NDArray[np.integer], resamples: int = RESAMPLES,
                   seed: int = 0, fewest: int = FEWEST) -> tuple[Finding, ...]:
    """The evidence for each pattern, in the order of :data:`detcam.diagnosis.attention.shortcuts.PATTERNS`.

    ``"spread"`` is a finding only where ``"corners"`` and ``"context"`` are not: a detector that depends on one spot
    also loses its score when everything around the objects is occluded.

    Args:
        columns: arrays ``[N]``, one value a detection, named as in :data:`detcam.diagnosis.table.COLUMNS`: the
            patterns' scores and chances; the probes' losses, as shares of the score (NaN where a probe was not run or
            had no controls); and the strings ``"hottest_corner"`` and ``"hottest_side"``.
        photograph: ``[N]`` the index of each detection's photograph.
        resamples: number of bootstrap draws of the photographs.
        seed: of these draws.
        fewest: the number of photographs that a finding needs.
    """
    findings = {name: _finding(name, columns, photograph, resamples, seed, fewest) for name in PATTERNS}
    if findings[CORNERS].named or findings[CONTEXT].named:
        findings[SPREAD] = replace(findings[SPREAD], named=False)
    return tuple(findings[name] for name in PATTERNS)


def _finding(name: str, columns: Mapping[str, NDArray[Any]], photograph: NDArray[np.integer], resamples: int, seed: int,
             fewest: int) -> Finding:
    score, chance = (columns[pattern_column(name, what)].astype(np.float64) for what in ("score", "chance"))
    above_chance = excess(score, chance)
    heat, boxes = mean(above_chance, photograph, resamples, seed)
    where, limit, values = _effect(name, columns)
    effect, rests_on = heat, ATTRIBUTION if boxes else NOTHING
    if np.isfinite(values).any():
        effect, boxes = mean(values, photograph, resamples, seed)
        rests_on = INTERVENTION
    else:
        limit, values = HEAT_LIMITS.get(name, float("nan")), above_chance
    photographs = len(np.unique(photograph[np.isfinite(values)]))
    return Finding(name, where, effect, limit, bool(effect.low > limit) and photographs >= fewest, rests_on, boxes,
                   photographs, int((above_chance > LIMITS[name]).sum()), heat)


def _effect(name: str, columns: Mapping[str, NDArray[Any]]) -> tuple[str, float, Array]:
    """Where a pattern lies, its limit, and each box's effect ``[N]``, NaN without interventions."""
    if name == ONE_SIDE:
        return max((_side_effect(probe, columns) for probe in (LEFT_RIGHT, TOP_BOTTOM)),
                   key=lambda side: _mean(side[2]) / side[1])
    where = _most_frequent(columns, HOTTEST_CORNER) if name == CORNERS else ""
    return where, FINDING_LIMITS[name], extra_loss(columns, name)


def _side_effect(probe: str, columns: Mapping[str, NDArray[Any]]) -> tuple[str, float, Array]:
    values, limit = extra_loss(columns, probe), FINDING_LIMITS[probe]
    first, second = probe.split(" or ")
    if not np.isfinite(values).any():
        return _most_frequent(columns, HOTTEST_SIDE), limit, values
    return (first, limit, values) if _mean(values) >= 0 else (second, limit, -values)


def _most_frequent(columns: Mapping[str, NDArray[Any]], column: str) -> str:
    """The most frequent string of a column; empty if there is none."""
    counts = Counter(value for value in columns[column].tolist() if value)
    return str(counts.most_common(1)[0][0]) if counts else ""


def _mean(values: Array) -> float:
    known = values[np.isfinite(values)]
    return float(known.mean()) if len(known) else 0.0


def boxes_over_limit(columns: Mapping[str, NDArray[Any]]) -> dict[str, NDArray[np.bool_]]:
    """Which boxes alone lose more of their score than a pattern's limit, ``[N]`` by pattern; from interventions only.

    One box says less than a data set: its limits, :data:`BOX_LIMITS`, are higher.

    Args:
        columns: arrays ``[N]``, one value a detection, named as in :data:`detcam.diagnosis.table.COLUMNS`: the probes'
            losses, as shares of the score.
    """
    over = {name: extra_loss(columns, name) > BOX_LIMITS[name] for name in (CORNERS, SPREAD, CONTEXT)}
    over[SPREAD] &= ~(over[CORNERS] | over[CONTEXT])
    over[ONE_SIDE] = np.any([np.abs(extra_loss(columns, name)) > BOX_LIMITS[name]
                             for name in (LEFT_RIGHT, TOP_BOTTOM)], 0)
    return {name: over[name] for name in PATTERNS}


def extra_loss(columns: Mapping[str, NDArray[Any]], probe: str) -> Array:
    """The share of each box's score lost when a probe's region is occluded, minus that of its controls, ``[N]``.

    Everything around the objects has no control of its size: there it is the share itself. Occluding the object is no
    control: a detector that finds persons on one background alone needs both.

    A loss below -1, a score more than doubled, counts as -1: scores that grow from nearly nothing would swamp the mean.

    Args:
        columns: arrays ``[N]``, one value a detection, with ``occlusion_…_loss`` and ``occlusion_…_control_loss``.
        probe: one of :data:`detcam.diagnosis.interventions.shortcut_probes.PROBES`.
    """
    loss, control = (columns[occlusion_column(probe, what)].astype(np.float64).clip(-1, 1)
                     for what in ("loss", "control_loss"))
    return np.asarray(loss if probe == SPREAD else loss - control)
