"""detcam compare, on tiny detectors and a handful of photographs."""

import json
import re
from pathlib import Path
from shutil import copytree
from typing import Any

import numpy as np
import pandas as pd
import pytest
from PIL import Image as PilImage
from support.audit_tables import CLASS, assert_nothing
from support.tiny import photograph, tiny_ssd, tiny_yolo

from detcam.audits.audit import settings_of
from detcam.audits.finished import read_finished
from detcam.cli import main as cli
from detcam.datasets.formats import read_data_set
from detcam.detectors.for_torchvision.ssd import SSDDetector
from detcam.detectors.for_ultralytics.yolo import YOLODetector
from detcam.errors import InputError
from detcam.imaging.image import load_image


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Four photographs; what the first tiny detector finds there, a little off, is the truth."""
    folder = tmp_path_factory.mktemp("data")
    (folder / "images").mkdir()
    detector = SSDDetector(tiny_ssd(0))
    random = np.random.default_rng(0)
    images, annotations = [], []
    for number in range(4):
        file = folder / "images" / f"{number}.png"
        PilImage.fromarray(photograph(number)).save(file)
        images.append({"id": number, "file_name": file.name, "width": 128, "height": 96})
        boxes = detector.detect(load_image(file)).boxes[:4] + random.normal(0, 2, (4, 4))
        annotations += [{"id": 10 * number + k + 1, "image_id": number, "category_id": 1, "iscrowd": 0,
                         "bbox": [x1, y1, max(x2 - x1, 4), max(y2 - y1, 4)], "area": 100}
                        for k, (x1, y1, x2, y2) in enumerate(boxes.tolist())]
    categories = [{"id": 1, "name": CLASS}, {"id": 2, "name": "class 2"}]
    (folder / "instances.json").write_text(json.dumps({"images": images, "annotations": annotations,
                                                       "categories": categories}))
    (folder / "models.py").write_text("from support.tiny import tiny_ssd\n\ndef one():\n    return tiny_ssd(0)\n\n"
                                      "def two():\n    return tiny_ssd(3)\n")
    return folder


@pytest.fixture
def words(data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What every command here ends with."""
    monkeypatch.chdir(tmp_path)
    return ["--images", str(data / "images"), "--annotations", str(data / "instances.json"), "--class", CLASS,
            "--min-score", "0.5"]


def compare(*arguments: str) -> int:
    """The command; where it has something to audit, without the edges' passes unless they are asked for."""
    plain = "--images" in arguments and "--edges" not in arguments
    return cli.main(["compare", *arguments, *(["--no-edges"] if plain else [])])


def test_two_tiny_detectors(data: Path, words: list[str], capsys: pytest.CaptureFixture[str],
                            monkeypatch: pytest.MonkeyPatch) -> None:
    models = [f"{data / 'models.py'}:{name}" for name in ("one", "two")]
    assert compare(*models, *words, "--out", "both") == 0
    said = capsys.readouterr()
    assert "B - A" in said.out
    assert said.out.rstrip().endswith("comparison.json and comparison.png are in both")
    summary = json.loads(Path("both/comparison.json").read_text())
    for letter in ("a", "b"):
        audit = json.loads(Path(f"both/{letter}/summary.json").read_text())
        assert summary["recall"][letter]["value"] == audit["objects_found"] / audit["objects"]
        assert summary["objects"] == audit["objects"] == 16
        counts = {each["name"]: each[f"count_{letter}"] for each in summary["errors"] if each["short_name"]}
        assert counts == {name: audit["types"][name]["count"] for name in counts}
    assert summary["found"]["both"] >= 2
    assert summary["a"]["weights"] != summary["b"]["weights"]
    with PilImage.open("both/comparison.png") as page:
        assert page.width > 1000

    def no_audit(*_: Any) -> None:
        raise AssertionError("an audit that was done is run again")

    with monkeypatch.context() as patched:
        patched.setattr("detcam.cli.commands.compare.watched_audit", no_audit)
        assert compare(*models, *words, "--out", "both") == 0
        assert "done before" in capsys.readouterr().err
        assert compare("both/a", "both/b", "--out", "again") == 0  # as finished audits
    again = json.loads(Path("again/comparison.json").read_text())
    own = ("a", "b")
    assert {name: value for name, value in again.items() if name not in own} == {
        name: value for name, value in summary.items() if name not in own}
    assert compare("both/a", models[1], *words[:4], "--out", "mixed") == 0  # one of each, classes as there
    assert json.loads(Path("mixed/comparison.json").read_text())["recall"] == summary["recall"]
    capsys.readouterr()
    assert compare(*models[::-1], *words, "--out", "both") == 2  # A's folder is of the other weights
    assert "both/a: holds an audit with another weights" in capsys.readouterr().err


