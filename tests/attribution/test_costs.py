"""What the table says a method costs is what it takes: forward and backward passes, counted."""

from inspect import signature

import pytest
from support.tiny import photograph, tiny_yolo

from detcam.attribution.attribute import attribute
from detcam.attribution.methods.registry import get_method
from detcam.attribution.methods.table import METHODS
from detcam.attribution.target import TARGETS
from detcam.detectors.for_ultralytics.yolo import YOLODetector
from detcam.errors import MethodError
from detcam.evaluation.pass_counter import count_passes
from detcam.imaging.image import Image

LAYER, CHANNELS = "model.6", 64
FEW = {"samples": 6, "steps": 6}  # of what a method takes by default


@pytest.fixture(scope="module")
def detector() -> YOLODetector:
    return YOLODetector(tiny_yolo(), {"imgsz": 128}, "tiny")


def passes_of(detector: YOLODetector, name: str, boxes: int) -> tuple[int, int]:
    """Forwards and backwards for so many boxes with few samples, over what the defaults would take of those."""
    takes = signature(get_method(name).function).parameters
    few = {key: value for key, value in {**FEW, "tolerance": 1e9}.items() if key in takes}
    image = Image(photograph(1), "rectangles")
    found, canvas = detector.detect(image)[:boxes], detector.canvas(image)
    with count_passes(detector) as passes:
        attribute(detector, canvas, found, get_method(name, **few), LAYER, TARGETS["logit"])
    return passes.forwards, passes.backwards


def expected(name: str, count: int | str) -> float:
    """The table's count, with few samples."""
    takes = signature(get_method(name).function).parameters
    if isinstance(count, str):
        return CHANNELS
    scale = next((value / takes[key].default for key, value in FEW.items() if key in takes), 1)
    return count if count <= 1 else count * scale


@pytest.mark.parametrize("name", METHODS)
def test_the_table_tells_the_passes(detector: YOLODetector, name: str) -> None:
    cost = METHODS[name].cost
    if name == "occlusion":
        pytest.skip("hangs on the photograph's shape: tests/test_occlusion.py counts it")
    try:
        (one, back_one), (three, back_three) = (passes_of(detector, name, boxes) for boxes in (1, 3))
    except MethodError:
        pytest.skip("cannot be combined with a detector: tests/test_every_combination.py says why")
    a_box = (three - one) / 2
    assert a_box == pytest.approx(expected(name, cost.box_forwards), abs=0.01)
    assert round(one - a_box - expected(name, cost.forwards)) in (0, 1, 2)  # one that found the boxes, or paths' ends
    heads = max(1, expected(name, cost.box_forwards))  # parts of them, shared in a forward pass
    assert (back_three - back_one) / 2 <= expected(name, cost.box_backwards) + heads
