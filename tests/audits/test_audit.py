"""An audit of a data set: a row a detection and a missed object, whatever happens on the way."""

import json
import os
import signal
import subprocess
import sys
import time
import tracemalloc
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image as PilImage
from support.audited import SCORE, written
from support.places import TINY
from support.threads import one_thread
from support.tiny import photograph, tiny_ssd

import detcam
from detcam.audits.audit import audit
from detcam.audits.summary import summarise
from detcam.audits.table import read_table
from detcam.cli.main import main
from detcam.datasets.formats import read_data_set
from detcam.datasets.ground_truth import DataSet
from detcam.detectors.base import Detector
from detcam.diagnosis.diagnose import diagnose
from detcam.diagnosis.table import COLUMNS, rows_of
from detcam.errors import ClassNameError, DataError, InputError, LayerError, OutputError
from detcam.store.heatmaps import load_heatmaps

CLASSES = ["class 1"]


@pytest.fixture(scope="module")
def detector() -> Detector:
    return detcam.load(tiny_ssd())


@pytest.fixture(scope="module")
def shots(tmp_path_factory: pytest.TempPathFactory, detector: Detector) -> Path:
    return written(tmp_path_factory.mktemp("shots"), 5, detector)


@pytest.fixture(scope="module")
def data(shots: Path) -> DataSet:
    return read_data_set(shots)


