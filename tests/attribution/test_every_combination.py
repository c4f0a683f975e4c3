"""Every method on every family: the heat lies where the detector can see; what cannot be combined says why."""

import numpy as np
import pytest
import torch
from support.gated import Gated, gated
from support.tiny import FAMILIES, QUERY_FAMILIES, TWO_STAGE, tiny_detector
from torchvision.models import resnet18

import detcam
from detcam.attribution.attribute import attribute
from detcam.attribution.heatmap import OK
from detcam.attribution.method import Method
from detcam.attribution.methods.registry import get_method, takes
from detcam.attribution.methods.table import MASKED, METHODS, PIXEL
from detcam.attribution.target import TARGETS
from detcam.detectors.base import Detector
from detcam.errors import MethodError

QUICK = {"samples": 4, "steps": 8, "tolerance": 1e9, "window": 0.2, "stride": 0.2}
MASKS = 100  # of D-RISE
COARSE = ("xrai", "occlusion")  # regions and squares reach out of the patch
FIELD = 28  # canvas pixels: what a layer of stride 8 sees around a cell at most, in these slim networks


def classifier() -> Detector:
    """A residual network of torchvision's with random weights."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return detcam.load(resnet18(weights=None, num_classes=5).eval(), class_names=list("abcde"))


@pytest.fixture(scope="module", params=(*FAMILIES, *QUERY_FAMILIES, *TWO_STAGE, "classifier"))
def planted(request: pytest.FixtureRequest) -> Gated:
    if request.param == "classifier":
        return gated(classifier(), "layer1")
    detector = tiny_detector(request.param)
    layer = detector.edge_layer if detector.edge_layer != "auto" else detector.depth_layers[0].name
    return gated(detector, layer)


def quick(name: str) -> Method:
    """A method with few samples, if it takes any."""
    if METHODS[name].kind == MASKED and "samples" in takes(name):
        return get_method(name, samples=MASKS, grid=5)
    return get_method(name, **{key: value for key, value in QUICK.items() if key in takes(name)})


def why_not(name: str) -> str | None:
    """What a combination that cannot work says."""
    return "exact only below a linear head on globally pooled features" if name == "cam" else None


@pytest.mark.parametrize("name", METHODS)
def test_heat_lies_where_the_detector_sees(planted: Gated, name: str) -> None:
    method, why = quick(name), why_not(name)
    if why is not None:
        with pytest.raises(MethodError, match=why) as refusal:
            attribute(planted.detector, planted.canvas, planted.box, method, planted.layer, TARGETS["logit"])
        assert "\n" not in str(refusal.value)
        return
    heatmap, = attribute(planted.detector, planted.canvas, planted.box, method, planted.layer, TARGETS["logit"])
    assert heatmap.status == OK
    heat = np.abs(heatmap.values)
    if method.kind == MASKED or name in COARSE:  # masks leave heat everywhere, untrained rows gain where they hide
        left, top, right, bottom = planted.patch
        assert heat[top:bottom, left:right].mean() > 1.05 * heat.mean()
    elif not METHODS[name].sees_box:  # it shows what stands out: outside the patch nothing does, but for a constant
        away = heatmap.values[~planted.touched(heatmap, FIELD)]
        assert away.std() < 0.1 * heatmap.values.std()
    else:
        assert planted.share(heatmap, 0 if method.kind == PIXEL else FIELD) > 0.9
