"""Which shortcut a data set's rows name, on rows made by hand."""

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from detcam.audits.shortcut_findings import (
    ATTRIBUTION,
    FINDING_LIMITS,
    HOTTEST_CORNER,
    HOTTEST_SIDE,
    INTERVENTION,
    NOTHING,
    Finding,
    boxes_over_limit,
    extra_loss,
    find_shortcuts,
    occlusion_column,
    pattern_column,
)
from detcam.diagnosis.attention.shortcuts import CONTEXT, CORNERS, ONE_SIDE, PATTERNS, SPREAD
from detcam.diagnosis.interventions.shortcut_probes import LEFT_RIGHT, PROBES, TOP_BOTTOM
from detcam.diagnosis.table import COLUMNS
from detcam.stats.bootstrap import FEWEST, mean

BOXES = 60
PHOTOGRAPH = np.repeat(np.arange(30), 2)
Columns = dict[str, NDArray[Any]]


def table(effects: dict[str, float] | None = None, noise: float = 0.1, seed: int = 0) -> Columns:
    """Rows of a detector that loses these shares of the score beyond the controls, and nothing otherwise."""
    random = np.random.default_rng(seed)
    rows: Columns = {HOTTEST_CORNER: np.array(["top left"] * BOXES), HOTTEST_SIDE: np.array(["right"] * BOXES)}
    for pattern in PATTERNS:
        rows[pattern_column(pattern, "score")] = np.full(BOXES, 0.3)
        rows[pattern_column(pattern, "chance")] = np.full(BOXES, 0.2)
    for question in PROBES:
        rows[occlusion_column(question, "loss")] = np.full(BOXES, np.nan)
        rows[occlusion_column(question, "control_loss")] = np.full(BOXES, 0.05)
        if effects is not None:
            rows[occlusion_column(question, "loss")] = 0.05 + effects.get(question, 0) + random.normal(0, noise, BOXES)
    return rows


def found_in(rows: Columns) -> dict[str, Finding]:
    return {each.name: each for each in find_shortcuts(rows, PHOTOGRAPH, 500)}


@pytest.mark.parametrize(("question", "effect", "name", "where"), [
    (CORNERS, 0.6, CORNERS, "top left"), (CONTEXT, 0.6, CONTEXT, ""), (SPREAD, 0.6, SPREAD, ""),
    (LEFT_RIGHT, 0.8, ONE_SIDE, "left"), (LEFT_RIGHT, -0.8, ONE_SIDE, "right"), (TOP_BOTTOM, -0.9, ONE_SIDE, "bottom")])
def test_one_effect_names_one_pattern(question: str, effect: float, name: str, where: str) -> None:
    found = found_in(table({question: effect, SPREAD: -0.5} if question != SPREAD else {question: effect}))
    assert [each for each in PATTERNS if found[each].named] == [name]
    assert found[name].where == where
    assert found[name].rests_on == INTERVENTION
    assert found[name].effect.value == pytest.approx(abs(effect), abs=0.05)
    assert found[name].boxes == BOXES


def test_a_sound_detector_is_accused_of_nothing() -> None:
    assert not any(each.named for each in found_in(table({SPREAD: -0.7})).values())


def test_the_interval_s_lower_end_decides_not_the_mean() -> None:
    sure, unsure = table({CONTEXT: 0.35}, noise=0.02), table({CONTEXT: 0.35}, noise=0)
    unsure[occlusion_column(CONTEXT, "loss")] += np.where(PHOTOGRAPH % 2, 0.55, -0.55)
    assert found_in(sure)[CONTEXT].named
    found = found_in(unsure)[CONTEXT]
    assert found.effect.value > FINDING_LIMITS[CONTEXT] > found.effect.low
    assert not found.named


