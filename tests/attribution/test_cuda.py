"""On a GPU the same maps as on the processor, within 1e-3 of the largest value."""

import copy
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image as PilImage
from support.tiny import photograph, tiny_detector

from detcam.attribution.attribute import attribute
from detcam.attribution.methods.registry import get_method
from detcam.attribution.methods.table import METHODS
from detcam.attribution.target import TARGETS
from detcam.audits.audit import audit
from detcam.audits.table import read_table
from detcam.datasets.ground_truth import DataSet, GroundTruth
from detcam.detectors.base import Detector
from detcam.detectors.for_torchvision.ssd import SSDDetector
from detcam.errors import MethodError
from detcam.imaging.image import Image, load_image
from detcam.measures.edge_evidence import measure_edges

IMAGE = Image(photograph(1), "rectangles")
SAMPLED = {"samples": 4, "steps": 4, "tolerance": 10.0}  # few, and not asked to be complete
SURE = 0.9
TOLERANCE = 1e-3  # of the largest value

pytestmark = pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no GPU here")


@pytest.fixture(scope="module")
def pair() -> tuple[Detector, Detector]:
    """The same detector on the processor and on a GPU."""
    detector = tiny_detector("ssd")
    other = SSDDetector(copy.deepcopy(detector.model).cuda(), detector.class_names, "ssd on a GPU")
    return detector, other


@pytest.fixture(autouse=True)
def exact() -> None:
    torch.backends.cuda.matmul.allow_tf32 = False
    torch.backends.cudnn.allow_tf32 = False


@pytest.mark.parametrize("name", METHODS)
def test_the_same_maps(pair: tuple[Detector, Detector], name: str) -> None:
    from inspect import signature

    takes = signature(get_method(name).function).parameters
    method = get_method(name, **{key: value for key, value in SAMPLED.items() if key in takes})
    found = pair[0].detect(IMAGE)[:3]
    try:
        on_cpu, on_gpu = (attribute(each, each.canvas(IMAGE), found, method, "auto", TARGETS["logit"], seed=3)
                          for each in pair)
    except MethodError:
        pytest.skip("cannot be combined with a detector: tests/test_every_combination.py says why")
    for one, other in zip(on_cpu, on_gpu, strict=True):
        assert one.status == other.status
        np.testing.assert_allclose(other.values, one.values, atol=TOLERANCE * np.abs(one.values).max())


def test_the_same_detections_and_edges(pair: tuple[Detector, Detector]) -> None:
    on_cpu, on_gpu = (each.detect(IMAGE) for each in pair)
    np.testing.assert_array_equal(on_cpu.rows, on_gpu.rows)
    np.testing.assert_allclose(on_cpu.boxes, on_gpu.boxes, atol=1e-2)
    edges = [measure_edges(each, each.canvas(IMAGE), on_cpu[:3]).evidence for each in pair]
    np.testing.assert_allclose(edges[1], edges[0], rtol=TOLERANCE)


def test_the_same_audit_in_batches(pair: tuple[Detector, Detector], tmp_path: Path) -> None:
    truths = []
    for number in range(5):
        path = tmp_path / f"{number}.png"
        PilImage.fromarray(photograph(number)).save(path)
        found = pair[0].detect(load_image(path), SURE)[:4:2]
        names = [pair[0].class_names[label] for label in found.labels.tolist()]
        truths.append(GroundTruth(path, found.boxes + 2.0, tuple(names), np.zeros(len(found), bool)))
    classes = list(pair[0].class_names.values())
    data = DataSet(tuple(truths), tuple(classes))
    tables = [read_table(audit(each, data, tmp_path / each.device.type, classes=classes, min_score=SURE).table.parent)
              for each in pair]
    assert len(tables[0]) >= 20
    for name in ("photograph", "kind", "type", "number"):
        assert list(tables[0][name]) == list(tables[1][name])
    for name in ("score", "spread_score", "heat_inside"):
        np.testing.assert_allclose(tables[1][name], tables[0][name], atol=1e-3)
