"""Every family of detectors is explained from end to end, at each kind of layer, whatever level a box comes from."""

import numpy as np
import pytest
from support.tiny import FAMILIES, QUERY_FAMILIES, TWO_STAGE, photograph, tiny_detector

import detcam
from detcam.attribution.attribute import attribute
from detcam.attribution.heatmap import OK
from detcam.attribution.methods.registry import get_method
from detcam.attribution.target import TARGETS
from detcam.detectors.base import Detector
from detcam.imaging.image import Image

IMAGE = Image(photograph(1), "rectangles")
NAMED = {"ssd": "backbone.second", "ssdlite": "backbone.features.1.3", "yolov3-tiny": "model.11",
         **dict.fromkeys(("retinanet", "fcos", *TWO_STAGE), "backbone.body.second"),
         **dict.fromkeys(("detr", "conditional_detr"), "model.backbone.model.encoder.stages.2")}  # YOLO's: model.7
DEEP = {"detr": 2, "conditional_detr": 2}  # whose only level is the trunk's last map; 3 stages or more in the others


@pytest.fixture(scope="module", params=(*FAMILIES, *QUERY_FAMILIES, *TWO_STAGE))
def detector(request: pytest.FixtureRequest) -> Detector:
    found: Detector = tiny_detector(request.param)
    return found


def test_no_box_of_any_level_gets_a_blank_map(detector: Detector) -> None:
    found, canvas = detector.detect(IMAGE, 0.02), detector.canvas(IMAGE)
    levels, first = np.unique(found.levels, return_index=True)
    assert levels.tolist() == list(range(detector.n_levels))
    boxes = found[first]
    maps = attribute(detector, canvas, boxes, get_method("hirescam"), "auto", TARGETS["logit"])
    for level, heatmap, (y, x) in zip(levels, maps, boxes.cells, strict=True):
        assert (heatmap.layer, heatmap.status) == (f"level.{level}", OK)
        assert heatmap.values[y, x] != 0  # its own cell


@pytest.mark.parametrize("kind", ["edge layer", "named", "fused"])
def test_layers_by_name(detector: Detector, kind: str) -> None:
    named = NAMED.get(detector.name, "model.7")
    layer = {"edge layer": detector.edge_layer, "named": named, "fused": ["auto", named]}[kind]
    found = detcam.explain(detector, IMAGE, layer=layer, max_boxes=2, edges=kind == "named")
    assert len(found) == 2
    for one in found:
        assert one.heatmap.status == OK or detector.name in ("ssd", "ssdlite")  # whose trunk has no way back
        x, y = one.heatmap.cell_edges()
        height, width = one.heatmap.geometry.canvas
        assert (x[0], x[-1], y[0], y[-1]) == (0, width, 0, height)
    if kind == "named":
        assert found.edges is not None
        assert (found.edges.evidence > 0).all()


def test_the_default_fuses_the_own_level_with_shallower_layers(detector: Detector) -> None:
    """From the edge layer's size on; of YOLO's levels, whose maps are the neck's, only the box's own."""
    deep = [stage.name for stage in detector.depth_layers]
    assert len(deep) >= DEEP.get(detector.name, 3)
    assert detector.family == "ssd" or not any(stage.level is not None for stage in detector.depth_layers)
    assert len(detector.detect(IMAGE)) >= 3
    for one in detcam.explain(detector, IMAGE, max_boxes=3, edges=False):
        fused = one.heatmap.layer.split("+")
        own = [stage.name for stage in detector.depth_layers if stage.level == one.level]
        assert fused == [f"level.{one.level}", *(name for name in deep if name not in own)]
        assert one.heatmap.status == OK
        assert one.heatmap.scales[f"level.{one.level}"] > 0
