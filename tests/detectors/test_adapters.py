"""Detectors of one's own: docs/your-detector.md does what it says, and detcam.adapt() holds to what it promises."""

import re
from contextlib import redirect_stdout
from functools import cache
from io import StringIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from support.places import ROOT
from torch import Tensor, nn

import detcam
from detcam.attribution.gradients.tape import PIXELS, Tape
from detcam.attribution.target import TARGETS
from detcam.detectors.base import Detector
from detcam.errors import DetectorError, InputError, LayerError
from detcam.imaging.boxes import EDGES
from detcam.imaging.image import Image

PAGE = ROOT / "docs" / "your-detector.md"
BLOCK = re.compile(r"```python\n(.*?)```(?:\n\n```text\n(.*?)```)?", re.S)


@cache
def ran() -> tuple[dict[str, Any], list[tuple[str, str]]]:
    """The names that the page's blocks define, and what each printed beside what the page says it prints."""
    names: dict[str, Any] = {}
    printed = []
    for code, expected in BLOCK.findall(PAGE.read_text(encoding="utf-8")):
        out = StringIO()
        with redirect_stdout(out):
            exec(compile(code, str(PAGE), "exec"), names)
        printed.append((out.getvalue(), expected))
    return names, printed


def test_the_page_prints_what_it_says() -> None:
    printed = ran()[1]
    assert sum(bool(expected) for _, expected in printed) == 3
    for found, expected in printed:
        assert found == expected


def image() -> Image:
    return Image(ran()[0]["photograph"], "signs")


def adapted(**options: Any) -> Detector:
    names = ran()[0]
    torch.manual_seed(0)
    model = names["SignDetector"]()
    settings: dict[str, Any] = {"class_names": ["red sign", "blue sign"], "canvas": 96, "layers": ["trunk.0", "trunk"]}
    return detcam.adapt(model, options.pop("predict", names["predict"]), **settings | options)


def test_each_sign_is_found_where_it_is_on_a_letterbox_too() -> None:
    for fit in ("stretch", "letterbox"):
        found = detcam.explain(adapted(fit=fit, nms_iou=0.3), image(), min_score=0.4)
        signs = [(20, 20, 60, 60), (100, 60, 140, 100)]
        for label, (x1, y1, x2, y2) in enumerate(signs):
            best = next(one for one in found if one.label == label)
            centre = (best.box[:2] + best.box[2:]) / 2
            assert np.abs(centre - [(x1 + x2) / 2, (y1 + y2) / 2]).max() < 10
            assert best.numbers["inside"] + best.numbers["others"] > 0.95


def test_the_letterbox_keeps_the_shape_and_pads_with_grey() -> None:
    canvas = adapted(canvas=(64, 96)).canvas(Image(np.full((90, 60, 3), 255, np.uint8), "tall"))
    geometry = canvas.geometries[0]
    assert canvas.pixels.shape == (1, 3, 64, 96)
    assert (geometry.scale, geometry.offset) == ((43 / 60, 64 / 90), (26.0, 0.0))
    white = canvas.pixels[0, 0] > 0.99
    assert white[:, 26:69].all()
    assert torch.unique(canvas.pixels[~white.expand(1, 3, 64, 96)]).tolist() == pytest.approx([114 / 255])


