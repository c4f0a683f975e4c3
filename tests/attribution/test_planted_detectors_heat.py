"""A detector whose score provably depends on a known patch gets its heat there, under stretch, pad and letterbox."""

from functools import cache

import numpy as np
import pytest
from numpy.typing import NDArray
from support.planted import CELL, patch_photograph, planted_ssd, planted_yolo

from detcam.attribution.heatmap import Heatmap
from detcam.attribution.methods.table import MASKED, METHODS
from detcam.detectors.base import Detector
from detcam.detectors.for_torchvision.ssd import SSDDetector
from detcam.detectors.for_ultralytics.yolo import YOLODetector
from detcam.explanations.explain import explain
from detcam.explanations.explanation import Explanation

OPTIONS: dict[str, dict[str, object]] = {
    "vargrad": {"target": "probability"},  # the logit's gradient is the same on every copy
    "guided_ig": {"method": "guided_ig:steps=8"},
    "xrai": {"method": "xrai:steps=4,dilation=0"},  # which would reach out of the patch
    "occlusion": {"method": "occlusion:window=0.03,stride=0.03"},  # squares of half a cell
}


@cache
def stretched() -> Detector:
    return SSDDetector(planted_ssd(), {1: "person"}, "planted stretch")


@cache
def padded() -> Detector:
    return SSDDetector(planted_ssd(size_divisible=64), {1: "person"}, "planted pad")


@cache
def letterboxed() -> Detector:
    return YOLODetector(planted_yolo(), {"imgsz": 128}, "planted letterbox")


CASES = {
    "stretch": (stretched, (60, 200), (50, 20, 75, 32)),
    "pad": (padded, (200, 80), (30, 100, 46, 130)),
    "letterbox, wide": (letterboxed, (90, 260), (150, 30, 190, 70)),
    "letterbox, tall": (letterboxed, (300, 70), (20, 180, 55, 220)),
}


def explained(case: str, **options: object) -> tuple[Explanation, tuple[int, int, int, int]]:
    make, (height, width), patch = CASES[case]
    return explain(make(), patch_photograph(height, width, patch), **options), patch  # type: ignore[arg-type]


def heat_within(heatmap: Heatmap, box: NDArray[np.floating]) -> float:
    """Sum of the positive cells whose centres lie in a box (canvas pixels)."""
    x, y = heatmap.cell_edges()
    mid_x, mid_y = (x[:-1] + x[1:]) / 2, (y[:-1] + y[1:]) / 2
    inside = np.outer((mid_y > box[1]) & (mid_y < box[3]), (mid_x > box[0]) & (mid_x < box[2]))
    return float(heatmap.heat[inside].sum())


def share_in_patch(explanation: Explanation, patch: tuple[int, int, int, int]) -> float:
    """Share of the heat on the photograph that lies on the patch, grown by half a cell for cells that it cuts.

    Cells that the padding cuts are left out: Grad-CAM forgets the place, and letterbox grey has red in it.
    """
    heatmap = explanation.maps[0].heatmaps[0]
    on_canvas = heatmap.geometry.to_canvas(np.array(patch, float)) + np.array([-1, -1, 1, 1]) * CELL / 2
    whole = heatmap.geometry.content + np.array([1, 1, -1, -1]) * CELL
    inside = np.concatenate([np.maximum(on_canvas[:2], whole[:2]), np.minimum(on_canvas[2:], whole[2:])])
    return heat_within(heatmap, inside) / heat_within(heatmap, whole)


METHODS_HERE = [name for name, entry in METHODS.items() if entry.kind != MASKED and name != "cam"]
"""Coarse masks leave heat everywhere: tests/test_drise.py; a detector's boxes have no CAM: tests/test_cam.py."""
PLACELESS = {"gradcam", "gradcam++", "xgradcam", "gcame", "eigencam", "scorecam", "ablationcam"}
"""Their weights have no place (G-CAME's are spread out around one), and letterbox grey has red in it."""
LEAST = {"scorecam": 0.95}  # whose softmax leaves a thousandth each to green and blue, which are everywhere else


@pytest.mark.parametrize("method", METHODS_HERE)
@pytest.mark.parametrize("case", CASES)
def test_heat_lies_on_the_patch(case: str, method: str) -> None:
    explanation, patch = explained(case, **{"method": method, **OPTIONS.get(method, {})})
    assert len(explanation) >= 1
    assert share_in_patch(explanation, patch) > LEAST.get(method, 0.99)
    if method not in PLACELESS:
        assert np.nansum(explanation.maps[0].shares[0].padding) < 0.01


@pytest.mark.parametrize("case", CASES)
def test_boxes_lie_on_the_patch(case: str) -> None:
    explanation, (x1, y1, x2, y2) = explained(case)
    assert len(explanation)
    for one in explanation:
        centre_x, centre_y = (one.box[0] + one.box[2]) / 2, (one.box[1] + one.box[3]) / 2
        assert x1 - 12 <= centre_x <= x2 + 12
        assert y1 - 12 <= centre_y <= y2 + 12


@pytest.mark.parametrize("case", CASES)
def test_shares_of_a_planted_map_lie_in_its_box(case: str) -> None:
    explanation, _ = explained(case)
    first = explanation.maps[0].shares[0]
    assert first.inside + first.others == pytest.approx(1, abs=0.02)
    assert first.peak_inside


def test_a_constant_box_rests_on_nothing() -> None:
    explanation, _ = explained("letterbox, wide")
    assert explanation.edges is not None
    assert not explanation.edges.evidence.any()
