"""Why this box and not that one: the difference of two detections' targets."""

import numpy as np
import pytest
import torch
from support.gradients import IMAGE, in_float64, middle_layer
from support.tiny import FAMILIES, tiny_ssd

import detcam
from detcam.attribution.attribute import attribute
from detcam.attribution.gradients.tape import PIXELS, Tape
from detcam.attribution.methods.registry import get_method
from detcam.attribution.target import TARGETS, difference, settled
from detcam.attribution.task import keys_of
from detcam.detectors.base import Detector
from detcam.detectors.detections import Detections
from detcam.detectors.for_torchvision.ssd import SSDDetector
from detcam.errors import InputError


@pytest.fixture(scope="module", params=FAMILIES)
def detector(request: pytest.FixtureRequest) -> Detector:
    return in_float64(request.param)


def boxes_of(detector: Detector) -> Detections:
    canvas = detector.canvas(IMAGE)
    with torch.no_grad():
        return detector.select(detector.forward(canvas.pixels), canvas, 0.25)[0]


@pytest.mark.parametrize("name", ["logit", "margin", "height"])
def test_its_maps_are_the_difference_of_two_maps(detector: Detector, name: str) -> None:
    """HiResCAM is linear in the gradient: both maps are made without the difference, and subtracted here."""
    canvas, method, layer = detector.canvas(IMAGE), get_method("hirescam"), middle_layer(detector)
    found = boxes_of(detector)[:4]
    keys = keys_of(found)
    plain = settled(TARGETS[name], detector, canvas, keys)
    own = [each.values for each in attribute(detector, canvas, found, method, layer, plain)]
    against = attribute(detector, canvas, found, method, layer, difference(plain, keys[2], "box 3"))
    assert len(against) == 4
    for index, heatmap in enumerate(against):
        expected = own[index] if index == 2 else own[index] - own[2]
        np.testing.assert_allclose(heatmap.values, expected, rtol=1e-4, atol=1e-5 * np.abs(expected).max())


def test_its_gradient_is_the_finite_difference(detector: Detector) -> None:
    found, pixels = boxes_of(detector)[:2], detector.canvas(IMAGE).pixels
    keys = keys_of(found)
    target = settled(difference(TARGETS["logit"], keys[1], "box 2"), detector, detector.canvas(IMAGE), keys)
    with Tape(detector, pixels, [PIXELS]) as tape:
        gradient = next(tape.gradients(PIXELS, keys, target))
    direction = torch.randn(pixels.shape, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    with torch.no_grad():
        ahead, behind = (target.read(detector.forward(pixels + step * direction), *keys[0])
                         for step in (1e-8, -1e-8))
    assert gradient is not None
    assert float(ahead - behind) / 2e-8 == pytest.approx(float((gradient * direction).sum()), rel=1e-4, abs=1e-5)


def test_explain_says_against_which_box() -> None:
    detector = SSDDetector(tiny_ssd())
    explanation = detcam.explain(detector, IMAGE, max_boxes=3, versus=2, edges=False, layer="auto")
    assert explanation.maps[0].target == "logit difference"
    assert explanation.maps[0].targets == ("logit, not box 2", "logit", "logit, not box 2")
    plain = detcam.explain(detector, IMAGE, max_boxes=3, edges=False, layer="auto")
    np.testing.assert_array_equal(explanation[1].heatmap.values, plain[1].heatmap.values)
    assert not np.allclose(explanation[0].heatmap.values, plain[0].heatmap.values)


def test_there_must_be_such_a_box() -> None:
    with pytest.raises(InputError, match="versus: there is no box 9; the numbers are 1, 2, 3"):
        detcam.explain(SSDDetector(tiny_ssd()), IMAGE, max_boxes=3, versus=9)


def test_what_has_something_to_choose_chooses_when_it_is_settled(detector: Detector) -> None:
    canvas, keys = detector.canvas(IMAGE), keys_of(boxes_of(detector)[:3])
    with torch.no_grad():
        prediction = detector.forward(canvas.pixels)
    late = settled(difference(TARGETS["margin"], keys[0], "box 1"), detector, canvas, keys[1:])
    margins = settled(TARGETS["margin"], detector, canvas, keys)
    assert len(keys) == 3
    for key in keys[1:]:
        expected = margins.read(prediction, *key) - margins.read(prediction, *keys[0])
        torch.testing.assert_close(late.read(prediction, *key), expected)
        assert late.name_of(*key) == f"{margins.name_of(*key)}, not box 1"
    with pytest.raises(InputError, match="chosen on the clean photograph"):
        difference(TARGETS["margin"], keys[0], "box 1").read(prediction, *keys[1])
