"""What the rows of an audit say together, on tables made by hand."""

import json
from io import StringIO
from typing import Any

import numpy as np
import pandas as pd
import pytest
from rich.console import Console
from scipy.stats import spearmanr

from detcam.audits.summary import first_to_inspect, summarise
from detcam.cli.tables import print_summary
from detcam.diagnosis.table import COLUMNS
from detcam.stats.bootstrap import FEWEST


def hand_made(**columns: Any) -> pd.DataFrame:
    """A table of an audit with some columns given and the others missing."""
    count = len(next(iter(columns.values())))
    kinds = {"string": object, "float64": float, "int64": "Int64", "bool": "boolean"}
    table = pd.DataFrame({name: pd.Series([None] * count, dtype=kinds[kind]) for name, kind in COLUMNS.items()})
    for name, values in columns.items():
        table[name] = pd.Series(values, dtype=kinds[COLUMNS[name]])
    return table


def test_summary_of_a_hand_made_table() -> None:
    random = np.random.default_rng(0)
    count = 60
    error = random.normal(0.2, 0.02, count)
    numbers = {f"{edge}_error_share": np.zeros(count) for edge in ("left", "right", "bottom")}
    table = hand_made(
        photograph=[f"{k % 20}.jpg" for k in range(count)], kind=["detection"] * 50 + ["missed"] * 10,
        type=["correct"] * 40 + ["background"] * 10 + ["missed"] * 10, score=np.linspace(0.9, 0.3, count),
        iou=1 - error, canvas_size=random.uniform(20, 200, count), top_error_share=error,
        counted_elsewhere=[None] * 50 + [True] * 4 + [False] * 6,
        verdict=[None] * 50 + ["score"] * 7 + ["suppressed"] * 3,
        worst_edge=["top"] * count, worst_error=error, heat_inside=1 - error, number=range(count), **numbers)
    table.loc[40:49, ["top_error_share", "iou"]] = [np.nan, 0.0]
    summary = summarise(table, 20)
    assert (summary["objects"], summary["objects_found"], summary["detections"]) == (50, 40, 50)
    assert {name: each["count"] for name, each in summary["types"].items() if each["count"]} == {
        "background": 10, "missed": 6, "correct": 40}
    assert summary["missed_by_verdict"] == {"score": 7, "suppressed": 3}
    top = next(each for each in summary["edges"] if each["edge"] == "top")
    assert top["outward"]["value"] == pytest.approx(np.median(error[:40]))
    assert top["worst_of_misplaced"]["value"] == 1
    assert [each["name"] for each in summary["findings"]] == ["top edge too high"]
    assert "Boxes are too tall: their top edges lie too high, by a median of 20%" in summary["findings"][0]["sentence"]
    inside = next(each for each in summary["correlations"] if each["number"] == "heat inside the box")
    assert inside["rho"]["value"] == pytest.approx(spearmanr(1 - error[:40], error[:40]).statistic)
    assert [each["number"] for each in summary["first_to_inspect"]] == list(range(40, 50))  # the surest first
    json.dumps(summary, allow_nan=False)


def test_the_first_to_look_at_take_turns_by_type() -> None:
    table = hand_made(
        photograph=["a.jpg"] * 6, kind=["detection"] * 6, number=range(6), score=[0.9, 0.8, 0.7, 0.6, 0.5, 0.99],
        type=["background", "background", "background", "localization", "localization", "correct"],
        iou=[0.0, 0.0, 0.0, 0.4, 0.1, 0.9])
    assert [each["number"] for each in first_to_inspect(table, 4)] == [0, 4, 1, 3]  # 0.5 * 0.9 is over 0.6 * 0.6


def test_the_terminal_shows_where_attention_differs_and_what_hiding_took() -> None:
    random = np.random.default_rng(2)
    wrong = np.arange(80) % 2 == 1
    table = hand_made(
        photograph=[f"{k // 2}.jpg" for k in range(80)], kind=["detection"] * 80, score=random.uniform(0.3, 1, 80),
        type=np.where(wrong, "background", "correct"), canvas_size=random.uniform(20, 200, 80),
        heat_inside=np.where(wrong, 0.2, 0.7) + random.normal(0, 0.05, 80), heat_ring=random.uniform(0, 1, 80),
        corners_score=np.full(80, 0.1), corners_chance=np.full(80, 0.1), number=range(80),
        **{f"occlusion_corners_{name}": np.full(80, value) for name, value in (("loss", 0.8), ("control_loss", 0.1))})
    console = Console(width=100, file=StringIO(), record=True)
    print_summary(summarise(table, 40), console)
    printed = console.export_text()
    differs = printed[printed.index("Attention by type"):printed.index("Shortcuts:")]
    assert "inside the box" in differs
    assert "ring" not in differs  # random on both sides
    assert "70% [70%, 70%]" in printed[printed.index("Shortcuts:"):]
    assert "context" not in printed[printed.index("Shortcuts:"):]  # nothing of it was hidden


