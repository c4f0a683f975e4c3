"""What two audits say together: the matching and the numbers by hand, and by slow and obvious versions."""

import io
import json
import math
from typing import Any

import numpy as np
import pandas as pd
import pytest
from numpy.typing import NDArray
from rich.console import Console
from scipy import stats
from support.audit_tables import assert_nothing, found, missed, random_tables, table_of, wrong

from detcam.audits.columns import EVIDENCE
from detcam.audits.comparison import FALSE_POSITIVES, RESAMPLES, compare_tables
from detcam.audits.comparison_findings import _excludes_zero
from detcam.audits.finished import same_method
from detcam.audits.matched_objects import matched
from detcam.cli.tables import print_comparison
from detcam.errors import DataError
from detcam.imaging.boxes import EDGES
from detcam.stats.bootstrap import resampling_weights
from detcam.stats.effect_size import mean_difference

PHOTOGRAPHS = ["p0.jpg", "p1.jpg", "p2.jpg", "p3.jpg"]  # nothing is on the last
BEFORE = table_of([
    found("p0.jpg", 0, 0.80, top=0.10, heat=0.6), missed("p0.jpg", 1, heat=0.3), found("p0.jpg", 2, 0.60),
    found("p1.jpg", 0, 0.70, heat=0.4), wrong("p1.jpg", "background"), wrong("p1.jpg", "duplicate"),
    missed("p2.jpg", 0, counted_elsewhere=True), missed("p2.jpg", 1, verdict="no row near"),
    wrong("p2.jpg", "localization"), found("left out.jpg", 0)])
AFTER = table_of([
    missed("p2.jpg", 1, verdict="no row near"), missed("p2.jpg", 0), found("p0.jpg", 2, 0.66, top=-0.05),
    found("p0.jpg", 1, 0.90, heat=0.7), found("p0.jpg", 0, 0.83, top=-0.30, heat=0.5),
    missed("p1.jpg", 0, "suppressed", heat=0.1), wrong("p3.jpg", "background")])


def test_what_became_of_each_object_by_hand() -> None:
    pair = matched(BEFORE, AFTER, PHOTOGRAPHS)
    keys = list(zip(pair.objects.photograph, pair.objects.true_object, strict=True))
    assert keys == [("p0.jpg", 0), ("p0.jpg", 1), ("p0.jpg", 2), ("p1.jpg", 0), ("p2.jpg", 0), ("p2.jpg", 1)]
    assert pair.codes.tolist() == [0, 0, 0, 1, 2, 2]
    assert pair.a.found.tolist() == [True, False, True, True, False, False]
    assert pair.b.found.tolist() == [True, True, True, False, False, False]
    assert pair.both.tolist() == [True, False, True, False, False, False]
    assert pair.better.tolist() == [False, True, True, False, False, False]  # 0.80 to 0.83 is no change, to 0.66 is
    assert pair.worse.tolist() == [False, False, False, True, False, False]
    assert pair.objects["size"].tolist() == [20.0] * 6
    change = pair.change("heat inside the box")
    assert change[:5] == pytest.approx([-0.1, 0.4, 0.0, -0.3, 0.0])
    assert math.isnan(change[5])  # a row that is not near says nothing of the object


def test_the_comparison_by_hand() -> None:
    summary = compare_tables(BEFORE, AFTER, PHOTOGRAPHS)
    assert summary["photographs"] == 4
    assert summary["found"] == {"both": 2, "only_a": 1, "only_b": 1, "neither": 2}
    assert [summary["recall"][side]["value"] for side in ("a", "b", "change")] == [0.5, 0.5, 0.0]
    assert summary["iou"]["change"]["value"] == pytest.approx((0.03 + 0.06) / 2)
    assert summary["iou"]["change"]["n"] == 2
    assert summary["iou"]["change"]["photographs"] == 1
    errors = {each["name"]: each for each in summary["errors"]}
    assert {name: (each["count_a"], each["count_b"]) for name, each in errors.items()} == {
        "classification": (0, 0), "localization": (1, 0), "both": (0, 0), "duplicate": (1, 0), "background": (1, 1),
        "missed": (2, 3), FALSE_POSITIVES: (3, 1)}
    assert errors["background"]["change"]["value"] == 0  # one on another photograph: paired, not without interval
    assert errors["background"]["change"]["low"] < 0 < errors["background"]["change"]["high"]
    assert errors[FALSE_POSITIVES]["change"]["value"] == -0.5
    top = next(each for each in summary["edges"] if each["edge"] == "top")
    assert [top[side]["value"] for side in ("a", "b", "change")] == pytest.approx([0.05, 0.175, 0.125])
    assert [top[f"outward_{side}"]["value"] for side in ("a", "b", "change")] == pytest.approx([0.05, -0.175, -0.225])
    moved = summary["moved"]
    assert (moved["better"], moved["worse"], moved["same"], moved["p_moved"]) == (2, 1, 3, 1.0)
    assert (moved["newly_found"], moved["newly_missed"], moved["placed_better"], moved["placed_worse"]) == (1, 1, 1, 0)
    assert moved["net"]["value"] == pytest.approx(1 / 6)
    inside = next(each for each in summary["attention"] if each["number"] == "heat inside the box")
    assert [inside[group]["value"] for group in ("better", "worse", "rest")] == pytest.approx([0.2, -0.3, -0.05])
    assert inside["worse_minus_rest"]["value"] is None  # of one object nothing is said
    assert [(each["photograph"], each["true_object"]) for each in summary["first_better"]] == [
        ("p0.jpg", 1), ("p0.jpg", 2)]
    (worse,) = summary["first_worse"]
    assert (worse["photograph"], worse["verdict_b"]) == ("p1.jpg", "suppressed")
    assert (worse["iou_a"], worse["iou_b"]) == (0.7, 0.0)
    assert summary["findings"] == []
    json.dumps(summary, allow_nan=False)