def test_too_few_photographs_name_nothing() -> None:
    """However large the effect: the interval of one photograph is a point."""
    rows = table({CONTEXT: 0.7}, noise=0)
    for photographs in (1, FEWEST - 1, FEWEST):
        found = find_shortcuts(rows, np.arange(BOXES) % photographs, 500)
        context = next(each for each in found if each.name == CONTEXT)
        assert context.effect.low > context.limit
        assert (context.photographs, context.named) == (photographs, photographs == FEWEST)


def test_an_effect_is_the_mean_with_its_interval_from_photographs() -> None:
    rows = table({CONTEXT: 0.2})
    beyond = rows[occlusion_column(CONTEXT, "loss")] - rows[occlusion_column(CONTEXT, "control_loss")]
    by_hand = mean(beyond, PHOTOGRAPH, 500, 0)
    assert (found_in(rows)[CONTEXT].effect, found_in(rows)[CONTEXT].boxes) == by_hand


def test_spread_is_left_to_the_spot_that_explains_it() -> None:
    """Who rests on a marker loses the score too when all around the objects is hidden."""
    found = found_in(table({SPREAD: 0.6, CONTEXT: 0.7}))
    assert found[CONTEXT].named
    assert not found[SPREAD].named
    assert found[SPREAD].effect.low > found[SPREAD].limit


def test_all_around_is_not_compared_with_the_object() -> None:
    rows = table({SPREAD: 0.5}, noise=0)
    rows[occlusion_column(SPREAD, "control_loss")][:] = 0.9
    found = found_in(rows)[SPREAD]
    assert found.named
    assert found.effect.value == pytest.approx(0.55)


def test_a_loss_counts_from_minus_one_to_one() -> None:
    rows = table({CONTEXT: 0.0}, noise=0)
    rows[occlusion_column(CONTEXT, "loss")][0], rows[occlusion_column(CONTEXT, "control_loss")][0] = -7.0, 0.25
    assert extra_loss(rows, CONTEXT)[0] == pytest.approx(-1.25)


def test_without_interventions_it_rests_on_attribution_or_on_nothing() -> None:
    heat = found_in(table())
    assert {ONE_SIDE, SPREAD, CONTEXT} <= set(heat)
    for each in heat.values():
        assert each.rests_on == ATTRIBUTION
        assert each.effect.value == pytest.approx(0.125) == each.excess.value  # 0.1 of the 0.8 above chance
        assert not each.named
    assert heat[ONE_SIDE].where == "right"
    rows = table()
    rows = {name: values if values.dtype.kind == "U" else np.full(BOXES, np.nan) for name, values in rows.items()}
    assert {each.rests_on for each in found_in(rows).values()} == {NOTHING}
    assert not any(each.named or each.flagged for each in found_in(rows).values())


def test_flagged_boxes_are_counted() -> None:
    rows = table({})
    rows[pattern_column(ONE_SIDE, "score")][:7] = 0.99
    assert found_in(rows)[ONE_SIDE].flagged == 7


def test_single_boxes_are_told_by_the_same_limits() -> None:
    rows = table({}, noise=0)
    for question, box, effect in ((CORNERS, 0, 0.9), (CONTEXT, 1, 0.9), (SPREAD, 1, 0.9), (SPREAD, 2, 0.9),
                                  (CONTEXT, 5, -0.9)):
        rows[occlusion_column(question, "loss")][box] += effect
    for question, box, first, second in ((LEFT_RIGHT, 3, -0.2, 0.9), (TOP_BOTTOM, 4, 1.0, -0.3)):
        rows[occlusion_column(question, "loss")][box] = first
        rows[occlusion_column(question, "control_loss")][box] = second
    rows[occlusion_column(CONTEXT, "loss")][6] = np.nan
    told = boxes_over_limit(rows)
    assert {name: np.flatnonzero(told[name]).tolist() for name in PATTERNS} == {
        CORNERS: [0], SPREAD: [2], CONTEXT: [1], ONE_SIDE: [3, 4]}


def test_the_names_are_those_of_the_audit_s_table() -> None:
    assert set(table({})) <= set(COLUMNS)