def test_one_tiny_detector_twice(data: Path, words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    model = f"{data / 'models.py'}:one"
    assert compare(model, model, *words, "--edges", "--out", "twice") == 0
    assert_nothing(json.loads(Path("twice/comparison.json").read_text()))
    assert "No change stands out" in capsys.readouterr().out


def complaint(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    assert compare(*arguments) == 2
    said = capsys.readouterr()
    (line,) = said.err.splitlines()[-1:]
    assert line.startswith("detcam: error: ")
    return line


def test_unlike_audits_are_refused(data: Path, words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    model = f"{data / 'models.py'}:one"
    for out, more in (("one", []), ("class", ["--class", "class 2"]), ("score", ["--min-score", "0.4"])):
        given = words[:4] + (words[4:6] if out != "class" else []) + (words[6:] if out != "score" else [])
        assert cli.main(["audit", given[1], "--annotations", given[3], *given[4:], "--model", model, *more,
                         "--no-heatmaps", "--no-edges", "--out", out]) == 0
    capsys.readouterr()
    assert "cannot be compared, their classes differ" in complaint(capsys, "one", "class")
    assert "cannot be compared, their minimum score differ (0.5 and 0.4)" in complaint(capsys, "one", "score")
    heading, *lines = Path("one/journal.jsonl").read_text().splitlines(keepends=True)
    copytree("one", "other")
    Path("other/journal.jsonl").write_text(heading.replace('"annotations": "', '"annotations": "0') + "".join(lines))
    assert "their annotations or photographs differ" in complaint(capsys, "one", "other")
    Path("one/journal.jsonl").write_text(heading + lines[0])
    assert "one: is not finished, 1 of 4 photographs are done" in complaint(capsys, "one", "class")
    Path("one/journal.jsonl").write_text("nonsense\n")
    assert "not the journal of an audit" in complaint(capsys, "one", "class")
    Path("one/journal.jsonl").write_text(re.sub('_version": [0-9]+', '_version": 99', heading) + "".join(lines))
    assert "of version 99, expected " in complaint(capsys, "one", "class")


def test_usage_errors(data: Path, words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    model = f"{data / 'models.py'}:one"
    assert cli.main(["audit", words[1], "--annotations", words[3], "--model", model, "--no-heatmaps",
                     "--no-edges", *words[4:], "--out", "done"]) == 0
    capsys.readouterr()
    cases = {
        (model, model): "is a model: it needs --images and --annotations",
        ("done", "done", *words): "both are finished audits",
        ("done", model, *words[:4], "--weights-a", "x"): "the options ending in -a do not go with it",
        (model, "nomodel", *words): "nomodel",
        (model, model, *words[:4], "--class", "clas 1"): "no class 'clas 1'",
        (model, model, *words[:6], "--min-score", "2"): "expected a number from 0 to 1",
        ("done", model, *words[:4], "--min-score", "0.4"): "their minimum score differ",
        (model, model, *words, "--out", words[3]): "output cannot be written there",
    }
    for arguments, expected in cases.items():
        assert expected in complaint(capsys, *arguments), arguments
    assert not Path("compare/a").exists()


def test_a_photograph_that_fails_is_left_out(data: Path, words: list[str], tmp_path: Path,
                                             capsys: pytest.CaptureFixture[str]) -> None:
    bad = tmp_path / "bad"
    bad.mkdir()
    for file in (data / "images").iterdir():
        (bad / file.name).write_bytes(file.read_bytes() if file.name != "2.png" else b"no picture")
    model = f"{data / 'models.py'}:one"
    assert compare(model, model, "--images", str(bad), *words[2:], "--out", "out") == 1
    assert json.loads(Path("out/comparison.json").read_text())["photographs"] == 3
    assert "1 photographs failed" in capsys.readouterr().out.replace("\n", " ")
    for file in bad.iterdir():
        file.write_bytes(b"no picture")
    assert "no photograph is done in both" in complaint(
        capsys, model, model, "--images", str(bad), *words[2:], "--out", "none")


def test_an_interrupted_comparison_goes_on(data: Path, words: list[str], capsys: pytest.CaptureFixture[str],
                                           monkeypatch: pytest.MonkeyPatch) -> None:
    from detcam.audits import audit as walk

    models = [f"{data / 'models.py'}:{name}" for name in ("one", "two")]
    left = iter(range(6))  # all of A and two photographs of B
    diagnose = walk.diagnose_together

    def until(*arguments: Any, **more: Any) -> Any:
        if next(left, None) is None:
            raise KeyboardInterrupt
        return diagnose(*arguments, **more)

    with monkeypatch.context() as patched:
        patched.setattr(walk, "diagnose_together", until)
        assert compare(*models, *words, "--out", "cut") == 130
    assert not Path("cut/comparison.json").exists()
    capsys.readouterr()
    assert compare(*models, *words, "--out", "cut") == 0
    said = capsys.readouterr().err
    assert "2 of 4 photographs were done before" in said
    assert "done before" in said.splitlines()[0]
    assert compare(*models, *words, "--out", "whole") == 0
    whole, cut = (json.loads(Path(f"{out}/comparison.json").read_text()) for out in ("whole", "cut"))
    assert {**whole, "a": 0, "b": 0} == {**cut, "a": 0, "b": 0}


def test_one_set_of_weights_run_in_two_ways_is_two_detectors(data: Path) -> None:
    truth, model = read_data_set(data / "instances.json"), tiny_yolo()
    small, large = (settings_of(YOLODetector(model, {"imgsz": size}, "yolov8n"), truth, [CLASS], {})
                    for size in (96, 128))
    assert small["weights"] == large["weights"]
    assert small["canvas"] != large["canvas"]
    one, other = (settings_of(SSDDetector(tiny_ssd(), class_names={1: "a", 2: each}), truth, [CLASS], {})
                  for each in ("b", "c"))
    assert one["class_names"] != other["class_names"]


def test_a_stale_table_is_refused(data: Path, words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["audit", words[1], "--annotations", words[3], "--model", f"{data / 'models.py'}:one",
                     "--no-heatmaps", "--no-edges", *words[4:], "--out", "done"]) == 0
    table = pd.read_parquet("done/audit.parquet")
    table.iloc[:-1].to_parquet("done/audit.parquet")
    with pytest.raises(InputError, match="does not fit its journal"):
        read_finished(Path("done"))
