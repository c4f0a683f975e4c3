"""A plain callable as a detector: explained by masks, and by nothing that would have to look inside."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from support.tiny import photograph, tiny_ssd

import detcam
from detcam.attribution.method import ANSWERS
from detcam.attribution.methods.registry import get_method
from detcam.attribution.methods.table import METHODS
from detcam.errors import DetectorError, InputError, MethodError, MismatchError
from detcam.imaging.image import Image

HEIGHT, WIDTH = 48, 64
PATCH = (36, 12, 60, 36)  # xyxy
NAMES = ["patch"]
FEW = get_method("drise", samples=200, grid=6)


def finds_red(rgb: NDArray[np.uint8]) -> tuple[Any, Any, Any]:
    """One box on the patch, as sure as the patch is red; nothing where it is dark."""
    x1, y1, x2, y2 = PATCH
    red = float(rgb[y1:y2, x1:x2, 0].mean()) / 255
    if red < 0.1:
        return np.zeros((0, 4)), np.zeros(0, int), np.zeros(0)
    return [PATCH], [0], [red]


def red_patch() -> Image:
    rgb = np.zeros((HEIGHT, WIDTH, 3), np.uint8)
    rgb[..., 1:] = 90
    x1, y1, x2, y2 = PATCH
    rgb[y1:y2, x1:x2, 0] = 255
    return Image(rgb, "red patch")


def test_drise_lies_on_the_patch_that_the_callable_looks_at() -> None:
    detector = detcam.load(finds_red, class_names=NAMES)
    found = detcam.explain(detector, red_patch(), method=FEW)
    assert (len(found), found[0].class_name, found[0].score) == (1, "patch", 1.0)
    assert found[0].box.tolist() == list(PATCH)
    x1, y1, x2, y2 = PATCH
    values = found[0].heatmap.values
    outside = np.ones(values.shape, bool)
    outside[y1 - 4 : y2 + 4, x1 - 4 : x2 + 4] = False
    assert values.shape == (HEIGHT, WIDTH)
    assert values[y1:y2, x1:x2].mean() > 1.1 * values[outside].mean()
    assert values[y1:y2, x1:x2].max() == values.max()
    assert found.edges is None


def test_its_detections_are_those_of_the_model_inside() -> None:
    """An SSD behind a function, as NumPy arrays and as tensors."""
    model, image = tiny_ssd(), Image(photograph(1), "rectangles")

    def asked(rgb: NDArray[np.uint8]) -> tuple[Any, Any, Any]:
        with torch.no_grad():
            found = model([torch.from_numpy(rgb).permute(2, 0, 1) / 255])[0]
        return found["boxes"], found["labels"], found["scores"]

    def in_numpy(rgb: NDArray[np.uint8]) -> tuple[Any, ...]:
        return tuple(each.numpy() for each in asked(rgb))

    expected = detcam.load(tiny_ssd()).detect(image)
    for function in (asked, in_numpy):
        found = detcam.load(function, class_names={1: "box", 2: "ball"}).detect(image)
        assert len(found) == len(expected) >= 20
        assert np.abs(found.boxes - expected.boxes[np.argsort(-expected.scores)]).max() < 0.01
        assert sorted(found.labels) == sorted(expected.labels)
        assert set(found.levels) == {-1}


def test_answers_of_different_lengths_share_a_batch() -> None:
    detector, image = detcam.load(finds_red, class_names=NAMES), red_patch()
    pixels = detector.canvas(image).pixels
    prediction = detector.forward(torch.cat([pixels, pixels * 0]))
    assert prediction.boxes.shape == (2, 1, 4)
    assert prediction.scores.flatten().tolist() == [1.0, 0.0]


@pytest.mark.parametrize("method", [name for name, entry in METHODS.items() if entry.kind not in ANSWERS])
def test_methods_that_look_inside_are_refused(method: str) -> None:
    detector = detcam.load(finds_red, class_names=NAMES)
    with pytest.raises(MethodError) as raised:
        detcam.explain(detector, red_patch(), method=method)
    assert str(raised.value).startswith(f"method '{method}' needs gradients; finds_red is a plain callable")
    assert "drise" in str(raised.value)
    assert "\n" not in str(raised.value)


def test_drise_is_chosen_where_no_method_is_named() -> None:
    assert detcam.explain(detcam.load(finds_red, class_names=NAMES), red_patch()).maps[0].method == "drise"


def test_the_model_questions_that_need_weights_have_answers() -> None:
    detector = detcam.load(finds_red, class_names=NAMES)
    assert (str(detector.device), detector.dtype, detector.fingerprint) == ("cpu", torch.float32, "unknown")
    assert (detector.layer_names(), detector.has_edges) == ([], False)
    assert detector.targets == ("logit", "probability", "similarity")


@pytest.mark.parametrize(("answer", "words"), [
    (None, "expected (boxes [N, 4], labels [N], scores [N]), got NoneType"),
    (([[1, 2, 3]], [0], [0.5]), "got [1, 3], [1] and [1]"),
    (([[1, 2, 3, 4]], [0, 0], [0.5]), "got [1, 4], [2] and [1]"),
    (([[1, 2, 3, 4]], [7], [0.5]), "answered with label 7, which is not in class_names: add it"),
    (([[1, 2, 3, 4]], [0], [55.0]), "expected scores from 0 to 1, got 55 to 55"),
    (([[1, 2, 3, 4]], [0], [float("nan")]), "expected scores from 0 to 1"),
])
def test_a_wrong_answer_is_a_clear_error(answer: Any, words: str) -> None:
    detector = detcam.load(lambda rgb: answer, class_names=NAMES)
    with pytest.raises(DetectorError) as raised:
        detcam.explain(detector, red_patch(), method=FEW)
    assert words in str(raised.value)


def test_what_goes_with_a_callable() -> None:
    with pytest.raises(InputError, match="finds_red: a plain callable needs class_names"):
        detcam.load(finds_red)
    with pytest.raises(InputError, match="weights does not go with finds_red, which is loaded as a plain callable"):
        detcam.load(finds_red, class_names=NAMES, weights="some.pth")
    detector = detcam.load(finds_red, class_names=NAMES)
    with pytest.raises(InputError, match="target 'margin': finds_red has none; it has logit, probability, similarity"):
        detcam.explain(detector, red_patch(), target="margin", method=FEW)
    with pytest.raises(InputError, match="the boxes of finds_red have no edges to explain"):
        detcam.explain(detector, red_patch(), edge_maps=True, method=FEW)
    with pytest.raises(DetectorError, match="selection of blackbox models is not known step by step"):
        detcam.explain(detector, red_patch(), at=(40, 20), method=FEW)


def test_a_callable_that_changes_its_mind_is_found_out() -> None:
    calls = iter(range(1000))

    def moody(rgb: NDArray[np.uint8]) -> tuple[Any, Any, Any]:
        return [PATCH], [0], [0.5 + 0.001 * next(calls)]

    with pytest.raises(MismatchError, match="does not give the same answer twice"):
        detcam.load(moody, class_names=NAMES).detect(red_patch())


FILE = f'''
import numpy as np
PATCH = {PATCH}
def build():
    def finds_red(rgb):
        x1, y1, x2, y2 = PATCH
        return [PATCH], [0], [float(rgb[y1:y2, x1:x2, 0].mean()) / 255]
    return finds_red
'''


def test_on_the_command_line_drise_is_the_default_and_edges_are_left_out(
        tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    from PIL import Image as PilImage

    from detcam.cli.main import main

    monkeypatch.chdir(tmp_path)
    Path("box.py").write_text(FILE)
    Path("names.txt").write_text("patch\n")
    PilImage.fromarray(red_patch().rgb).save("red.png")
    model = ["--model", "box.py:build", "--class-names", "names.txt"]
    assert main(["explain", "red.png", *model, "--samples", "20", "--out", "out"]) == 0
    record = json.loads(Path("out/explanations.json").read_text())["images"][0]
    assert [each["method"] for each in record["methods"]] == ["drise"]
    assert "evidence" not in record["edge_measures"]
    assert (tmp_path / "out" / "red.png").is_file()
    assert detcam.load_explanations("out")[0].edges is None
    capsys.readouterr()
    assert main(["explain", "red.png", *model, "--method", "hirescam", "--out", "other"]) == 2
    assert "needs gradients; box.py:build is a plain callable" in capsys.readouterr().err
