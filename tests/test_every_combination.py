"""Every method on every family: the heat lies where the detector can see; what cannot be combined says why."""

from inspect import signature

import numpy as np
import pytest
from gated import Gated, gated
from tiny import FAMILIES, tiny_detector

from detcam.attribution.attribute import attribute
from detcam.attribution.heatmap import OK
from detcam.attribution.methods import METHODS, Method, get_method
from detcam.attribution.methods.table import MASKED, PIXEL
from detcam.attribution.target import TARGETS

QUICK = {"samples": 4}
MASKS = 60  # of D-RISE
FIELD = 40  # canvas pixels: what a layer of stride 8 sees around a cell at most, in these slim networks


@pytest.fixture(scope="module", params=FAMILIES)
def planted(request: pytest.FixtureRequest) -> Gated:
    detector = tiny_detector(request.param)
    layer = detector.edge_layer if detector.edge_layer != "auto" else detector.depth_layers[0].name
    return gated(detector, layer)


def quick(name: str) -> Method:
    """A method with few samples, if it takes any."""
    takes = signature(get_method(name).function).parameters
    if METHODS[name].kind == MASKED and "samples" in takes:
        return get_method(name, samples=MASKS, grid=6)
    return get_method(name, **{key: value for key, value in QUICK.items() if key in takes})


@pytest.mark.parametrize("name", METHODS)
def test_heat_lies_where_the_detector_sees(planted: Gated, name: str) -> None:
    method = quick(name)
    heatmap, = attribute(planted.detector, planted.canvas, planted.box, method, planted.layer, TARGETS["logit"])
    assert heatmap.status == OK
    if method.kind == MASKED:
        inside = heatmap.values[planted.patch[1] : planted.patch[3], planted.patch[0] : planted.patch[2]]
        spread = heatmap.values.std()
        assert inside.mean() > heatmap.values.mean() + 0.2 * spread
    else:
        assert planted.share(heatmap, 0 if method.kind == PIXEL else FIELD) > 0.99
        assert np.abs(heatmap.values).max() > 0
