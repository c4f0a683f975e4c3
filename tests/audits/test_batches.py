"""Photographs that go through the network together: the table that one by one gives, whatever happens on the way."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from PIL import Image as PilImage
from support.places import TINY
from support.tiny import photograph, tiny_detector
from torch import Tensor

import detcam
from detcam.audits.audit import audit
from detcam.audits.batches import AHEAD, ON_GPU, batch_size, batches_of
from detcam.audits.journal import Journal
from detcam.audits.table import read_table
from detcam.cli.main import main
from detcam.datasets.ground_truth import DataSet, GroundTruth
from detcam.detectors.base import Detector
from detcam.detectors.prediction import Prediction
from detcam.diagnosis.diagnose import diagnose_together
from detcam.errors import InputError
from detcam.explanations.settings import setting_of
from detcam.store.heatmaps import load_heatmaps

SIZES = [(96, 128), (128, 96), (96, 128), (96, 128), (96, 112), (128, 96), (96, 128)]  # height, width
FAMILIES = ("ssd", "yolov8n", "yolov10n:one2one", "yolov8n-seg", "retinanet", "fcos", "rtdetr", "detr")
MANY = 5 * len(SIZES)  # photographs to choose from
MOST = 8  # boxes of a photograph
SATURATED = 0.9999  # a score that too many boxes have, for random weights know no measure


def in_float64(family: str) -> Detector:
    """Where rounding is too small to change a rank; libraries detect in single precision, so that is checked before."""
    detector: Detector = tiny_detector(family)
    assert len(detector.detect(detcam.load_image(photograph()), 0.05))
    detector.model.double()
    return detector


@pytest.fixture(scope="module")
def detector() -> Detector:
    return in_float64("ssd")


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    folder = tmp_path_factory.mktemp("photographs")
    found = [folder / f"{number}.png" for number in range(MANY)]
    for number, path in enumerate(found):
        PilImage.fromarray(photograph(number, *SIZES[number % len(SIZES)])).save(path)
    return found


def asked(detector: Detector, files: list[Path]) -> tuple[DataSet, dict[str, Any]]:
    """True boxes that are some of what is detected, moved, and one that nobody draws; the classes and a score."""
    found = {path: detector.detect(detcam.load_image(path), 0.05) for path in files}
    scores = {path: float(np.sort(each.scores)[-MOST - 1 :][:2].mean()) for path, each in found.items()}
    chosen = [path for path, score in scores.items() if score < SATURATED][: len(SIZES)]
    score = max(scores[path] for path in chosen)  # between two of one of them: rounding moves none across it
    truths = []
    for path in chosen:
        sure = found[path][found[path].scores > score][:6:2]
        names = [detector.class_names[label] for label in sure.labels.tolist()]
        boxes = np.concatenate([sure.boxes + np.array([1.0, -4, 0, 3]), [[2.0, 2, 14, 20]]])
        last = detector.class_names[max(detector.class_names)]
        truths.append(GroundTruth(path, boxes, (*names, last), np.zeros(len(boxes), bool)))
    assert len(truths) >= 5
    words = tuple(dict.fromkeys(name for each in truths for name in each.class_names))
    return DataSet(tuple(truths), words), {"classes": list(words), "min_score": score}


@pytest.mark.parametrize("family", FAMILIES)
def test_a_batch_gives_the_rows_and_heatmaps_that_photographs_alone_give(family: str, files: list[Path],
                                                                         tmp_path: Path) -> None:
    detector = in_float64(family)
    data, options = asked(detector, files)
    options |= {"edges": detector.has_edges, "intervene": family == "ssd"}
    tables = []
    for batch in (1, 3):
        outcome = audit(detector, data, tmp_path / str(batch), batch=batch, **options)
        assert (outcome.done, outcome.failures) == (len(data), {})
        tables.append(read_table(outcome.table.parent))
    alone, together = tables
    assert {"detection", "missed"} == set(alone.kind)
    assert len(alone) >= 15
    pd.testing.assert_frame_equal(alone, together, check_exact=False, rtol=1e-5, atol=1e-7)
    assert alone.heatmap.notna().any()
    for row in alone.dropna(subset="heatmap").itertuples():
        first, second = (load_heatmaps(tmp_path / batch / row.heatmap)[row.heatmap_key] for batch in "13")
        assert (first.layer, first.grid, first.geometry, first.status) == (
            second.layer, second.grid, second.geometry, second.status)
        np.testing.assert_allclose(first.values, second.values, rtol=1e-4, atol=1e-6)


def test_differences_of_a_lost_row_and_its_winner_are_the_same(detector: Detector, files: list[Path]) -> None:
    data, options = asked(detector, files)
    setting = setting_of(detector, min_score=options["min_score"], edges=False)
    photos = [detcam.load_image(each.file) for each in data.photographs]
    several = diagnose_together(detector, photos, data.photographs, setting, classes=options["classes"])
    seen = 0
    for photo, truth, own in zip(photos, data.photographs, several, strict=True):
        alone = detcam.diagnose(detector, photo, truth, edges=False, **options)
        for one, other in zip(own.missed, alone.missed, strict=True):
            assert (one.difference is None) == (other.difference is None)
            if one.difference is not None and other.difference is not None:
                np.testing.assert_allclose(one.difference.values, other.difference.values, rtol=1e-5, atol=1e-8)
                seen += 1
    assert seen


def test_a_batch_takes_one_forward_pass(detector: Detector, files: list[Path], tmp_path: Path,
                                        monkeypatch: pytest.MonkeyPatch) -> None:
    data, options = asked(detector, files)
    assert detector.depth_layers  # which takes a forward pass once
    passes: list[int] = []
    forward = detector.forward

    def counted(pixels: Tensor) -> Prediction:
        passes.append(len(pixels))
        return forward(pixels)

    monkeypatch.setattr(detector, "forward", counted)
    audit(detector, data, tmp_path, batch=4, **options)
    assert sorted(passes) == [3, 4]  # an SSD stretches all photographs to one size


def test_batches_hold_every_photograph_once_those_of_a_size_together(files: list[Path], tmp_path: Path) -> None:
    broken = tmp_path / "broken.png"
    broken.write_bytes(b"not a photograph")
    some = [*files[: len(SIZES)], broken]
    many = some * (3 * AHEAD)
    yolo = tiny_detector("yolov8n")  # whose canvas has the photograph's shape
    found = list(batches_of(yolo, many, 3))
    assert sorted(place for batch in found for place in batch) == list(range(len(many)))
    assert max(map(len, found)) == 3
    for batch in found:
        assert len({SIZES[place % len(some)] for place in batch if place % len(some) < 7}) <= 1
        assert not (len(batch) > 1 and any(place % len(some) == len(SIZES) for place in batch))
    assert np.mean([len(batch) for batch in found]) > 1.5
    assert all(max(batch) - min(batch) < 3 * AHEAD for batch in found)
    assert list(batches_of(yolo, many, 1)) == [[place] for place in range(len(many))]


def test_photographs_that_fail_do_not_take_others_with_them(detector: Detector, files: list[Path], tmp_path: Path,
                                                            monkeypatch: pytest.MonkeyPatch) -> None:
    data, options = asked(detector, files[: len(SIZES)])
    whole = read_table(audit(detector, data, tmp_path / "whole", **options).table.parent)
    check = detector.check

    def refuse(image: detcam.Image, *rest: Any) -> None:
        if image.name.endswith("3.png"):
            raise RuntimeError("out of memory")
        check(image, *rest)

    monkeypatch.setattr(detector, "check", refuse)
    saved, content = files[0], files[0].read_bytes()
    try:
        saved.write_bytes(content[: len(content) // 2])  # its header can be read
        outcome = audit(detector, data, tmp_path / "batches", batch=4, **options)
    finally:
        saved.write_bytes(content)
    assert sorted(outcome.failures) == ["0.png", "3.png"]
    assert "out of memory" in outcome.failures["3.png"]
    rest = whole[~whole.photograph.isin(["0.png", "3.png"])].reset_index(drop=True)
    pd.testing.assert_frame_equal(read_table(tmp_path / "batches"), rest, rtol=1e-5, atol=1e-7)


@pytest.mark.parametrize("stop", range(1, 7))
def test_a_batch_that_was_half_noted_is_taken_up_to_the_identical_table(stop: int, files: list[Path], tmp_path: Path,
                                                                       monkeypatch: pytest.MonkeyPatch) -> None:
    """In single precision, in which other batches would round otherwise."""
    detector = tiny_detector("ssd")
    data, options = asked(detector, files)
    whole = audit(detector, data, tmp_path / "whole", batch=3, **options).table
    with monkeypatch.context() as patched:
        add = Journal.add
        noted: list[str] = []

        def stopping(self: Journal, name: str, rows: Any) -> None:
            if len(noted) == stop:
                raise KeyboardInterrupt
            noted.append(name)
            add(self, name, rows)

        patched.setattr(Journal, "add", stopping)
        first = audit(detector, data, tmp_path / "halves", batch=3, **options)
    assert (first.interrupted, first.done) == (True, stop)
    second = audit(detector, data, tmp_path / "halves", batch=3, **options)
    assert (second.before, second.done) == (stop, len(SIZES))
    assert second.table.read_bytes() == whole.read_bytes()


def test_who_takes_one_photograph_at_a_time(detector: Detector) -> None:
    assert batch_size(detector, setting_of(detector), None) == 1  # on a CPU
    assert batch_size(detector, setting_of(detector), ON_GPU) == ON_GPU
    for method in ("smoothgrad", "drise", "scorecam", ["hirescam", "gradient"]):
        assert batch_size(detector, setting_of(detector, method), ON_GPU) == 1
    proposals = tiny_detector("fasterrcnn")  # whose rows are one photograph's own
    assert batch_size(proposals, setting_of(proposals), ON_GPU) == 1
    with pytest.raises(InputError, match="batch 0: expected at least 1"):
        batch_size(detector, setting_of(detector), 0)


def test_the_command_takes_a_batch(files: list[Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    labels = tmp_path / "labels"
    labels.mkdir()
    for path in files:
        (labels / f"{path.stem}.txt").write_text("0 0.5 0.5 0.4 0.4\n")
    (tmp_path / "images").symlink_to(files[0].parent)
    data = tmp_path / "data.yaml"
    data.write_text("path: .\nval: images\nnames: [box]\n")
    command = ["audit", str(tmp_path / "images"), "--annotations", str(data), "--model", TINY, "--class-names"]
    names = tmp_path / "names.txt"
    names.write_text("box\nball\n")
    assert main([*command, str(names), "--min-score", "0.9", "--batch", "4", "--out", str(tmp_path / "out")]) == 0
    assert set(read_table(tmp_path / "out").photograph) == {path.name for path in files}
    assert main([*command, str(names), "--batch", "0"]) == 2
    assert "--batch" in capsys.readouterr().err
