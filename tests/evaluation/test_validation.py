"""Validating numbers on a small COCO set whose boxes are off by known amounts."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image as PilImage
from scipy import stats
from support.places import ROOT, TINY_FILE
from support.tiny import CLASSES, photograph, tiny_ssd, tiny_yolo

from detcam.attribution.methods.registry import get_method
from detcam.cli.main import run_script
from detcam.datasets.formats import read_data_set
from detcam.datasets.ground_truth import DataSet
from detcam.detectors.base import Detector
from detcam.detectors.for_torchvision.ssd import SSDDetector
from detcam.detectors.for_ultralytics.yolo import YOLODetector
from detcam.diagnosis.classes import check_classes
from detcam.errors import ClassNameError, DataError
from detcam.evaluation.matched_boxes import MeasuredBoxes, concatenate, measure_photograph
from detcam.evaluation.measurement import measure_data_set
from detcam.evaluation.validation import (
    correlation_table,
    correlations,
    correlations_by_size,
    held_out_percentiles,
    reference_of,
    worst_edge_rates,
)
from detcam.imaging.boxes import iou
from detcam.imaging.image import load_image
from detcam.measures.reference import SIMILAR, load_reference

SCRIPT = ROOT / "scripts" / "validate_numbers.py"
PHOTOGRAPHS = 4
SCORE = 0.4  # keeps the tests quick: fewer detections pass
BOXES = 5  # at most, on each of them
SHIFT = np.array([2.0, 0.0, -1.0, 3.0])  # source pixels from each detected edge to the true one


@pytest.fixture(scope="module")
def ssd() -> Detector:
    return SSDDetector(tiny_ssd(), dict(enumerate(CLASSES, 1)))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory, ssd: Detector) -> Path:
    """A COCO set: true boxes are large detections of the tiny SSD, far from each other, moved by ``SHIFT``."""
    path = tmp_path_factory.mktemp("coco")
    (path / "images").mkdir()
    images, annotations = [], []
    for index in range(PHOTOGRAPHS):
        file = path / "images" / f"{index}.png"
        PilImage.fromarray(photograph(index)).save(file)
        images.append({"id": index, "file_name": file.name, "width": 128, "height": 96})
        for box in _apart(ssd, file):
            x1, y1, x2, y2 = (box + SHIFT).tolist()
            annotations.append({"id": len(annotations) + 1, "image_id": index, "category_id": 1, "iscrowd": 0,
                                "bbox": [x1, y1, x2 - x1, y2 - y1], "area": (x2 - x1) * (y2 - y1)})
    categories = [{"id": 1, "name": "box"}, {"id": 2, "name": "cat"}]
    content = {"images": images, "annotations": annotations, "categories": categories}
    (path / "instances.json").write_text(json.dumps(content))
    return path


def _apart(detector: Detector, file: Path) -> np.ndarray:
    found = detector.detect(load_image(file), SCORE)
    boxes = found.boxes[found.labels == 1]
    kept: list[np.ndarray] = []
    for box in boxes[(boxes[:, 2:] - boxes[:, :2]).min(1) > 15]:
        if len(kept) < BOXES and all(iou(box[None], other[None])[0, 0] < 0.2 for other in kept):
            kept.append(box)
    return np.array(kept)


@pytest.fixture(scope="module")
def data(folder: Path) -> DataSet:
    return read_data_set(folder / "instances.json")


@pytest.fixture(scope="module")
def boxes(ssd: Detector, data: DataSet) -> MeasuredBoxes:
    layers = ["auto", "pixels", "backbone.stem"]
    found = measure_data_set(ssd, data.photographs, ["box"], SCORE, get_method("hirescam"), layers)
    assert found.failures == {}
    assert len(found.boxes) >= 8
    return found.boxes


def test_errors_are_the_known_ones(boxes: MeasuredBoxes, data: DataSet) -> None:
    exact = 0
    for index in range(len(boxes)):
        true = data.photographs[boxes.photograph[index]].boxes
        lengths = np.tile(true[:, 2:] - true[:, :2], 2)
        wanted = np.array([SHIFT[0], SHIFT[1], -SHIFT[2], -SHIFT[3]]) / lengths  # outside the true box is positive
        exact += bool((np.abs(wanted - boxes.outward[index]).max(1) < 1e-6).any())
    assert exact >= 0.7 * len(boxes)  # the others found a true box before its own detection did
    assert (boxes.overlap >= 0.5).all()
    assert (boxes.errors == np.abs(boxes.outward)).all()


def test_numbers_are_complete(boxes: MeasuredBoxes) -> None:
    names = {"evidence @ auto", "evidence @ pixels", "evidence @ backbone.stem", "sibling spread",
             "heat gap, absolute", "heat gap"}
    assert set(boxes.edge_numbers) == names
    for name, values in boxes.edge_numbers.items():
        assert values.shape == (len(boxes), 4)
        if name.startswith("evidence"):
            assert (values > 0).all()
    parts = [boxes.box_numbers[f"share {name}"] for name in ("inside", "others", "ring", "elsewhere", "padding")]
    np.testing.assert_allclose(sum(parts), 1)


def test_numbers_are_those_of_the_explanation(ssd: Detector, data: DataSet, boxes: MeasuredBoxes) -> None:
    from detcam.explanations.explain import explain

    told = explain(ssd, data.photographs[0].file, classes=["box"], max_boxes=None, min_score=SCORE,
                   edge_layer="backbone.stem", layer="auto")
    own = boxes.photograph == 0
    assert own.any()
    for score, evidence, inside in zip(
            boxes.scores[own], boxes.edge_numbers["evidence @ backbone.stem"][own],
            boxes.box_numbers["share inside"][own], strict=True):
        index = int(np.abs(told.detections.scores - score).argmin())
        np.testing.assert_allclose(told.edges.evidence[index], evidence, rtol=1e-4)
        assert told.maps[0].shares[index].inside == pytest.approx(inside, rel=1e-4)


def test_rows(boxes: MeasuredBoxes) -> None:
    rows = correlations(boxes, "auto", resamples=100)
    by_key = {(row["number"], row["edge"], row["against"]): row for row in rows}
    assert len(by_key) == len(rows)
    left = by_key["evidence @ auto", "left", "edge error"]
    evidence = boxes.edge_numbers["evidence @ auto"]
    assert left["rho"] == pytest.approx(stats.spearmanr(evidence[:, 0], boxes.errors[:, 0]).statistic)
    box = by_key["evidence @ auto", "box", "edge error"]
    assert box["rho"] == pytest.approx(stats.spearmanr(evidence.mean(1), boxes.errors.mean(1)).statistic)
    assert box["n"] == len(boxes)
    score = by_key["1 - score", "box", "1 - IoU"]
    assert score["rho"] == pytest.approx(stats.spearmanr(boxes.scores, boxes.overlap).statistic)
    assert np.isnan(by_key["smallness of the box", "box", "1 - IoU"]["rho_size_adjusted"])
    assert {"random", "share inside", "percentile of evidence @ auto"} <= {row["number"] for row in rows}


def test_thirds_by_size_hold_every_box_once(boxes: MeasuredBoxes) -> None:
    rows = [row for row in correlations_by_size(boxes, resamples=100) if row["number"] == "evidence @ auto"]
    assert sum(row["n"] for row in rows) == len(boxes)
    assert max(row["n"] for row in rows) - min(row["n"] for row in rows) <= 2
    small = boxes.sizes < rows[0]["to_px"]
    assert small.sum() == rows[0]["n"]


def test_worst_edge_of_a_number_that_is_the_error_itself(boxes: MeasuredBoxes) -> None:
    numbers = {"evidence @ known": boxes.errors, "evidence @ opposite": -boxes.errors}
    knowing = MeasuredBoxes(boxes.photograph, boxes.canvas_boxes, boxes.scores, boxes.overlap, boxes.outward,
                            numbers, boxes.box_numbers)
    known, opposite = worst_edge_rates(knowing, resamples=100)
    assert (known["rate"], known["low"], known["high"]) == (1, 1, 1)
    assert opposite["rate"] == 0
    assert known["n"] == (boxes.errors.max(1) > 0.1).sum()


def test_percentiles_never_see_their_own_photograph(boxes: MeasuredBoxes) -> None:
    found = held_out_percentiles(boxes, "auto")
    evidence = boxes.edge_numbers["evidence @ auto"]
    assert len(boxes) > 5
    for index in range(len(boxes)):
        others = np.flatnonzero(boxes.sound & (boxes.photograph != boxes.photograph[index]))
        far = np.abs(np.log(boxes.sizes[others] / boxes.sizes[index]))
        near = others[np.argsort(far, kind="stable")][: max(1, round(len(others) * SIMILAR))]
        wanted = 100 * (evidence[near] < evidence[index]).mean(0) if len(near) else [np.nan] * 4
        np.testing.assert_allclose(found[index], wanted)


def test_reference_holds_the_sound_boxes(ssd: Detector, boxes: MeasuredBoxes) -> None:
    reference = reference_of(boxes, ssd, CLASSES, "auto", "boxes of 4 photographs")
    assert len(reference.sizes) == (boxes.errors.max(1) <= 0.1).sum() > 0
    assert reference.fingerprint == ssd.fingerprint
    assert reference.classes == CLASSES


def test_yolo_has_the_spread_of_its_distribution(data: DataSet) -> None:
    detector = YOLODetector(tiny_yolo(), {"imgsz": 128})
    known = detector.class_names[1]
    assert known == "box"
    found = concatenate([measure_photograph(detector, each, ["box"], 0.2, get_method("hirescam"), ["model.4"], k)
                         for k, each in enumerate(data.photographs)])
    assert found.edge_numbers["distribution spread"].shape == (len(found), 4)


def test_classes_are_checked(ssd: Detector, data: DataSet) -> None:
    with pytest.raises(ClassNameError, match="cat"):
        check_classes(ssd, data, ["cat"])
    with pytest.raises(DataError, match="ball"):
        check_classes(ssd, data, ["ball"])


def test_summary_has_a_line_a_number(boxes: MeasuredBoxes) -> None:
    heading, *lines = correlation_table(correlations(boxes, None, 100), worst_edge_rates(boxes, None, 100))
    assert len(lines) > 5
    assert all(len(line) == len(heading) for line in lines)
    assert len({line[:2] for line in lines}) == len(lines)
    assert next(line for line in lines if line[0] == "random")[2:6] == ("", "", "", "")


@pytest.fixture
def run(folder: Path, tmp_path: Path) -> Callable[..., int]:
    names = tmp_path / "names.txt"
    names.write_text("\n".join(CLASSES))

    def call(*arguments: Any, **changes: Any) -> int:
        options = {"images": folder / "images", "annotations": folder / "instances.json",
                   "model": f"{TINY_FILE}:tiny_ssd", "class-names": names, "class": "box",
                   "min-score": SCORE, "resamples": 100} | changes
        words = [word for key, value in options.items() for word in (f"--{key}", value)]
        return run_script(SCRIPT, [str(word) for word in [*words, *arguments]])

    return call


def test_script_writes_rows_table_and_reference(run: Callable[..., int], tmp_path: Path) -> None:
    files = [tmp_path / name for name in ("rows.json", "table.md", "reference.json")]
    assert run("--json", files[0], "--markdown", files[1], "--reference-out", files[2], "--edge-layer", "auto",
               "--edge-layer", "pixels", "--source", "boxes of 4 photographs") == 0
    content = json.loads(files[0].read_text())
    assert {"number", "edge", "rho", "rho_size_adjusted", "low", "high", "n"} <= set(content["rows"][0])
    assert content["edge_layers"] == ["auto", "pixels"]
    assert content["worst_edge"][0]["number"] == "evidence @ auto"
    assert files[1].read_text().startswith("| number | against | left | top |")
    assert load_reference(files[2]).source == "boxes of 4 photographs"


def test_script_goes_on_past_a_bad_photograph(run: Callable[..., int], folder: Path, tmp_path: Path,
                                              capsys: pytest.CaptureFixture[str]) -> None:
    copies = tmp_path / "images"
    copies.mkdir()
    for file in (folder / "images").iterdir():
        (copies / file.name).write_bytes(file.read_bytes())
    (copies / "1.png").write_bytes(b"damaged")
    path = tmp_path / "rows.json"
    assert run("--json", path, images=copies) == 1
    assert "1.png: " in capsys.readouterr().err
    content = json.loads(path.read_text())
    assert list(content["failures"]) == ["1.png"]
    assert content["photographs"] == PHOTOGRAPHS


@pytest.mark.parametrize(("changes", "words"), [
    ({"annotations": "none.json"}, "no such annotation file"),
    ({"images": "nowhere"}, "no such folder"),
    ({"class": "cat"}, "no class 'cat'"),
    ({"edge-layer": "backbone.stam"}, "did you mean backbone.stem"),
    ({"method": "hirescan"}, "did you mean"),
    ({"json": "nowhere/rows.json"}, "its folder does not exist"),
    ({"min-score": 0.99999}, "matches a true box"),
    ({"min-score": 7}, "--min-score"),
])
def test_script_says_what_is_wrong_in_one_line(run: Callable[..., int], capsys: pytest.CaptureFixture[str],
                                               changes: dict[str, Any], words: str) -> None:
    assert run(**changes) == 2
    assert words in capsys.readouterr().err


@pytest.mark.assets
def test_evidence_knows_of_the_error_on_real_photographs(assets: Path) -> None:
    import detcam

    detector = detcam.load(assets / "weights" / "yolov8n-rebuilt.pt")
    persons = [each for each in read_data_set(assets / "persons_eval" / "instances.json").photographs
               if len(each.of_class("person"))]
    found = measure_data_set(detector, persons[:12], ["person"], 0.25, get_method("hirescam"), [detector.edge_layer])
    rows = correlations(found.boxes)
    assert next(row for row in rows if row["edge"] == "box" and row["against"] == "edge error")["rho"] > 0.3
