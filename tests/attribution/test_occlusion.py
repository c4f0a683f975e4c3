"""Occlusion against captum, and its forward passes."""

import numpy as np
import pytest
import torch
from captum.attr import Occlusion
from support.row import Scene, agree, scene_of
from torch import Tensor

import detcam
from detcam.attribution.inputs.baselines import STARTS
from detcam.errors import MethodError


@pytest.fixture(scope="module")
def scene() -> Scene:
    return scene_of("ssd", boxes=16)


@pytest.mark.parametrize(("side", "step", "baseline"), [(24, 12, "grey"), (30, 17, "mean")])
def test_it_equals_captum(scene: Scene, side: int, step: int, baseline: str) -> None:
    """Squares that end with the photograph, and last ones that are cut by its border."""
    theirs = Occlusion(scene.module()).attribute(scene.canvas.pixels, (3, side, side), (3, step, step),
                                                 STARTS[baseline](scene.canvas), target=0)[0, 0]
    longer = max(scene.canvas.geometries[0].canvas)
    agree(scene.map("occlusion", window=side / longer, stride=step / longer, baseline=baseline), theirs)


def test_sixteen_boxes_cost_the_passes_of_one(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[int] = []
    forward = scene.detector.forward

    def counted(pixels: Tensor) -> object:
        seen.append(len(pixels))
        return forward(pixels)

    monkeypatch.setattr(scene.detector, "forward", counted)
    together = scene.maps("occlusion", window=0.5, stride=0.25)
    assert len(together) == 16
    of_all, seen[:] = list(seen), []
    alone = scene.alone(15).maps("occlusion", window=0.5, stride=0.25)[0]
    assert seen == of_all
    assert sum(seen) == 1 + 9
    np.testing.assert_allclose(together[15].values, alone.values, atol=1e-12)


@pytest.mark.parametrize(("window", "stride"), [(0.1, 0.2), (0.1, 0.0), (1.5, 0.1)])
def test_squares_that_leave_pixels_out_are_refused(scene: Scene, window: float, stride: float) -> None:
    with pytest.raises(MethodError, match="expected 0 < stride <= window <= 1"):
        scene.maps("occlusion", window=window, stride=stride)


def test_nothing_hidden_changes_nothing(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(STARTS, "itself", lambda canvas: canvas.pixels)
    assert not torch.tensor(scene.map("occlusion", window=0.5, stride=0.5, baseline="itself")).any()


def test_a_plain_callable_is_explained_by_finding_the_box_again() -> None:
    rgb = np.full((64, 64, 3), 20, np.uint8)
    rgb[16:32, 32:48, 0] = 255

    def finds_red(photo: np.ndarray) -> tuple[list[list[float]], list[int], list[float]]:
        share = float((photo[16:32, 32:48, 0] > 200).mean())
        return [[32.0, 16.0, 48.0, 32.0]], [1], [share]

    detector = detcam.load(finds_red, class_names={1: "patch"})
    heatmap = detcam.explain(detector, rgb, method="occlusion:window=0.25,stride=0.25").maps[0].heatmaps[0]
    expected = np.zeros((64, 64))
    expected[16:32, 32:48] = 1
    np.testing.assert_allclose(heatmap.values, expected, atol=1e-3)
