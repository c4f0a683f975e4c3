"""Score-CAM and Ablation-CAM: by hand, against slow versions and the grad-cam package, and what they cost."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
import torch
from pytorch_grad_cam import AblationCAM, ScoreCAM
from support.gradients import IMAGE, Rows, in_float64
from torch import Tensor, nn

from detcam.attribution.attribute import attribute
from detcam.attribution.heatmap import fuse
from detcam.attribution.methods.registry import get_method
from detcam.attribution.runners.channel import CHUNK, enlarged
from detcam.attribution.target import TARGETS
from detcam.detectors.base import PER_INPUT, Detector
from detcam.detectors.detections import Detections
from detcam.evaluation.pass_counter import count_passes
from detcam.explanations.explain import explain
from detcam.imaging.grid import Grid

METHODS = ("scorecam", "ablationcam")
CASES = {"ssd": "backbone.stem.3", "yolov8n": "model.4"}


@dataclass(frozen=True)
class Known:
    """Two boxes and three channels, the last of which is nothing everywhere."""

    activations: Tensor
    clean: Tensor
    told: dict[int, tuple[float, float]]

    def through(self, chosen: Tensor) -> Tensor:
        return torch.tensor([self.told[channel] for channel in chosen.tolist()]).T

    without = through


ACTIVATIONS = torch.tensor([[[1.0, 2.0], [0.0, 3.0]], [[4.0, 0.0], [-1.0, 2.0]], [[0.0, 0.0], [0.0, 0.0]]])
KNOWN = Known(ACTIVATIONS, torch.tensor([2.0, -4.0]), {0: (1.0, -6.0), 1: (3.0, -5.0)})


def test_ablation_by_hand() -> None:
    """The first box loses 1 of 2 and gains 1; the second, whose score is negative, loses 2 and 1 of 4."""
    found = get_method("ablationcam").function(KNOWN)
    expected = [[[0.5 * 1 - 0.5 * 4, 0.5 * 2], [0.5 * 1, 0.5 * 3 - 0.5 * 2]],
                [[0.5 * 1 + 0.25 * 4, 0.5 * 2], [0.25 * -1, 0.5 * 3 + 0.25 * 2]]]
    torch.testing.assert_close(found, torch.tensor(expected))


def test_scores_by_hand() -> None:
    """Scores of 1 and 3 differ by 2, those of -6 and -5 by 1."""
    found = get_method("scorecam").function(KNOWN)
    for box, gap in enumerate((2.0, 1.0)):
        low, high = 1 / (1 + np.exp(gap)), 1 / (1 + np.exp(-gap))
        torch.testing.assert_close(found[box], low * ACTIVATIONS[0] + high * ACTIVATIONS[1])


@pytest.mark.parametrize("method", METHODS)
def test_a_layer_that_is_nothing_everywhere(method: str) -> None:
    found = get_method(method).function(Known(torch.zeros(3, 2, 2), torch.ones(2), {}))
    assert found.shape == (2, 2, 2)
    assert not found.any()


def test_maps_are_enlarged_on_their_own_grid() -> None:
    maps = torch.tensor([[[0.0, 3.0, 9.0]]], dtype=torch.float64)  # middles at 3.5, 6.5 and 9.5 pixels
    found = enlarged(maps, Grid((3.0, 20.0), (2.0, -5.0)), (2, 12))
    expected = [0, 0, 0, 0, 1, 2, 3, 5, 7, 9, 9, 9]
    torch.testing.assert_close(found, torch.tensor([[expected, expected]], dtype=torch.float64))


def found_by(detector: Detector, count: int = 3) -> Detections:
    canvas = detector.canvas(IMAGE)
    with torch.no_grad():
        detections = detector.select(detector.forward(canvas.pixels), canvas, 0.25)[0]
    assert len(detections) >= count
    return detections[:count]


def read(detector: Detector, pixels: Tensor, detections: Detections) -> list[float]:
    with torch.no_grad():
        prediction = detector.forward(pixels)
    return [float(prediction.logit(int(row), int(label))[0])
            for row, label in zip(detections.rows, detections.labels, strict=True)]


def layer_output(detector: Detector, layer: str, change: Callable[[Tensor], Tensor] = lambda output: output
                 ) -> tuple[Tensor, Any]:
    """A layer's map, and the hook that changes it, with nothing but plain hooks."""
    seen: list[Tensor] = []

    def on_module(_: nn.Module, __: Any, output: Tensor) -> Tensor:
        seen.append(output.clone())
        return change(output.clone())

    def on_head(_: nn.Module, args: Any) -> Any:
        maps, number = list(args[0]), int(layer[-1])
        seen.append(maps[number].clone())
        maps[number] = change(maps[number].clone())
        return (maps,)

    module = None if layer.startswith("level.") else detector.model.get_submodule(layer)
    hook = detector.head.register_forward_pre_hook(on_head) if module is None else (
        module.register_forward_hook(on_module))
    with torch.no_grad():
        detector.forward(detector.canvas(IMAGE).pixels)
    return seen[0][0], hook


