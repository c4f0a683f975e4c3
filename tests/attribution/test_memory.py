"""Memory stays within a stated bound, however many boxes there are: work is done in pieces."""

import json
import os
import subprocess
import sys
from typing import Any

import pytest
from support.places import TESTS

BOUND = 800  # MiB above a plain forward pass: 64 boxes at 640 x 640 px; their maps at the pixels are 105 MB of it
CASES: dict[str, tuple[dict[str, int], str]] = {
    "hirescam": ({}, "depth"),
    "gradient": ({}, "auto"),
    "smoothgrad": ({"samples": 5}, "auto"),
    "scorecam": ({}, "level.1"),
    "drise": ({"samples": 64}, "auto"),
}
SCRIPT = """
import json, os, resource, sys, traceback
import torch
from support.tiny import photograph, tiny_yolo
from detcam.attribution.attribute import attribute
from detcam.attribution.methods.registry import get_method
from detcam.attribution.target import TARGETS
from detcam.detectors.for_ultralytics.yolo import YOLODetector
from detcam.imaging.image import Image

torch.set_num_threads(1)  # a fork keeps no other thread
detector = YOLODetector(tiny_yolo(imgsz=640), {"imgsz": 640}, "tiny")
image = Image(photograph(1, 640, 640), "rectangles")
canvas = detector.canvas(image)
found = detector.detect(image, 0.01)[:64]


before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def measured(name, settings, layer):
    maps = attribute(detector, canvas, found, get_method(name, **settings), layer, TARGETS["logit"])
    after = max(before, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
    print(json.dumps([name, [len(maps), list(canvas.pixels.shape), (after - before) / 1024]]), flush=True)


for name, (settings, layer) in json.loads(sys.argv[1]).items():
    child = os.fork()  # its peak begins at what the parent holds now, not at what another method needed
    if child == 0:
        status = 1
        try:
            measured(name, settings, layer)
            status = 0
        except BaseException:
            traceback.print_exc()
        finally:
            os._exit(status)
    assert os.waitpid(child, 0)[1] == 0, name
"""


@pytest.fixture(scope="module")
def measured() -> dict[str, Any]:
    """Of each method the number of maps, the canvas's shape, and by how many MiB the peak grew."""
    done = subprocess.run([sys.executable, "-c", SCRIPT, json.dumps(CASES)], cwd=TESTS, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-2000:]
    return dict(json.loads(line) for line in done.stdout.splitlines() if line.startswith("["))


@pytest.mark.skipif(not hasattr(os, "fork"), reason="a peak of each method's own needs a fork")
@pytest.mark.parametrize("name", CASES)
def test_64_boxes_at_640_pixels(name: str, measured: dict[str, Any]) -> None:
    boxes, shape, grown = measured[name]
    assert (boxes, shape) == (64, [1, 3, 640, 640])
    assert grown < BOUND, f"{grown:.0f} MiB"
    print(f"{name}: {grown:.0f} MiB")
