"""Forms of the evidence on an edge, and by how much one number knows more than another."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from scipy.stats import rankdata
from support.places import ROOT
from support.tiny import photograph, tiny_ssd, tiny_yolo

from detcam.detectors.base import Detector
from detcam.detectors.for_torchvision.ssd import SSDDetector
from detcam.detectors.for_ultralytics.yolo import YOLODetector
from detcam.evaluation.evidence_forms import CLEAN, FORMS, SCALES, evidence_in_forms
from detcam.imaging.boxes import edge_lengths
from detcam.imaging.image import Image
from detcam.measures.edge_evidence import measure_edges
from detcam.stats.rank_correlation import correlation_gain, rank_correlation

SCRIPT = ROOT / "scripts" / "measure_evidence.py"

# Two cells side by side, two channels: the first copy, the second copy.
A = torch.tensor([[[[1.0, 2.0]], [[3.0, -1.0]]], [[[2.0, 2.0]], [[0.0, 1.0]]]])
G = torch.tensor([[[[2.0, 1.0]], [[-1.0, 4.0]]], [[[0.0, 3.0]], [[5.0, -2.0]]]])
NEAR = torch.tensor([[True, False]])
BY_HAND = {  # G A: [2, 2], [-3, -4] on the first copy; [0, 6], [0, -2] on the second
    "sum |G A|": 2 + 2 + 3 + 4,
    "sum |G|": 2 + 1 + 1 + 4,
    "sum |G (A - mean A)|": 2 * 0.5 + 1 * 0.5 + 1 * 2 + 4 * 2,  # the channels' means are 1.5 and 1
    "sum |sum_k G A| (HiResCAM)": 1 + 2,
    "smaller sign of HiResCAM": 0,
    "sum relu(G) A (LayerCAM)": 2 + 2 + 0 + 4,
    "sum |mean(G) A| (Grad-CAM)": abs(1.5 * 1 + 1.5 * 3) + abs(1.5 * 2 - 1.5 * 1),
    "root of sum (G A)^2": (4 + 4 + 9 + 16) ** 0.5,
    "sum |G A| in and near the box": 2 + 3,
    "sum |G A| away from the box": 2 + 4,
    "mean of sum |G A| over noise": (11 + 8) / 2,
    "sum |mean of G A over noise|": 1 + 4 + 1.5 + 3,
    "variance of G A over noise": (2 + 8 + 4.5 + 2) ** 0.5,  # of two values: half of the squared difference
    "sum |conductance|": 0 * 1 + 3 * 0 + abs(5 * -3) + abs(-2 * 2),
}


MAY_BE_NOTHING = ("smaller sign of HiResCAM", "sum |G A| away from the box")  # a single cell, or one inside


@pytest.mark.parametrize("name", FORMS)
def test_by_hand(name: str) -> None:
    form = FORMS[name]
    copies = slice(0, 1) if form.copies == CLEAN else slice(0, 2)
    assert float(form.number(A[copies], G[copies], NEAR)) == pytest.approx(BY_HAND[name])


@pytest.fixture(scope="module", params=["ssd", "yolov8n"])
def detector(request: pytest.FixtureRequest) -> Detector:
    return SSDDetector(tiny_ssd()) if request.param == "ssd" else YOLODetector(tiny_yolo(), {"imgsz": 128}, "tiny")


@pytest.mark.parametrize("layer", [None, "auto"])
def test_the_first_form_is_the_evidence_that_is_shown(detector: Detector, layer: str | None) -> None:
    image = Image(photograph(1), "rectangles")
    found, canvas = detector.detect(image)[:3], detector.canvas(image)
    raw = evidence_in_forms(detector, canvas, found, layer)
    lengths = edge_lengths(canvas.geometries[0].to_canvas(found.boxes)).clip(1)
    name, scale = next(iter(FORMS)), next(iter(SCALES))
    expected = measure_edges(detector, canvas, found, layer).evidence
    np.testing.assert_allclose(SCALES[scale](raw[name], lengths), expected, rtol=1e-4)
    assert all(values.any() for word, values in raw.items() if word not in MAY_BE_NOTHING)
    inside, away = raw["sum |G A| in and near the box"], raw["sum |G A| away from the box"]
    np.testing.assert_allclose(inside + away, raw[name], rtol=1e-4)


def partial(x: np.ndarray, y: np.ndarray, z: np.ndarray) -> float:
    """Correlation of the ranks' residuals after a regression on the size's rank: slow and obvious."""
    ranks = [rankdata(each) for each in (x, y, z)]
    design = np.stack([np.ones(len(z)), ranks[2]], 1)
    left = [each - design @ np.linalg.lstsq(design, each, rcond=None)[0] for each in ranks[:2]]
    return float(np.corrcoef(*left)[0, 1])


def test_a_gain_is_the_difference_of_two_partial_rank_correlations() -> None:
    generator = np.random.default_rng(0)
    error, size, noise = generator.normal(size=(3, 60))
    better, worse = error + 0.5 * noise, error + 3 * generator.normal(size=60)
    photograph = np.arange(60) // 3
    found = correlation_gain(better, worse, error, size, photograph, 500)
    assert found.value == pytest.approx(partial(better, error, size) - partial(worse, error, size))
    assert 0 < found.low < found.value < found.high
    none = correlation_gain(worse, worse, error, size, photograph, 500)
    assert (none.value, none.low, none.high) == (0, 0, 0)
    alone = rank_correlation(better, error, size, photograph, 500)
    assert alone.size_adjusted.value == pytest.approx(partial(better, error, size))


def test_a_gain_of_few_boxes_does_not_exist() -> None:
    assert np.isnan(correlation_gain(*np.zeros((4, 3)), np.arange(3)).value)


@pytest.mark.assets
def test_the_script_compares_every_form(assets: Path, tmp_path: Path) -> None:
    folder, out = assets / "persons_eval", tmp_path / "evidence.json"
    subprocess.run([sys.executable, SCRIPT, "--images", folder / "images", "--annotations", folder / "instances.json",
                    "--limit", "6", "--json", out], check=True)
    rows = json.loads(out.read_text())["rows"]
    assert len(rows) == len(FORMS) + len(SCALES) - 1
    assert rows[0]["gain"][0] in (0, None)