def slow_scorecam(detector: Detector, layer: str, detections: Detections) -> list[Tensor]:
    """Algorithm 1, channel by channel and photograph by photograph, with its baseline subtracted."""
    pixels = detector.canvas(IMAGE).pixels
    activations, hook = layer_output(detector, layer)
    hook.remove()
    empty = read(detector, torch.zeros_like(pixels), detections)
    kept, scores = [], []
    for channel in activations:
        large = nn.functional.interpolate(channel[None, None], pixels.shape[-2:], mode="bilinear", align_corners=False)
        if channel.max() > channel.min():
            mask = (large - large.min()) / (large.max() - large.min())
            kept.append(channel)
            own = read(detector, pixels * mask, detections)
            scores.append([score - base for score, base in zip(own, empty, strict=True)])
    found = []
    for box in range(len(detections)):
        exponents = np.exp([each[box] for each in scores])
        parts = zip(exponents / exponents.sum(), kept, strict=True)
        found.append(torch.stack([weight * channel for weight, channel in parts]).sum(0))
    return found


def slow_ablationcam(detector: Detector, layer: str, detections: Detections) -> list[Tensor]:
    """Each channel set to 0, one after the other."""
    pixels = detector.canvas(IMAGE).pixels
    activations, hook = layer_output(detector, layer)
    hook.remove()
    clean = read(detector, pixels, detections)
    found = [torch.zeros_like(activations[0]) for _ in clean]
    for k, channel in enumerate(activations):
        def silence(output: Tensor, k: int = k) -> Tensor:
            output[:, k] = 0
            return output

        _, hook = layer_output(detector, layer, silence)
        without = read(detector, pixels, detections)
        hook.remove()
        for own, before, after in zip(found, clean, without, strict=True):
            own += (before - after) / abs(before) * channel
    return found


SLOW = {"scorecam": slow_scorecam, "ablationcam": slow_ablationcam}


@pytest.mark.parametrize("where", ["level.0", "module"])
@pytest.mark.parametrize("family", CASES)
@pytest.mark.parametrize("method", METHODS)
def test_equal_to_the_slow_version(method: str, family: str, where: str) -> None:
    detector = in_float64(family)
    layer, detections = (CASES[family] if where == "module" else where), found_by(detector)
    maps = attribute(detector, detector.canvas(IMAGE), detections, get_method(method), layer, TARGETS["logit"])
    assert len(maps) > 1
    for heatmap, expected in zip(maps, SLOW[method](detector, layer, detections), strict=True):
        np.testing.assert_allclose(heatmap.values, expected.numpy(), rtol=0, atol=1e-6 * float(expected.abs().max()))
        assert heatmap.layer == layer
    assert any(heatmap.values.any() for heatmap in maps)


@pytest.mark.parametrize("corners", [False, True])
def test_scores_of_the_grad_cam_package(monkeypatch: pytest.MonkeyPatch, corners: bool) -> None:
    """It enlarges a map's outermost middles to the canvas's corners; otherwise it is the same."""
    detector = in_float64("ssd")
    layer, detections, pixels = CASES["ssd"], found_by(detector, 2), detector.canvas(IMAGE).pixels
    maps = attribute(detector, detector.canvas(IMAGE), detections, get_method("scorecam"), layer, TARGETS["logit"])
    activations, hook = layer_output(detector, layer)
    hook.remove()
    varied = activations[activations.amax((1, 2)) > activations.amin((1, 2))]
    assert len(varied) == len(activations)  # it hides everything behind a channel that is the same everywhere
    monkeypatch.setattr(nn, "UpsamplingBilinear2d",
                        lambda size: nn.Upsample(size=size, mode="bilinear", align_corners=corners))
    cam = ScoreCAM(Rows(detector).eval(), [detector.model.get_submodule(layer)])
    assert len(maps) == 2
    for heatmap, row, label in zip(maps, detections.rows.tolist(), detections.labels.tolist(), strict=True):
        weights = cam.get_cam_weights(pixels, None, [lambda rows, row=row, label=label: rows[row, label]],
                                      activations[None].numpy(), None)
        theirs = np.einsum("k,khw->hw", weights[0], activations.numpy())
        same = np.allclose(heatmap.values, theirs, rtol=0, atol=1e-5 * np.abs(theirs).max())
        assert same == (not corners)
    cam.activations_and_grads.release()


