"""Runs over what people really have: thin and odd photographs, hundreds of boxes, hundreds of suppressed rows."""

import os
from pathlib import Path

import numpy as np
import pytest
from PIL import Image as PilImage
from tiny import photograph, tiny_ssd

import detcam
from detcam import cli
from detcam.diagnosis.shares import REGIONS
from detcam.store import load_explanations
from detcam.views.figure import MOST_ROWS, figures, first_figure

TINY = f"{Path(__file__).parent / 'tiny.py'}:tiny_ssd"


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


def test_hundreds_of_boxes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    model = tiny_ssd()
    model.detections_per_img, model.nms_thresh = 500, 0.95
    found = detcam.explain(detcam.load(model), photograph(), max_boxes=None, min_score=0.05)
    assert len(found) == found.found == 500
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
    assert cli.main(["explain", "a.png", "--model", TINY, "--max-boxes", "0", "--min-score", "0.97"]) == 0
    read = load_explanations("explanations")[0]
    assert len(read) == read.found > 30


def test_one_box_with_hundreds_of_suppressed_rows() -> None:
    model = tiny_ssd()
    model.nms_thresh = 0.0
    found = detcam.explain(detcam.load(model), photograph(), classes=[1], min_score=0.0, max_boxes=1)
    assert len(found) == 1
    assert found.edges is not None
    assert np.isfinite(found.edges.sibling_spread).all()