@pytest.fixture(scope="module")
def whole(detector: Detector, data: DataSet, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An audit that nothing interrupted."""
    out = tmp_path_factory.mktemp("whole")
    outcome = audit(detector, data, out, classes=CLASSES, min_score=SCORE, edges=False)
    assert (outcome.done, outcome.before, outcome.failures, outcome.interrupted) == (5, 0, {}, False)
    return out


def same(a: Path, b: Path) -> None:
    pd.testing.assert_frame_equal(read_table(a), read_table(b), check_exact=True)
    assert (a / "audit.parquet").read_bytes() == (b / "audit.parquet").read_bytes()


def test_the_rows_are_those_of_every_photograph_in_order(detector: Detector, data: DataSet, whole: Path) -> None:
    table = read_table(whole)
    slow = []
    for truth in data.photographs:
        one = diagnose(detector, truth.file, truth, classes=CLASSES, min_score=SCORE, annotated=data.class_names,
                       edges=False)
        slow += rows_of(one, truth.file.name)
    assert len(table) == len(slow) > 20
    assert {"detection", "missed"} == set(table.kind)
    for row, own in zip(table.to_dict("records"), slow, strict=True):
        for name in COLUMNS:
            if name not in ("heatmap", "heatmap_key"):
                assert row[name] == own[name] or (pd.isna(row[name]) and own[name] is None), name


def test_every_row_finds_its_heatmap(detector: Detector, data: DataSet, whole: Path) -> None:
    table = read_table(whole)
    truth = data.photographs[0]
    one = diagnose(detector, truth.file, truth, classes=CLASSES, min_score=SCORE, annotated=data.class_names,
                   edges=False)
    own = table[(table.photograph == truth.file.name) & (table.kind == "detection")]
    assert len(own) > 3
    for (_, row), heatmap in zip(own.iterrows(), one.boxes.maps[0].heatmaps, strict=True):
        stored = load_heatmaps(whole / row.heatmap)[row.heatmap_key]
        np.testing.assert_array_equal(stored.values, heatmap.values)
        assert (stored.grid, stored.geometry, stored.layer) == (heatmap.grid, heatmap.geometry, heatmap.layer)
    assert table.heatmap.notna().all()


@pytest.mark.parametrize("stop", [0, 1, 3])
def test_interrupted_and_taken_up_it_is_the_same_table(detector: Detector, data: DataSet, whole: Path, tmp_path: Path,
                                                       stop: int) -> None:
    def step(_: Path, done: int) -> None:
        if done == stop:
            raise KeyboardInterrupt

    first = audit(detector, data, tmp_path, classes=CLASSES, min_score=SCORE, edges=False, step=step)
    assert first.interrupted
    assert first.done == stop
    assert len(read_table(tmp_path).photograph.unique()) == stop
    seen: list[str] = []
    second = audit(detector, data, tmp_path, classes=CLASSES, min_score=SCORE, edges=False,
                   step=lambda path, _: seen.append(path.name))
    assert (second.before, second.done) == (stop, 5)
    assert seen == [each.file.name for each in data.photographs[stop:]]
    same(tmp_path, whole)


def test_a_line_that_a_crash_left_unfinished_is_done_again(detector: Detector, data: DataSet, whole: Path,
                                                           tmp_path: Path) -> None:
    journal = (whole / "journal.jsonl").read_bytes()
    lines = journal.splitlines(keepends=True)
    for cut in (10, len(lines[0]), len(lines[0]) + 7, len(journal) - 1):
        out = tmp_path / str(cut)
        out.mkdir()
        (out / "journal.jsonl").write_bytes(journal[:cut])
        audit(detector, data, out, classes=CLASSES, min_score=SCORE, edges=False)
        same(out, whole)


def test_killed_and_started_again_it_is_the_same_table(shots: Path, tmp_path: Path) -> None:
    def arguments(out: Path) -> list[str]:
        return ["audit", str(shots.parent / "images"), "--no-edges", "--annotations", str(shots), "--model", TINY,
                "--class", "class 1", "--min-score", str(SCORE), "--out", str(out)]

    killed, plain = tmp_path / "killed", tmp_path / "plain"
    process = subprocess.Popen([sys.executable, "-m", "detcam", *arguments(killed)], stdout=subprocess.DEVNULL,
                               stderr=subprocess.PIPE, env={**os.environ, "OMP_NUM_THREADS": "1"})
    journal = killed / "journal.jsonl"
    while not (journal.exists() and journal.read_bytes().count(b"\n") >= 3):
        assert process.poll() is None or process.returncode == 0, process.stderr and process.stderr.read()
        if process.returncode == 0:
            break
        time.sleep(0.002)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    with one_thread():  # as the process that was killed
        for out in (killed, plain):
            assert main(arguments(out)) == 0
    same(killed, plain)


def test_bad_photographs_are_listed_and_gone_past(detector: Detector, tmp_path: Path,
                                                  capsys: pytest.CaptureFixture[str]) -> None:
    path = written(tmp_path / "data", 3, detector)
    (tmp_path / "data" / "images" / "shot1.png").write_bytes(b"no photograph")
    arguments = ["audit", str(path.parent / "images"), "--no-edges", "--annotations", str(path), "--model", TINY,
                 "--class", "class 1", "--min-score", str(SCORE), "--out", str(tmp_path / "out")]
    assert main(arguments) == 1
    printed = capsys.readouterr()
    assert "1 of 3 photographs failed" in printed.err
    assert "shot1.png" in printed.err
    table = read_table(tmp_path / "out")
    assert set(table.photograph) == {"shot0.png", "shot2.png"}
    PilImage.fromarray(photograph(1)).save(tmp_path / "data" / "images" / "shot1.png")  # mended
    assert main(arguments) == 0
    assert "2 of 3 photographs were done before" in capsys.readouterr().err
    assert set(read_table(tmp_path / "out").photograph) == {"shot0.png", "shot1.png", "shot2.png"}
    assert {"audit.png", "summary.json", "audit.parquet"} <= {each.name for each in (tmp_path / "out").iterdir()}
    (tmp_path / "data" / "images" / "shot2.png").unlink()  # annotations may list more than the folder has
    assert main([*arguments[:-1], str(tmp_path / "less")]) == 0
    assert len(read_table(tmp_path / "less").photograph.unique()) == 2


def test_a_folder_of_another_audit_is_refused(detector: Detector, data: DataSet, whole: Path, tmp_path: Path) -> None:
    before = (whole / "journal.jsonl").read_bytes()
    for options, words in (({"layer": "auto"}, "another layer"), ({"min_score": 0.5}, "another min_score"),
                           ({"classes": ["class 2"]}, "another classes"), ({"method": "gradcam"}, "another methods")):
        with pytest.raises(OutputError, match=words):
            audit(detector, data, whole,
                  **{"classes": CLASSES, "min_score": SCORE, "edges": False, **options})  # type: ignore[arg-type]
    with pytest.raises(OutputError, match="another weights"):
        audit(detcam.load(tiny_ssd(seed=3)), data, whole, classes=CLASSES, min_score=SCORE, edges=False)
    with pytest.raises(OutputError, match="another photographs"):
        audit(detector, DataSet(data.photographs[:3], data.class_names), whole, classes=CLASSES, min_score=SCORE,
              edges=False)
    assert (whole / "journal.jsonl").read_bytes() == before
    (tmp_path / "journal.jsonl").write_text("something else\n")
    with pytest.raises(OutputError, match="not the journal of an audit"):
        audit(detector, data, tmp_path, classes=CLASSES, min_score=SCORE, edges=False)
    assert (tmp_path / "journal.jsonl").read_text() == "something else\n"


def test_what_cannot_be_audited_is_said_before_anything_is_written(detector: Detector, data: DataSet, tmp_path: Path
                                                                   ) -> None:
    out = tmp_path / "out"
    with pytest.raises(ClassNameError, match="no class 'person'"):
        audit(detector, data, out, classes=["person"])
    with pytest.raises(DataError, match="listed twice"):
        audit(detector, DataSet(data.photographs * 2, data.class_names), out, classes=CLASSES, min_score=SCORE,
              edges=False)
    with pytest.raises(DataError, match="no photograph"):
        audit(detector, DataSet((), data.class_names), out, classes=CLASSES, min_score=SCORE, edges=False)
    with pytest.raises(LayerError, match="no layer 'conv99'"):
        audit(detector, data, out, classes=CLASSES, layer="conv99")
    with pytest.raises(InputError, match="unknown fill"):
        audit(detector, data, out, classes=CLASSES, min_score=SCORE, edges=False, intervene=True, fill="pink")
    assert not out.exists()


def test_the_memory_does_not_grow_with_the_data_set(detector: Detector, data: DataSet, tmp_path: Path,
                                                    monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("detcam.audits.table.CHUNK", 20)  # rows: fewer than the fewest photographs have

    def peak(count: int) -> int:
        folder = tmp_path / str(count)
        folder.mkdir()
        shots = []
        for number in range(count):
            path = folder / f"{number}.png"
            path.symlink_to(data.photographs[number % 5].file)
            shots.append(replace(data.photographs[number % 5], file=path))
        tracemalloc.start()
        audit(detector, DataSet(tuple(shots), data.class_names), folder / "out", classes=CLASSES, min_score=SCORE,
              edges=False)
        found = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return found

    peak(2)  # what is loaded once
    few, many = peak(4), peak(24)
    assert many < few + 300_000, (few, many)  # the rows of twenty photographs alone are a megabyte


def test_intervened_rows_say_what_was_lost(detector: Detector, data: DataSet, tmp_path: Path) -> None:
    one = DataSet(data.photographs[:1], data.class_names)
    audit(detector, one, tmp_path, classes=CLASSES, min_score=SCORE, edges=True, intervene=True)
    table = read_table(tmp_path)
    found = table[table.kind == "detection"]
    assert found.occlusion_left_or_right_loss.notna().all()
    assert found.left_evidence.notna().all()
    placed = found[found.type.isin(["correct", "localization", "duplicate"])]
    assert placed.top_pull_outward.between(0, 1).all()


def test_an_audit_without_any_row(tmp_path: Path, detector: Detector, data: DataSet) -> None:
    outcome = audit(detector, data, tmp_path, classes=["class 2"], min_score=0.9999999, edges=False)
    table = read_table(tmp_path)
    assert outcome.rows == len(table)
    assert set(table.kind) <= {"missed"}
    summary = summarise(table, 5)
    assert summary["objects_found"] == 0
    json.dumps(summary, allow_nan=False)
    assert summarise(table.iloc[:0], 5)["objects"] == 0
