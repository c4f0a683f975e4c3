"""One box under many methods: the sheet, what it says, and what is left out."""

from pathlib import Path

import numpy as np
import pytest
from matplotlib.image import imread
from support.places import TINY
from support.tiny import photograph, tiny_ssd, tiny_yolo

import detcam
from detcam.cli.main import main
from detcam.detectors.base import Detector
from detcam.detectors.for_torchvision.ssd import SSDDetector
from detcam.detectors.for_ultralytics.yolo import YOLODetector
from detcam.errors import InputError
from detcam.explanations.compare_methods import compare_methods
from detcam.imaging.image import Image
from detcam.views.explanation.method_sheet import methods_figure

IMAGE = Image(photograph(1), "rectangles.png")


@pytest.fixture(scope="module", params=["ssd", "yolov8n"])
def detector(request: pytest.FixtureRequest) -> Detector:
    return SSDDetector(tiny_ssd()) if request.param == "ssd" else YOLODetector(tiny_yolo(), {"imgsz": 128}, "tiny")


def methods_of(*names: str) -> list[detcam.Method]:
    from detcam.attribution.methods.registry import get_method

    return [get_method(name, samples=2) if name in ("smoothgrad", "drise") else get_method(name) for name in names]


def test_its_maps_are_those_of_explain(detector: Detector) -> None:
    methods = methods_of("hirescam", "gradient", "smoothgrad")
    found = compare_methods(detector, IMAGE, 3, methods, seed=4)
    whole = detcam.explain(detector, IMAGE, method=methods, seed=4, edges=False)[2]
    assert found.explanation.numbered == (3,)
    assert len(found.seconds) == 3
    for maps in found.explanation.maps:
        expected = whole.heatmaps[maps.method].values
        np.testing.assert_allclose(maps.heatmaps[0].values, expected, rtol=1e-3, atol=1e-5 * np.abs(expected).max())


def test_a_method_that_cannot_says_why_and_the_others_go_on(detector: Detector) -> None:
    found = compare_methods(detector, IMAGE, 1, methods_of("hirescam", "drise"), target="top")
    assert [maps.method for maps in found.explanation.maps] == ["hirescam"]
    assert list(found.refused) == ["drise"]
    assert "explains that a box is found, not 'top'" in found.refused["drise"]
    words = " ".join(text.get_text() for axes in methods_figure(found).axes for text in axes.texts)
    assert "the same box under 1 method" in words
    assert "Not drawn: drise" in words


def test_no_method_at_all(detector: Detector) -> None:
    with pytest.raises(InputError, match="no method explains box 1: method 'drise' explains that a box is found"):
        compare_methods(detector, IMAGE, 1, methods_of("drise"), target="top")


def test_there_must_be_such_a_box(detector: Detector) -> None:
    with pytest.raises(InputError, match="there is no box 5000; its boxes are 1 to"):
        compare_methods(detector, IMAGE, 5000, methods_of("hirescam"))
    with pytest.raises(InputError, match="there is no box 1; nothing has a score above 1"):
        compare_methods(detector, IMAGE, 1, methods_of("hirescam"), min_score=1)


def test_the_sheet_says_what_is_wrong_with_a_method(detector: Detector) -> None:
    figure = methods_figure(compare_methods(detector, IMAGE, 1, methods_of("hirescam", "layercam")))
    words = [text.get_text() for axes in figure.axes for text in axes.texts]
    assert "layercam*" in words
    assert "hirescam" in words
    assert any(line.startswith("* layercam: ") for line in words)


def test_on_the_command_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from PIL import Image as Picture

    shot, out = tmp_path / "shot.png", tmp_path / "methods.png"
    Picture.fromarray(photograph(1)).save(shot)
    arguments = ["sheet", str(shot), "--model", TINY, "--out", str(out)]
    assert main([*arguments, "--number", "2", "--samples", "3"]) == 0
    assert "box 2 under" in capsys.readouterr().out
    assert imread(out).shape[1] > 600
    assert main([*arguments, "--number", "9999"]) == 2
    assert "there is no box 9999" in capsys.readouterr().err
    assert main(["sheet", str(tmp_path / "none.png"), "--model", TINY]) == 2