def test_a_sound_table_accuses_nobody() -> None:
    random = np.random.default_rng(1)
    errors = {f"{edge}_error_share": random.normal(0, 0.03, 80) for edge in ("left", "top", "right", "bottom")}
    summary = summarise(hand_made(
        photograph=[f"{k // 2}.jpg" for k in range(80)], kind=["detection"] * 80, type=["correct"] * 80,
        score=random.uniform(0.3, 1, 80), iou=random.uniform(0.7, 1, 80), canvas_size=random.uniform(20, 200, 80),
        worst_edge=["left"] * 80, worst_error=random.normal(0, 0.03, 80), **errors), 40)
    assert summary["findings"] == []
    assert summary["first_to_inspect"] == []


def tall(photographs: int, hidden: bool = False, **more: Any) -> dict[str, Any]:
    """The summary of boxes that are all too tall, on so many photographs."""
    names = {f"{edge}_error_share": np.full(60, 0.2 if edge == "top" else 0.0) for edge in (
        "left", "top", "right", "bottom")}
    asked = {f"occlusion_corners_{name}": np.full(60, 0.1) for name in ("loss", "control_loss")} if hidden else {}
    return summarise(hand_made(
        photograph=[f"{k % photographs}.jpg" for k in range(60)], kind=["detection"] * 60, number=range(60),
        type=["correct"] * 60, corners_score=np.full(60, 0.1), corners_chance=np.full(60, 0.1), **names, **asked,
        **more), 60)


def test_too_few_photographs_find_nothing_and_say_so() -> None:
    for photographs in (1, FEWEST - 1):
        summary = tall(photographs)
        assert summary["edges"][1]["outward"]["low"] == 0.2
        assert summary["findings"] == []
        assert f"Too few photographs to report edge errors: {photographs} of them have boxes on true objects" in (
            summary["no_finding_reason"])
    assert [each["name"] for each in tall(FEWEST)["findings"]] == ["top edge too high"]


def test_silence_says_what_was_looked_for() -> None:
    assert "Shortcuts were not tested: add --intervene." in tall(FEWEST)["no_finding_reason"]
    assert tall(FEWEST, hidden=True)["no_finding_reason"].endswith(
        "None of the tested shortcut patterns passed its limit.")
    lost = np.where(np.arange(60) % 20 < 9, 0.1, np.nan)
    columns = {f"occlusion_corners_{name}": lost for name in ("loss", "control_loss")}
    few = summarise(hand_made(
        photograph=[f"{k % 20}.jpg" for k in range(60)], kind=["detection"] * 60, type=["correct"] * 60,
        number=range(60), corners_score=np.full(60, 0.1), corners_chance=np.full(60, 0.1),
        top_error_share=np.zeros(60), **columns), 20)
    assert few["no_finding_reason"].startswith("No systematic edge error was found. Too few photographs")
    assert "report shortcuts: 9 of them have boxes on true objects, and 15 are needed." in few["no_finding_reason"]


@pytest.mark.parametrize(("inward_by", "elsewhere", "pulled"), [
    (0.1, 0.0, True), (0.1, 0.08, False), (0.02, 0.0, False), (-0.1, 0.0, False), (None, None, None)])
def test_an_edge_is_pulled_where_occlusion_moves_it_inward(inward_by: float | None, elsewhere: float | None,
                                                     pulled: bool | None) -> None:
    found = tall(30, occlusion_edge=["top" if inward_by is not None else None] * 60, top_pull_beyond=np.full(60, 0.6),
                 occlusion_edge_moved=[None if inward_by is None else -inward_by] * 60,
                 occlusion_edge_control_moved=[None if elsewhere is None else -elsewhere] * 60)["findings"][0]
    assert (found["name"], found["pulled"]) == ("top edge too high", pulled)
    said = "60% of the evidence that moves them outward lies beyond the true edge. Occluding the region where"
    assert (said in found["sentence"]) == (pulled is True)
    assert ("does not show that the region is the cause" in found["sentence"]) == (pulled is False)
    if inward_by is not None:
        assert f"by {inward_by:.1%}" in found["sentence"]
