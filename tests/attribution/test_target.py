"""Targets: the margin over the runner-up, which is chosen once, on the clean photograph, and has a name."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from support.gradients import IMAGE, in_float64, middle_layer
from support.tiny import FAMILIES, photograph, tiny_ssd, tiny_yolo

import detcam
from detcam.attribution.attribute import attribute
from detcam.attribution.gradients.tape import Tape
from detcam.attribution.methods.registry import get_method
from detcam.attribution.target import TARGETS, Target, get_target, settled
from detcam.attribution.task import keys_of
from detcam.detectors.base import Detector
from detcam.detectors.for_torchvision.ssd import SSDDetector
from detcam.detectors.for_ultralytics.yolo import YOLODetector
from detcam.errors import InputError


@pytest.fixture(scope="module", params=FAMILIES)
def detector(request: pytest.FixtureRequest) -> Detector:
    return in_float64(request.param)


def class_logit(column: int) -> Target:
    return Target(f"logit {column}", lambda prediction, row, _: prediction.logit(row, column), local=True)


def test_the_runner_up_is_the_largest_other_logit(detector: Detector) -> None:
    canvas = detector.canvas(IMAGE)
    with torch.no_grad():
        prediction = detector.forward(canvas.pixels)
    columns = int(prediction.scores.shape[-1])
    keys = [(row, label) for row in range(0, prediction.boxes.shape[1], 37) for label in detector.class_names]
    margin = settled(TARGETS["margin"], detector, canvas, keys)
    chosen = set()
    for row, label in keys:
        logits = [float(prediction.logit(row, column)) for column in range(columns)]
        others = [value for column, value in enumerate(logits) if column != label]
        assert float(margin.read(prediction, row, label)) == pytest.approx(logits[label] - max(others), abs=1e-12)
        rival = logits.index(max(others))
        word = "background" if isinstance(detector, SSDDetector) and not rival else detector.class_names[rival]
        assert margin.name_of(row, label) == f"margin over {word}"
        chosen.add(word)
    assert len(chosen) > 1


def test_its_gradient_is_the_difference_of_two_logits_gradients(detector: Detector) -> None:
    """At a level, where passes are shared, and below; the two logits are read one by one."""
    canvas = detector.canvas(IMAGE)
    with torch.no_grad():
        found = detector.select(detector.forward(canvas.pixels), canvas, 0.25)[0][:6]
    keys = keys_of(found)
    margin = settled(TARGETS["margin"], detector, canvas, keys)
    words = {word: column for column, word in detector.rivals.items()}
    assert len(keys) == 6
    for layer in (f"level.{found.levels[0]}", middle_layer(detector)):
        with Tape(detector, canvas.pixels, [layer]) as tape:
            together = list(tape.gradients(layer, keys, margin))
            assert any(gradient is not None for gradient in together)
            for key, gradient in zip(keys, together, strict=True):
                rival = words[margin.name_of(*key).removeprefix("margin over ")]
                own, other = (next(tape.gradients(layer, [key], class_logit(column))) for column in (key[1], rival))
                if gradient is None:
                    assert own is None
                    continue
                assert own is not None
                assert other is not None
                torch.testing.assert_close(gradient, own - other, rtol=1e-9, atol=1e-12)


def test_of_a_softmax_of_two_the_margin_is_the_log_odds() -> None:
    detector = detcam.load("detcam-person-ssd")
    photo = detcam.load_image(photograph())
    canvas = detector.canvas(photo)
    with torch.no_grad():
        prediction = detector.forward(canvas.pixels)
    keys = [(row, 1) for row in (0, 1000, 5000, 8000)]
    margin = settled(TARGETS["margin"], detector, canvas, keys)
    for row, label in keys:
        assert margin.name_of(row, label) == "margin over background"
        torch.testing.assert_close(margin.read(prediction, row, label).sigmoid(), prediction.probability(row, label))


def test_the_runner_up_stays_when_a_copy_would_have_another() -> None:
    """The clean photograph decides, also for SmoothGrad's noisy copies."""
    detector = SSDDetector(tiny_ssd())
    canvas = detector.canvas(IMAGE)
    found = detector.detect(IMAGE, 0.25)[:8]
    margin = settled(TARGETS["margin"], detector, canvas, keys_of(found))
    generator = torch.Generator().manual_seed(0)
    noisy = replace(canvas, pixels=canvas.pixels + 0.5 * torch.randn(canvas.pixels.shape, generator=generator))
    other = settled(TARGETS["margin"], detector, noisy, keys_of(found))
    jumped = [key for key in keys_of(found) if margin.names[key] != other.names[key]]
    assert jumped
    words = {word: column for column, word in detector.rivals.items()}
    copy = detector.forward(noisy.pixels)
    for row, label in jumped:
        rival = words[margin.name_of(row, label).removeprefix("margin over ")]
        expected = copy.logit(row, label) - copy.logit(row, rival)
        torch.testing.assert_close(margin.read(copy, row, label), expected)
    smooth = get_method("smoothgrad", samples=2, noise=0.5)
    fixed, again = (attribute(detector, canvas, found, smooth, "auto", target, seed=3)
                    for target in (margin, TARGETS["margin"]))
    assert len(fixed) == 8
    for a, b in zip(fixed, again, strict=True):
        np.testing.assert_array_equal(a.values, b.values)


def test_read_before_it_is_settled_it_is_an_error(detector: Detector) -> None:
    with pytest.raises(InputError, match="chosen on the clean photograph"):
        TARGETS["margin"].read(detector.forward(detector.canvas(IMAGE).pixels), 0, 1)


def one_class_yolo() -> Detector:
    detector = YOLODetector(tiny_yolo(), {"imgsz": 128}, "one.pt")
    detector.class_names = {0: "person"}
    return detector


def test_one_class_without_background_has_no_runner_up() -> None:
    with pytest.raises(InputError, match=r"one\.pt scores a single class and no background.*use 'logit'"):
        get_target("margin", one_class_yolo())
    with pytest.raises(InputError, match="no runner-up"):
        detcam.explain(one_class_yolo(), IMAGE, target="margin", min_score=0.999999)  # also where nothing is found


def test_a_sigmoids_background_column_is_no_rival() -> None:
    softmax, sigmoid = (SSDDetector(tiny_ssd(), score_activation=word) for word in ("softmax", "sigmoid"))
    assert softmax.rivals == {0: "background", 1: "class 1", 2: "class 2"}
    assert sigmoid.rivals == {1: "class 1", 2: "class 2"}


def test_every_box_names_its_runner_up() -> None:
    found = detcam.explain(SSDDetector(tiny_ssd()), IMAGE, target="margin", method=["hirescam", "gradient"])
    names = [one.numbers["target"] for one in found]
    assert set(names) > {"margin over background"}
    assert all(name.startswith("margin over ") for name in names)
    assert found.maps[1].target == "margin"
    assert [found[2:5].maps[1].target_of(i) for i in range(3)] == names[2:5]
    assert found.to_frame()["target"].tolist() == names
    assert not detcam.explain(SSDDetector(tiny_ssd()), IMAGE).maps[0].targets
