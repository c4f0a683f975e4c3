"""Integrated gradients of all kinds: against captum and PAIR's saliency, and complete."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from captum.attr import InputXGradient, IntegratedGradients
from saliency.core import blur_ig, guided_ig
from scipy.ndimage import gaussian_filter
from support.row import Scene, agree, scene_of

from detcam.attribution.gradients.pixel_gradients import PixelGradients
from detcam.attribution.inputs.baselines import STARTS, out_of_focus
from detcam.attribution.inputs.paths import along

EVENLY = 1e9  # a tolerance that cuts no step


@pytest.fixture(scope="module", params=["ssd", "yolov8n"])
def scene(request: pytest.FixtureRequest) -> Scene:
    return scene_of(request.param)


def test_gradient_x_input_equals_captum(scene: Scene) -> None:
    theirs = InputXGradient(scene.module()).attribute(scene.canvas.pixels.clone(), target=0)[0].detach()
    agree(scene.map("gradient_x_input"), theirs.sum(0))


@pytest.mark.parametrize("baseline", ["white", "blur"])
def test_integrated_gradients_equal_captum(scene: Scene, baseline: str) -> None:
    start = STARTS[baseline](scene.canvas)
    theirs = IntegratedGradients(scene.module()).attribute(scene.canvas.pixels.clone(), start, target=0, n_steps=6,
                                                           method="riemann_middle")[0].detach()
    agree(scene.map("integrated_gradients", steps=6, baseline=baseline, tolerance=EVENLY), theirs.sum(0))


@pytest.mark.parametrize("baseline", ["black", "blur"])
def test_integrated_gradients_are_complete_within_a_hundredth(scene: Scene, baseline: str) -> None:
    if baseline == "black" and scene.detector.family == "yolo":
        pytest.skip("a thousand steps: with random weights the logit falls by 300 on the way")
    gain = (scene.logits(scene.canvas.pixels) - scene.logits(STARTS[baseline](scene.canvas)))[0]
    assert scene.map("integrated_gradients", baseline=baseline).astype(float).sum() == pytest.approx(gain, rel=0.01)


def test_blur_ig_is_complete_within_a_hundredth(scene: Scene) -> None:
    geometry = scene.canvas.geometries[0]
    start = out_of_focus(scene.canvas.pixels, geometry, 0.17 * max(geometry.canvas))
    gain = (scene.logits(scene.canvas.pixels) - scene.logits(start))[0]
    assert scene.map("blur_ig", steps=40).astype(float).sum() == pytest.approx(gain, rel=0.01)


def test_steps_too_long_are_said_and_short_ones_add_up(scene: Scene) -> None:
    """A path that jumps is complete in no number of steps."""
    pixels = scene.canvas.pixels
    with pytest.warns(RuntimeWarning, match="differ from the change of the target"):
        along(PixelGradients(scene.alone().task("gradient")), lambda share: pixels * (share > 1 / 3), 1)


def test_padding_has_no_attribution(scene: Scene) -> None:
    """Half of the photograph as if it were padding: paths leave it as it is, and it gets no attribution."""
    geometry = replace(scene.canvas.geometries[0], source=(10, 10), scale=(4.0, 4.0), offset=(20.0, 30.0))
    padded = replace(scene, canvas=replace(scene.canvas, geometries=(geometry,)))
    for method in ("integrated_gradients:steps=2,tolerance=1e9", "blur_ig:steps=2,tolerance=1e9", "guided_ig:steps=2"):
        values = padded.map(method)
        assert values[30:70, 20:60].any()
        values[30:70, 20:60] = 0
        assert not values.any()


def reflecting(image: Any, sigma: float) -> Any:
    return gaussian_filter(image, [sigma, sigma, 0], mode="reflect") if sigma else image


def test_blur_ig_equals_its_definition_and_nears_the_authors_code(monkeypatch: pytest.MonkeyPatch) -> None:
    """Xu et al., eq. 5 as a sum, slowly; the authors' own sum takes each gradient at the sharper end of its step."""
    scene, steps = scene_of("ssd").alone(), 24
    widest = 0.05 * max(scene.canvas.geometries[0].canvas)
    expected = np.zeros_like(scene.rgb)
    for step in range(steps):
        blurred, sharper = (reflecting(scene.rgb, widest * (1 - index / steps)) for index in (step, step + 1))
        gradient = scene.call((blurred + sharper)[None] / 2)["INPUT_OUTPUT_GRADIENTS"][0]
        expected += gradient * (sharper - blurred)
    mine = scene.map("blur_ig", steps=steps, sigma=0.05, tolerance=EVENLY)
    agree(mine, expected.sum(-1), 0.01)  # OpenCV's kernels end elsewhere than SciPy's
    monkeypatch.setattr(blur_ig, "gaussian_blur", reflecting)  # theirs blurs black into the photograph
    theirs = blur_ig.BlurIG().GetMask(scene.rgb, scene.call, max_sigma=widest, steps=200).sum(-1)
    finer = scene.map("blur_ig", steps=200, sigma=0.05, tolerance=EVENLY)
    assert np.corrcoef(finer.ravel(), theirs.ravel())[0, 1] > 0.98


@pytest.mark.parametrize(("fraction", "distance"), [(0.25, 0.02), (0.1, 1.0), (0.5, 0.0)])
def test_guided_ig_equals_the_authors_code(scene: Scene, fraction: float, distance: float,
                                           monkeypatch: pytest.MonkeyPatch) -> None:
    quantile = np.quantile  # NumPy calls interpolation= method= now
    monkeypatch.setattr(guided_ig.np, "quantile", lambda values, share, interpolation: quantile(
        values, share, method=interpolation))
    start = STARTS["black"](scene.canvas)[0].permute(1, 2, 0).numpy()
    theirs = guided_ig.GuidedIG().GetMask(scene.rgb, scene.call, x_baseline=start, x_steps=8, fraction=fraction,
                                          max_dist=distance).sum(-1)
    agree(scene.map("guided_ig", steps=8, fraction=fraction, distance=distance), theirs, 1e-4)


def test_guided_ig_gives_a_box_its_own_path(scene: Scene) -> None:
    together = scene.maps("guided_ig", steps=4)
    for box in (0, 2):
        agree(together[box].values, scene.alone(box).maps("guided_ig", steps=4)[0].values)


def test_one_box_can_be_asked_alone(scene: Scene) -> None:
    gradients = PixelGradients(scene.task("gradient"))
    all_of_them = list(gradients(scene.canvas.pixels))
    torch.testing.assert_close(next(iter(gradients(scene.canvas.pixels, [2]))), all_of_them[2])