def test_tables_of_other_objects_are_refused() -> None:
    with pytest.raises(DataError, match=r"object 0 of p1\.jpg is in only one of them"):
        matched(BEFORE, AFTER[AFTER.photograph != "p1.jpg"], PHOTOGRAPHS)
    with pytest.raises(DataError, match=r"has object 0 of p0\.jpg twice"):
        matched(BEFORE, pd.concat([AFTER, AFTER.iloc[[4]]]), PHOTOGRAPHS)


def test_intervals_are_those_of_drawing_photographs_anew() -> None:
    """Every photograph is really repeated as often as it is drawn, and everything is counted again."""
    a, b, names = random_tables(3, photographs=12)
    summary = compare_tables(a, b, names)
    recall, errors, net = [], [], []
    counts = {name: objects_of(a, b, name) for name in names}
    for weights in resampling_weights(np.arange(12), RESAMPLES, 0).astype(int):
        drawn = [name for name, weight in zip(names, weights, strict=True) for _ in range(weight)]
        sums = np.array([counts[name] for name in drawn]).sum(0)
        recall.append((sums[1] - sums[0]) / sums[2])
        net.append((sums[3] - sums[4]) / sums[2])
        errors.append((sums[6] - sums[5]) / 12)
    change = next(each for each in summary["errors"] if each["name"] == "background")["change"]
    for drawn_again, known in ((recall, summary["recall"]["change"]), (errors, change), (net, summary["moved"]["net"])):
        assert np.percentile(drawn_again, [2.5, 97.5]) == pytest.approx([known["low"], known["high"]], abs=1e-12)


def objects_of(a: pd.DataFrame, b: pd.DataFrame, name: str) -> list[int]:
    """Of a photograph: found by A, by B, objects, better, worse, background errors of A and of B."""
    one, other = (table[table.photograph == name] for table in (a, b))
    ious = []
    for rows in (one, other):
        objects = rows[rows.true_object.notna()]
        ious.append({row.true_object: row.iou if row.kind == "detection" else None for row in objects.itertuples()})
    better = worse = 0
    for true, before in ious[0].items():
        after = ious[1][true]
        better += after is not None and (before is None or after > before + 0.05)
        worse += before is not None and (after is None or before > after + 0.05)
    return [sum(each is not None for each in ious[0].values()), sum(each is not None for each in ious[1].values()),
            len(ious[0]), better, worse, int((one.type == "background").sum()), int((other.type == "background").sum())]


def test_the_sign_test_counts_coins() -> None:
    before = table_of([found(f"{k}.jpg", 0) for k in range(9)] + [missed(f"{k}.jpg", 0) for k in range(9, 11)])
    after = table_of([missed(f"{k}.jpg", 0) for k in range(9)] + [found(f"{k}.jpg", 0) for k in range(9, 11)])
    moved = compare_tables(before, after, [f"{k}.jpg" for k in range(11)])["moved"]
    assert moved["p_found"] == pytest.approx(2 * sum(math.comb(11, k) for k in range(3)) / 2**11)
    assert moved["p_moved"] == moved["p_found"]


def slow_difference(values: NDArray[Any], group: NDArray[Any], fifth: NDArray[Any]) -> float:
    total = count = 0.0
    for each in set(fifth.tolist()):
        own, other = values[group & (fifth == each)], values[~group & (fifth == each)]
        if len(own) and len(other):
            total += len(own) * (own.mean() - other.mean())
            count += len(own)
    return total / count


def test_difference_of_means_among_boxes_of_like_size() -> None:
    random = np.random.default_rng(5)
    size, codes = random.integers(1, 50, 90).astype(float), random.integers(0, 15, 90)
    group, values = random.random(90) < 0.3, random.normal(size=90) + size / 10
    fifth = np.digitize(size, np.quantile(size, [0.2, 0.4, 0.6, 0.8]))
    for sizes, strata in ((None, np.zeros(90, int)), (size, fifth)):
        known, n = mean_difference(values, group, codes, sizes, 200, 7)
        again = []
        for weights in resampling_weights(codes, 200, 7).astype(int):
            again.append(slow_difference(*(np.repeat(each, weights) for each in (values, group, strata))))
        assert known.value == pytest.approx(slow_difference(values, group, strata), abs=1e-12)
        assert np.percentile(again, [2.5, 97.5]) == pytest.approx([known.low, known.high], abs=1e-12)
        assert n == group.sum()
    assert math.isnan(mean_difference(values, np.arange(90) < 4, codes)[0].value)  # of four boxes nothing is said