def test_gradients_of_class_and_edges_are_those_of_finite_differences() -> None:
    detector = adapted(fit="stretch")
    detector.model.double()
    pixels = detector.canvas(image()).pixels
    row, label = int(detector.detect(image(), 0.5).rows[0]), 0
    step = torch.zeros_like(pixels)
    step[0, :, 30:34, 20:24] = torch.rand(3, 4, 4, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
    for name in ("logit", "margin", *EDGES):
        target = TARGETS[name]
        if target.settle is not None:
            with torch.no_grad():
                target = target.settle(detector.forward(pixels), [(row, label)], detector.rivals)
        with Tape(detector, pixels, [PIXELS]) as tape:
            gradient = next(tape.gradients(PIXELS, [(row, label)], target))
        assert gradient is not None
        with torch.no_grad():
            up, down = (float(target.read(detector.forward(pixels + way * 1e-4 * step), row, label)) for way in (1, -1))
        assert float((gradient * step).sum()) == pytest.approx((up - down) / 2e-4, rel=1e-5, abs=1e-9)
        assert gradient.any()


def test_the_selection_is_the_same_step_by_step() -> None:
    for options in ({}, {"max_boxes": 3}, {"score_activation": "softmax", "background": 0, "class_names": ["blue"]}):
        detector = adapted(fit="stretch", **options)
        canvas = detector.canvas(image())
        with torch.no_grad():
            prediction = detector.forward(canvas.pixels)
        found = detector.select(prediction, canvas, 0.02)[0]
        kept = detector.selection(prediction, canvas, 0.02).kept()
        assert len(found) >= 3
        assert (found.rows.tolist(), found.labels.tolist()) == (kept.rows.tolist(), kept.labels.tolist())


def test_softmax_has_a_background_column_that_is_never_detected() -> None:
    detector = adapted(fit="stretch", score_activation="softmax", background=0, class_names=["blue"])
    assert (detector.class_names, detector.rivals) == ({1: "blue"}, {0: "background", 1: "blue"})
    found = detcam.explain(detector, image(), target="margin", min_score=0.6)
    assert {one.class_name for one in found} == {"blue"}
    assert found.maps[0].target_of(0) == "margin over background"


def test_a_place_without_a_box_is_explained() -> None:
    detector = adapted(fit="stretch", nms_iou=0.3)
    verdict = detcam.explain(detector, image(), at=(30, 40), min_score=0.9)[0].verdict
    assert verdict is not None
    assert "below the threshold of 0.9" in verdict.sentence


def test_a_sweep_and_the_list_of_layers() -> None:
    from detcam.cli.commands.listings import layer_rows

    detector = adapted(fit="stretch")
    assert list(detcam.explain(detector, image(), sweep=True, min_score=0.5)[0].sweep) == ["trunk.0", "trunk"]
    assert {row["name"]: row["explains"] for row in layer_rows(detector)} == {"trunk.0": (-1,), "trunk": (-1,)}


def test_the_model_is_left_as_it_was_found() -> None:
    detector = adapted(fit="stretch")
    detector.model.train()
    detector.model.trunk[0].weight.requires_grad_(False)
    detcam.explain(detector, image(), method=["hirescam", "gradient"])
    assert detector.model.training
    assert not detector.model.trunk[0].weight.requires_grad
    assert detector.model.classes.weight.requires_grad
    assert all(weight.grad is None for weight in detector.model.parameters())
    assert not any(module._forward_hooks for module in detector.model.modules())


@pytest.mark.parametrize(("options", "error", "words"), [
    ({"fit": "crop"}, InputError, "fit 'crop': expected one of letterbox, stretch"),
    ({"score_activation": "tanh"}, InputError, "score_activation 'tanh': expected one of sigmoid, softmax"),
    ({"score_activation": "softmax"}, InputError, "expected the index of the background's column"),
    ({"background": 0}, InputError, "expected the index of the background's column"),
    ({"layers": ["trunk.7"]}, LayerError, "SignDetector has no layer 'trunk.7': did you mean trunk"),
    ({"layers": []}, LayerError, "layers: expected names of modules with maps"),
    ({"class_names": []}, InputError, "class_names: expected at least one"),
])
def test_wrong_options_are_clear_errors(options: dict[str, Any], error: type[Exception], words: str) -> None:
    with pytest.raises(error) as raised:
        adapted(**options)
    assert words in str(raised.value)


def shapeless(model: nn.Module, pixels: Tensor) -> Tensor:
    return pixels


def one_class_short(model: nn.Module, pixels: Tensor) -> tuple[Tensor, Tensor]:
    boxes, logits = ran()[0]["predict"](model, pixels)
    return boxes, logits[..., :1]


@pytest.mark.parametrize(("predict", "words"), [
    (shapeless, "expected predict to return boxes [1, A, 4] and logits [1, A, 2], got Tensor"),
    (one_class_short, "and logits [1, A, 2], got [1, 144, 4] and [1, 144, 1]"),
])
def test_a_prediction_of_another_shape_is_a_clear_error(predict: Any, words: str) -> None:
    with pytest.raises(DetectorError) as raised:
        adapted(predict=predict).detect(image())
    assert words in str(raised.value)


def test_a_prediction_off_the_graph_is_named_on_the_box() -> None:
    def detached(model: nn.Module, pixels: Tensor) -> tuple[Tensor, Tensor]:
        boxes, logits = ran()[0]["predict"](model, pixels)
        return boxes.detach(), logits.detach()

    found = detcam.explain(adapted(predict=detached, fit="stretch"), image(), min_score=0.5)
    assert {one.heatmap.status for one in found} == {"unreachable"}


def test_a_file_that_builds_one_is_a_model(tmp_path: Path) -> None:
    code = [block for block, _ in BLOCK.findall(PAGE.read_text(encoding="utf-8"))]
    file = tmp_path / "mine.py"
    file.write_text("\n".join(["import detcam", *code[1:3], code[4].split("image =")[0]]))
    assert len(detcam.load(f"{file}:build").detect(image())) == 2
    with pytest.raises(InputError, match="weights does not go with"):
        detcam.load(f"{file}:build", weights="some.pth")