def test_ablation_of_the_grad_cam_package() -> None:
    """After a ReLU it sets a channel to 0, as the paper does; it divides by the score, whatever its sign."""
    detector = in_float64("ssd")
    layer, detections, pixels = CASES["ssd"], found_by(detector), detector.canvas(IMAGE).pixels
    maps = attribute(detector, detector.canvas(IMAGE), detections, get_method("ablationcam"), layer, TARGETS["logit"])
    activations, hook = layer_output(detector, layer)
    hook.remove()
    assert activations.min() == 0
    assert len(maps) > 1
    for heatmap, score, row, label in zip(maps, read(detector, pixels, detections), detections.rows.tolist(),
                                          detections.labels.tolist(), strict=True):
        cam = AblationCAM(Rows(detector).eval(), [detector.model.get_submodule(layer)], batch_size=5)
        weights = cam.get_cam_weights(pixels, detector.model.get_submodule(layer),
                                      [lambda rows, row=row, label=label: rows[row, label]],
                                      activations[None].numpy(), None)
        theirs = np.sign(score) * np.einsum("k,khw->hw", weights[0], activations.numpy())
        np.testing.assert_allclose(heatmap.values, theirs, rtol=0, atol=1e-4 * np.abs(theirs).max())
        cam.activations_and_grads.release()


def passes(detector: Detector, detections: Detections, method: str, layer: Any) -> tuple[int, int]:
    """Canvases that went through the network, and the most at a time."""
    sizes: list[int] = []
    hook = detector.head.register_forward_pre_hook(lambda _, args: sizes.append(len(args[0][0])))
    with count_passes(detector) as told:
        attribute(detector, detector.canvas(IMAGE), detections, get_method(method), layer, TARGETS["logit"])
    hook.remove()
    assert told.backwards == 0
    return told.forwards, max(sizes)


@pytest.mark.parametrize("method", METHODS)
def test_boxes_share_the_passes_and_layers_are_fused(method: str) -> None:
    detector = in_float64("ssd")
    found = detector.detect(IMAGE, 0.25)
    level = np.bincount(found.levels).argmax()
    many = found[found.levels == level][:16]
    assert len(many) >= 8
    one, most = passes(detector, many[:1], method, "auto")
    assert passes(detector, many, method, "auto") == (one, most)
    assert one > CHUNK == most
    layers = [f"level.{level}", "backbone.stem.1"]
    both = passes(detector, many, method, layers)[0]
    assert both == one + passes(detector, many[:1], method, "backbone.stem.1")[0] - 1
    fused, *apart = (attribute(detector, detector.canvas(IMAGE), many[:2], get_method(method), layer, TARGETS["logit"])
                     for layer in (layers, *layers))
    assert len(fused) == 2
    for index, heatmap in enumerate(fused):
        expected = fuse({layer: maps[index] for layer, maps in zip(layers, apart, strict=True)})
        np.testing.assert_array_equal(heatmap.values, expected.values)


@pytest.mark.parametrize("method", METHODS)
def test_depth_is_the_box_s_own_level(method: str) -> None:
    detector = in_float64("ssd")
    explanation = explain(detector, IMAGE, method=method, max_boxes=4)
    alone = attribute(detector, detector.canvas(IMAGE), explanation.detections, get_method(method), "auto",
                      TARGETS["logit"])
    assert len(alone) == 4
    for one, heatmap in zip(explanation, alone, strict=True):
        assert one.heatmap.layer == f"level.{one.level}"
        np.testing.assert_array_equal(one.heatmap.values, heatmap.values)


def test_a_chunk_that_does_not_fit_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    detector = in_float64("ssd")
    canvas, detections, method = detector.canvas(IMAGE), found_by(detector), get_method("ablationcam")
    whole = attribute(detector, canvas, detections, method, "level.0", TARGETS["logit"])
    forward = detector.forward

    def short(pixels: Tensor) -> Any:
        if len(pixels) > 3:
            raise torch.cuda.OutOfMemoryError("CUDA out of memory")
        return forward(pixels)

    monkeypatch.setattr(detector, "forward", short)
    with pytest.warns(RuntimeWarning, match="going on with 2"):
        halved = attribute(detector, canvas, detections, method, "level.0", TARGETS["logit"])
    assert len(whole) > 1
    for one, other in zip(whole, halved, strict=True):
        np.testing.assert_allclose(one.values, other.values, rtol=1e-6, atol=1e-9)
    assert not detector.head._forward_pre_hooks


@pytest.mark.parametrize("method", ["scorecam", "ablationcam"])
def test_of_rows_that_are_chosen_anew_any_that_finds_the_box_counts(monkeypatch: pytest.MonkeyPatch, method: str
                                                                    ) -> None:
    detector = in_float64("ssd")
    detections, canvas = found_by(detector), detector.canvas(IMAGE)
    similar = attribute(detector, canvas, detections, get_method(method), "auto", TARGETS["similarity"])
    same_row = attribute(detector, canvas, detections, get_method(method), "auto", TARGETS["logit"])
    monkeypatch.setattr(detector, "rows", PER_INPUT)
    rematched = attribute(detector, canvas, detections, get_method(method), "auto", TARGETS["logit"])
    assert len(rematched) > 1
    for one, other, row in zip(rematched, similar, same_row, strict=True):
        np.testing.assert_array_equal(one.values, other.values)
        assert not np.allclose(one.values, row.values)