def test_a_change_is_named_and_speaks_for_the_right_side() -> None:
    better = compare_tables(*random_tables(0, 120, gain=0.3, fewer=1.5))
    assert {each["name"]: each["better"] for each in better["findings"]} == {
        "recall": True, "errors: background": True, f"errors: {FALSE_POSITIVES}": True}
    assert better["findings"][0]["sentence"].startswith("B finds more of the objects: ")
    taller = compare_tables(*random_tables(0, 120, tall=0.2))
    (finding,) = taller["findings"]
    assert (finding["name"], finding["better"]) == ("top edge", False)
    assert finding["sentence"].startswith("On objects that both find, B's top edges are less accurate: mean error ")
    top = next(each for each in taller["edges"] if each["edge"] == "top")
    assert top["outward_change"]["value"] == pytest.approx(0.2, abs=0.03)


def test_attention_that_moves_with_the_objects_is_named() -> None:
    a, b, names = random_tables(1, 120)
    pair = matched(a, b, names)
    for row in np.flatnonzero(pair.worse):
        place = b[(b.photograph == pair.objects.photograph[row]) & (b.true_object == pair.objects.true_object[row])]
        b.loc[place.index, "heat_inside"] = -1.0
    summary = compare_tables(a, b, names)
    assert "heat inside the box: worse" in [each["name"] for each in summary["findings"]]
    assert "heat inside the box: better" not in [each["name"] for each in summary["findings"]]


def test_evidence_is_compared_in_doublings() -> None:
    a, b, names = random_tables(2, 20)
    b[[f"{edge}_evidence" for edge in EDGES]] = a[[f"{edge}_evidence" for edge in EDGES]].iloc[0].to_numpy() * 8
    lines = {each["number"]: each for each in compare_tables(a, a.assign(**{
        f"{edge}_evidence": a[f"{edge}_evidence"] * 8 for edge in EDGES}), names)["attention"]}
    assert lines[EVIDENCE]["all"]["value"] == pytest.approx(3)


def test_chance_is_seldom_named() -> None:
    """Two detectors alike, 40 times: with plain 95 % intervals nearly half of these would be told something."""
    said = [bool(compare_tables(*random_tables(100 + seed))["findings"]) for seed in range(40)]
    assert sum(said) <= 5  # 5 % are 2; more than 5 of 40 happen in 1.4 % of such tests


def test_the_interval_of_a_finding_is_widened_for_the_questions() -> None:
    """By t's quantile for 0.025/20 over the normal one: 3.17 / 1.96 of its width for 40 photographs."""
    wider = stats.t.ppf(1 - 0.025 / 20, 39) / 1.959964
    assert wider == pytest.approx(1.65, abs=0.02)
    for half, differs in ((1 / wider - 0.01, True), (1 / wider + 0.01, False)):
        assert _excludes_zero({"value": 1.0, "low": 1.0 - half, "high": 1.0 + half, "photographs": 40}, 20) is differs
    assert not _excludes_zero({"value": 1.0, "low": 1.0, "high": 1.0, "photographs": 4}, 1)  # too few photographs
    assert not _excludes_zero({"value": 0.0, "low": 0.0, "high": 0.0, "photographs": 40}, 20)


def test_one_table_twice_is_exactly_no_difference() -> None:
    a, _, names = random_tables(4)
    summary = compare_tables(a, a.sample(frac=1, random_state=0), names)
    assert_nothing(summary)


def test_the_tables_fit_a_terminal() -> None:
    summary = compare_tables(*random_tables(0, 120, gain=0.3, fewer=1.5))
    written = io.StringIO()
    print_comparison(summary, Console(file=written, width=200))
    lines = [line.rstrip() for line in written.getvalue().splitlines() if not line.startswith("•")]
    assert max(len(line) for line in lines if "Better:" not in line and "photographs" not in line) <= 90
    assert "B finds more of the objects" in written.getvalue()


def test_heat_of_different_methods_is_not_compared() -> None:
    own = {"methods": {"hirescam": "[]", "gradcam": "[]"}, "layer": "depth"}
    assert same_method(own, {"methods": {"hirescam": "[]"}, "layer": "depth"})  # of several the first is measured
    assert not same_method(own, {"methods": {"gradcam": "[]", "hirescam": "[]"}, "layer": "depth"})
    assert not same_method(own, own | {"layer": "auto"})
    assert compare_tables(BEFORE, AFTER, PHOTOGRAPHS, attention=False)["attention"] == []
