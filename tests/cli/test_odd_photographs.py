"""Runs over what people really have: thin and odd photographs, hundreds of boxes, hundreds of suppressed rows."""

import os
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image as PilImage
from support.places import TINY
from support.tiny import photograph, tiny_ssd

import detcam
from detcam.cli import main as cli
from detcam.detectors.detections import Detections
from detcam.detectors.prediction import Prediction
from detcam.measures.edge_evidence import sibling_spread
from detcam.measures.shares import REGIONS
from detcam.store.read import load_explanations
from detcam.views.explanation.figure import MOST_ROWS, figures, first_figure


def test_thin_photographs_and_names_that_are_no_text(tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
                                                     capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.chdir(tmp_path)
    Path("shots").mkdir()
    sizes = {"one": (1, 1), "row": (1, 400), "column": (400, 1), "tall": (3000, 20), "wide": (20, 3000)}
    for name, size in sizes.items():
        rgb = np.random.default_rng(0).integers(0, 256, (*size, 3), dtype=np.uint8)
        PilImage.fromarray(rgb).save(f"shots/{name}.png")
    with open(b"shots/caf\xe9 \xff.png", "wb") as file:
        PilImage.fromarray(photograph()).save(file, "PNG")
    assert cli.main(["explain", "shots", "--model", TINY, "--max-boxes", "1"]) == 0
    found = {os.fsencode(each.image.name): each for each in load_explanations("explanations")}
    assert len(found) == 6
    assert len(found[b"shots/caf\xe9 \xff.png"]) == 1
    for name, (height, width) in sizes.items():
        boxes = found[f"shots/{name}.png".encode()].detections.boxes
        assert ((boxes >= 0) & (boxes <= [width, height, width, height])).all()
    assert len(list(Path("explanations").glob("*.png"))) == 6


def test_hundreds_of_boxes() -> None:
    model = tiny_ssd()
    model.detections_per_img, model.nms_thresh = 500, 0.95
    found = detcam.explain(detcam.load(model), photograph(), max_boxes=None, min_score=0.05)
    assert len(found) == found.detection_count == 500
    assert all(sum(getattr(each, region) for region in REGIONS) == pytest.approx(1) for each in found.maps[0].shares)
    drawn = first_figure(found, dpi=30)
    written = [text.get_text() for axes in drawn.axes for text in axes.texts]
    assert f"page 1 of 10, the first {MOST_ROWS} of 500 boxes" in written
    assert {"1", "30"} <= set(written)
    assert "31" not in written
    assert len(figures(found[:8], rows_per_page=4, dpi=30)) == 2
    assert found[MOST_ROWS:][0].number == MOST_ROWS + 1


def test_all_boxes_where_none_are_left_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    PilImage.fromarray(photograph()).save("a.png")
    assert cli.main(["explain", "a.png", "--model", TINY, "--max-boxes", "0", "--min-score", "0.9"]) == 0
    read = load_explanations("explanations")[0]
    assert len(read) == read.detection_count > 30


def test_one_box_with_500_suppressed_rows() -> None:
    boxes = np.array([100, 100, 200, 300.0]) + np.random.default_rng(0).normal(0, 3, (501, 4))
    scores = torch.full((1, 501, 1), 0.5)
    prediction = Prediction(torch.from_numpy(boxes)[None], scores, (), torch.sigmoid, lambda raw, rows: raw)
    zeros = np.zeros(1, np.int64)
    one = Detections(boxes[:1], zeros, np.array([0.5]), zeros, zeros, np.zeros((1, 2), np.int64))
    found = sibling_spread(prediction, one)
    width, height = boxes[0, 2] - boxes[0, 0], boxes[0, 3] - boxes[0, 1]
    np.testing.assert_allclose(found[0], boxes.std(0) / [width, height, width, height])
