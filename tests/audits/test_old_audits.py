"""An audit that version 1 wrote: its table, its summary and a comparison are read, and an unfinished one resumes.

``tests/data/audit_v1`` was written by that version: two of the photographs of :func:`support.audited.written`, audited
with a tiny detector, edges and interventions.
"""

import json
import shutil
from pathlib import Path

import pandas as pd
import pyarrow.parquet
import pytest
from support.audited import SCORE, written
from support.tiny import tiny_ssd

import detcam
from detcam.audits.audit import audit
from detcam.audits.comparison import compare
from detcam.audits.finished import read_finished
from detcam.audits.journal import NAME as JOURNAL
from detcam.audits.old_names import RENAMED, current_columns
from detcam.audits.summary import summarise
from detcam.audits.table import read_table
from detcam.datasets.formats import read_data_set
from detcam.diagnosis.table import COLUMNS
from detcam.errors import DataError, OutputError

OLD = Path(__file__).parents[1] / "data" / "audit_v1"
OPTIONS = {"classes": ["class 1"], "min_score": SCORE, "edges": True, "intervene": True, "heatmaps": False}


def test_every_old_column_has_its_new_name_and_the_same_values() -> None:
    stored, table = pyarrow.parquet.read_table(OLD / "audit.parquet").to_pandas(), read_table(OLD)
    assert len(table) > 10
    assert set(RENAMED) <= set(stored.columns)
    assert list(table.columns) == list(COLUMNS)
    pd.testing.assert_frame_equal(stored.set_axis(list(COLUMNS), axis=1), table)
    assert table.verdict.notna().any()
    assert table.counted_elsewhere.notna().any()
    assert table.occlusion_context_loss.notna().any()


def test_names_that_were_not_renamed_stay() -> None:
    assert current_columns(["score", "why", "iou"]) == ["score", "verdict", "iou"]
    assert set(RENAMED.values()) <= set(COLUMNS)
    assert not set(RENAMED) & set(COLUMNS)


def test_a_finished_one_is_summarised_and_compared() -> None:
    old = read_finished(OLD)
    assert list(old.settings["columns"]) == list(COLUMNS)
    summary = summarise(old.table, len(old.photographs))
    assert summary["objects"] > summary["objects_found"] > 0
    assert sum(summary["missed_by_verdict"].values()) == summary["objects"] - summary["objects_found"]
    same = compare(OLD, OLD)
    assert same["found"]["only_a"] == same["found"]["only_b"] == same["moved"]["better"] == same["moved"]["worse"] == 0
    assert same["objects"] == summary["objects"]


def test_an_unfinished_one_resumes(tmp_path: Path) -> None:
    detector = detcam.load(tiny_ssd())
    data = read_data_set(written(tmp_path / "shots", 2, detector))
    out = tmp_path / "out"
    out.mkdir()
    heading, first, second = (OLD / JOURNAL).read_text().splitlines(keepends=True)
    (out / JOURNAL).write_text(heading + first + second[:100])  # killed in the middle of the second photograph
    seen: list[str] = []
    outcome = audit(detector, data, out, step=lambda path, _: seen.append(path.name), **OPTIONS)
    assert (outcome.before, outcome.done, seen) == (1, 2, ["shot1.png"])
    resumed, old = read_table(out), read_table(OLD)
    pd.testing.assert_frame_equal(resumed.drop(columns="sentence"), old.drop(columns="sentence"), atol=1e-5, rtol=1e-5)
    assert read_finished(out).photographs == ("shot0.png", "shot1.png")


@pytest.mark.parametrize("version", [0, 3])
def test_another_version_is_refused(tmp_path: Path, version: int) -> None:
    shutil.copytree(OLD, tmp_path / "old")
    journal = tmp_path / "old" / JOURNAL
    heading, *lines = journal.read_text().splitlines()
    journal.write_text("\n".join([json.dumps(json.loads(heading) | {"schema_version": version}), *lines]) + "\n")
    with pytest.raises(DataError, match=f"of version {version}, expected 1 or 2"):
        read_finished(tmp_path / "old")
    detector = detcam.load(tiny_ssd())
    data = read_data_set(written(tmp_path / "shots", 1, detector))
    with pytest.raises(OutputError, match=f"of version {version}, expected 1 or 2"):
        audit(detector, data, tmp_path / "old", **OPTIONS)
