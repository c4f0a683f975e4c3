"""Memory stays within a stated bound, however many boxes there are: work is done in pieces."""

import json
import subprocess
import sys

import pytest
from support.places import TESTS

BOUND = 800  # MiB above a plain forward pass: 64 boxes at 640 x 640 px; their maps at the pixels are 105 MB of it
SCRIPT = """
import json, resource, sys
import numpy as np
from support.tiny import photograph, tiny_yolo
from detcam.attribution.attribute import attribute
from detcam.attribution.methods.registry import get_method
from detcam.attribution.target import TARGETS
from detcam.detectors.for_ultralytics.yolo import YOLODetector
from detcam.imaging.image import Image

detector = YOLODetector(tiny_yolo(imgsz=640), {"imgsz": 640}, "tiny")
image = Image(photograph(1, 640, 640), "rectangles")
canvas = detector.canvas(image)
found = detector.detect(image, 0.01)[:64]
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
name, settings, layer = json.loads(sys.argv[1])
maps = attribute(detector, canvas, found, get_method(name, **settings), layer, TARGETS["logit"])
after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
print(json.dumps([len(maps), list(canvas.pixels.shape), (after - before) / 1024]))
"""


@pytest.mark.parametrize(("name", "settings", "layer"), [
    ("hirescam", {}, "depth"),
    ("gradient", {}, "auto"),
    ("smoothgrad", {"samples": 5}, "auto"),
    ("scorecam", {}, "level.1"),
    ("drise", {"samples": 64}, "auto"),
])
def test_64_boxes_at_640_pixels(name: str, settings: dict[str, int], layer: str) -> None:
    done = subprocess.run([sys.executable, "-c", SCRIPT, json.dumps([name, settings, layer])], cwd=TESTS,
                          capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-2000:]
    boxes, shape, grown = json.loads(done.stdout.splitlines()[-1])
    assert (boxes, shape) == (64, [1, 3, 640, 640])
    assert grown < BOUND, f"{grown:.0f} MiB"
    print(f"{name}: {grown:.0f} MiB")
