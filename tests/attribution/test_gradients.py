"""Gradients agree with finite differences and with the grad-cam and captum packages, on the same row and layer."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from captum.attr import Saliency
from pytorch_grad_cam import EigenCAM, GradCAM, HiResCAM, LayerCAM, XGradCAM
from pytorch_grad_cam.activations_and_gradients import ActivationsAndGradients
from support.gradients import IMAGE, Rows, in_float64, middle_layer, values_with_added
from support.tiny import FAMILIES, photograph, tiny_ssd
from torch import Tensor

from detcam.attribution.attribute import attribute
from detcam.attribution.gradients.tape import PIXELS, Tape
from detcam.attribution.methods.registry import get_method
from detcam.attribution.runners.pixel import TOGETHER
from detcam.attribution.target import TARGETS, settled
from detcam.detectors.base import Detector
from detcam.detectors.canvas import Canvas
from detcam.detectors.for_torchvision.ssd import SSDDetector
from detcam.imaging.image import Image

GROUP_NORM = ("fcos",)  # over whole maps
SHARED = ("retinanet", "fcos")  # one head for every level
LIKE_OTHERS = ("yolov3-tiny", "yolov8n-pose", "yolov10n:one2many")  # whose heads are those of v8 and of v10's other one


@pytest.fixture(scope="module", params=[family for family in FAMILIES if family not in LIKE_OTHERS])
def detector(request: pytest.FixtureRequest) -> Detector:
    return in_float64(request.param)


def strongest(detector: Detector, level: int) -> tuple[int, int]:
    """Row and label of the best score of a level, away from classes that are background."""
    prediction = detector.forward(detector.canvas(IMAGE).pixels)
    where = prediction.levels[level]
    scores = prediction.scores[0, where.start : where.start + where.rows, 1:]
    row, label = divmod(int(scores.argmax()), scores.shape[1])
    return where.start + row, label + 1


@pytest.mark.parametrize("where", ["level", "middle", PIXELS])
def test_gradient_is_the_finite_difference(detector: Detector, where: str) -> None:
    level = 1
    key = strongest(detector, level)
    layer = {"level": f"level.{level}", "middle": middle_layer(detector)}.get(where, where)
    targets = {name: settled(TARGETS[name], detector, detector.canvas(IMAGE), [key]) for name in detector.targets
               if name != "similarity"}  # which has a kink where nothing has changed: tests/test_similarity.py
    with Tape(detector, detector.canvas(IMAGE).pixels, [layer]) as tape:
        gradients = {name: next(tape.gradients(layer, [key], target)) for name, target in targets.items()}
        shape = tape.activations[layer].shape
    generator = torch.Generator().manual_seed(0)
    for _ in range(3):
        direction = torch.randn(shape, generator=generator, dtype=torch.float64)
        step = 1e-8  # so small that hardly any of a network's kinks lies between the two sides
        ahead, behind = (values_with_added(detector, layer, sign * step * direction, key, targets) for sign in (1, -1))
        for name, gradient in gradients.items():
            assert gradient is not None
            assert gradient.any()
            expected = float((gradient * direction).sum())
            assert (ahead[name] - behind[name]) / (2 * step) == pytest.approx(expected, rel=1e-4, abs=1e-5), name


def test_an_in_place_activation_does_not_touch_the_layer_before_it() -> None:
    detector = in_float64("ssd")
    conv = detector.model.get_submodule("backbone.stem.2")
    with torch.no_grad():
        inputs: list[Tensor] = []
        hook = conv.register_forward_pre_hook(lambda _, args: inputs.append(args[0].clone()))
        detector.forward(detector.canvas(IMAGE).pixels)
        hook.remove()
        expected = conv(inputs[0])
    assert (expected < 0).any()
    with Tape(detector, detector.canvas(IMAGE).pixels, ["backbone.stem.2"]) as tape:
        torch.testing.assert_close(tape.activations["backbone.stem.2"].detach(), expected)


def ours(detector: Detector, method: str, layer: str, keys: list[tuple[int, int]]) -> list[np.ndarray]:
    canvas = detector.canvas(IMAGE)
    with Tape(detector, canvas.pixels, [layer]) as tape:
        gradients = tape.gradients(layer, keys, TARGETS["logit"])
        activations = tape.activations[layer].detach()[0]
        function = get_method(method).function
        return [function(activations, gradient[0]).numpy() for gradient in gradients if gradient is not None]


@pytest.mark.parametrize(("method", "peer"), [("gradcam", GradCAM), ("hirescam", HiResCAM), ("odam", HiResCAM),
                                              ("layercam", LayerCAM), ("xgradcam", XGradCAM), ("eigencam", EigenCAM)])
def test_layer_methods_equal_grad_cam_package(detector: Detector, method: str, peer: Callable[..., Any]) -> None:
    layer, canvas = middle_layer(detector), detector.canvas(IMAGE)
    keys = [strongest(detector, level) for level in range(2)]
    wrapped = Rows(detector).eval()
    module = detector.model.get_submodule(layer)
    cam = peer(model=wrapped, target_layers=[module])
    cam.activations_and_grads.release()
    for key, mine in zip(keys, ours(detector, method, layer, keys), strict=True):
        recorder = ActivationsAndGradients(wrapped, [module], None)
        pixels = canvas.pixels.clone().requires_grad_(True)
        target = recorder(pixels)[0, key[0], key[1]]
        target.backward()
        theirs = cam.get_cam_image(pixels, module, [lambda rows, key=key: rows[key]],
                                   recorder.activations[0].numpy(), recorder.gradients[0].numpy(), False)[0]
        recorder.release()
        if method == "eigencam":  # its sign is arbitrary there
            theirs = theirs * np.sign(theirs.flat[np.abs(theirs).argmax()])
        np.testing.assert_allclose(mine, theirs, rtol=0, atol=1e-5 * np.abs(theirs).max())
    detector.model.zero_grad(set_to_none=True)


def float64_maps(detector: Detector, method: str, key: tuple[int, int], seed: int, **settings: Any) -> np.ndarray:
    """A method's map of one row, without the float32 that heatmaps are kept in."""
    canvas = detector.canvas(IMAGE)

    def gradients(pixels: Tensor) -> list[Tensor]:
        with Tape(detector, pixels, [PIXELS]) as tape:
            return [each for each in tape.gradients(PIXELS, [key], TARGETS["logit"]) if each is not None]

    found, = get_method(method, **settings).function(gradients, canvas.pixels, torch.Generator().manual_seed(seed))
    return found[0].abs().sum(0).numpy()


def captum_gradient(detector: Detector, pixels: Tensor, key: tuple[int, int]) -> Tensor:
    rows = Rows(detector)
    saliency = Saliency(lambda each: rows(each)[:, key[0], key[1]])
    return saliency.attribute(pixels.clone().requires_grad_(True), abs=False).detach()


def test_vanilla_gradient_equals_captum(detector: Detector) -> None:
    key = strongest(detector, 0)
    theirs = captum_gradient(detector, detector.canvas(IMAGE).pixels, key)[0].abs().sum(0).numpy()
    mine = float64_maps(detector, "gradient", key, 0)
    np.testing.assert_allclose(mine, theirs, rtol=0, atol=1e-5 * theirs.max())


def test_without_noise_smoothgrad_is_the_gradient(detector: Detector) -> None:
    key = strongest(detector, 0)
    plain = float64_maps(detector, "gradient", key, 0)
    np.testing.assert_allclose(float64_maps(detector, "smoothgrad", key, 1, noise=0.0), plain, atol=1e-9)


def test_many_boxes_get_the_pixel_maps_that_they_get_alone() -> None:
    detector = SSDDetector(tiny_ssd())
    canvas, found = detector.canvas(IMAGE), detector.detect(IMAGE, 0.1)[: TOGETHER + 2]
    method = get_method("smoothgrad", samples=2)
    together = attribute(detector, canvas, found, method, "auto", TARGETS["logit"], seed=5)
    assert len(together) == TOGETHER + 2
    for index in (0, TOGETHER - 1, TOGETHER + 1):
        alone = attribute(detector, canvas, found[[index]], method, "auto", TARGETS["logit"], seed=5)[0]
        np.testing.assert_allclose(together[index].values, alone.values, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("target", ["logit", "right"])
@pytest.mark.parametrize("where", ["level", "middle", PIXELS])
def test_passes_through_windows_equal_whole_passes(detector: Detector, where: str, target: str) -> None:
    """Boxes of every level, at corners, borders and side by side: together, and each from the whole map."""
    if detector.name in GROUP_NORM:
        pytest.skip("no row of its head looks at a few cells alone")
    pixels = torch.cat([detector.canvas(IMAGE).pixels, detector.canvas(IMAGE).pixels.flip(-1)])
    prediction = detector.forward(pixels)
    for number, level in enumerate(prediction.levels):
        layer = {"level": f"level.{number}", "middle": middle_layer(detector)}.get(where, where)
        apart = max(1, level.rows // 5) if where == "level" else level.rows  # whole passes to the pixels take long
        rows = {0, level.rows - 1, level.shape[1] * level.per_cell - 1, *range(0, level.rows, apart)}
        keys = [(level.start + row, 1) for row in sorted(rows)]
        with Tape(detector, pixels, [layer]) as tape:
            assert None not in tape._local([layer], keys, TARGETS[target], [slice(None)] * len(keys))
            for key, found in zip(keys, tape.gradients(layer, keys, TARGETS[target]), strict=True):
                value = TARGETS[target].read(tape.prediction, *key).sum()
                whole = torch.autograd.grad(value, tape.activations[layer], retain_graph=True)[0]
                assert found is not None
                torch.testing.assert_close(found, whole, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("where", ["level", "middle", PIXELS])
def test_boxes_of_different_images_share_passes(detector: Detector, where: str, monkeypatch: pytest.MonkeyPatch
                                                ) -> None:
    pixels = torch.cat([detector.canvas(IMAGE).pixels, detector.canvas(IMAGE).pixels.flip(-1)])
    first, second = detector.forward(pixels).levels[:2]
    keys = [(first.start + 5, 1), (first.start + 9, 0), (first.start + 7, 1), (second.start + 1, 0)]
    images = [1, 0, 1, 0]
    layer = {"level": "level.0", "middle": middle_layer(detector)}.get(where, where)
    passes = []
    shared = Tape._shared
    monkeypatch.setattr(Tape, "_shared", lambda tape, *rest: passes.append(1) or shared(tape, *rest))
    with Tape(detector, pixels, [layer]) as tape:
        together = list(tape.gradients(layer, keys, TARGETS["logit"], images))
    assert len(passes) == 3  # the first two share
    for key, image, found in zip(keys, images, together, strict=True):
        with Tape(detector, pixels[image : image + 1], [layer]) as tape:
            alone = next(tape.gradients(layer, [key], TARGETS["logit"]))
        if alone is None:
            assert found is None
        else:
            torch.testing.assert_close(found, alone, rtol=1e-9, atol=1e-12)


def test_a_layer_inside_the_head_is_reached_by_whole_passes(detector: Detector) -> None:
    if detector.name in SHARED:
        pytest.skip("its layers run once a level")
    key = strongest(detector, 0)
    names = {id(module): name for name, module in detector.model.named_modules()}
    layer = names[id(detector.head_modules(0)[0])]
    with Tape(detector, detector.canvas(IMAGE).pixels, [layer]) as tape:
        gradient = next(tape.gradients(layer, [key], TARGETS["logit"]))
    assert gradient is not None
    assert gradient.sum() == 1  # the logit itself


def test_a_head_that_does_more_than_its_modules_is_reached_by_whole_passes() -> None:
    detector = in_float64("ssd")
    head = detector.model.head
    head.classification_head.module_list[0].register_forward_hook(lambda _, __, output: output + output.mean())
    key = strongest(detector, 0)
    with Tape(detector, detector.canvas(IMAGE).pixels, ["level.0"]) as tape:
        assert tape._local(["level.0"], [key], TARGETS["logit"], [slice(None)]) == [None]
        gradient = next(tape.gradients("level.0", [key], TARGETS["logit"]))
    assert gradient is not None
    assert (gradient != 0).float().mean() > 0.9  # the mean reaches everywhere


def test_a_map_of_one_box_does_not_depend_on_the_others(detector: Detector) -> None:
    canvas, method = detector.canvas(IMAGE), get_method("hirescam")
    with torch.no_grad():
        found = detector.select(detector.forward(canvas.pixels), canvas, 0.25)[0][:6]
    together = attribute(detector, canvas, found, method, "auto", TARGETS["logit"])
    assert len(found) == 6
    for index in range(len(found)):
        alone = attribute(detector, canvas, found[[index]], method, "auto", TARGETS["logit"])[0]
        np.testing.assert_allclose(together[index].values, alone.values, rtol=1e-5, atol=1e-7)


@pytest.mark.parametrize("fused", [False, True])
def test_photographs_of_a_batch_get_the_maps_that_they_get_alone(detector: Detector, fused: bool) -> None:
    layer = ["auto", middle_layer(detector)] if fused else "auto"
    photographs = [Image(photograph(seed), f"rectangles {seed}") for seed in (3, 4)]
    alone = [detector.canvas(each) for each in photographs]
    canvas = Canvas(torch.cat([each.pixels for each in alone]), tuple(each.geometries[0] for each in alone))
    with torch.no_grad():
        found = [each[:5] for each in detector.select(detector.forward(canvas.pixels), canvas, 0.25)]
    method = get_method("hirescam")
    together = attribute(detector, canvas, found, method, layer, TARGETS["logit"])
    for maps, own, detections in zip(together, alone, found, strict=True):
        single = attribute(detector, own, detections, method, layer, TARGETS["logit"])
        assert len(maps) == len(single) == 5
        for a, b in zip(maps, single, strict=True):
            assert (a.layer, a.status, a.geometry, a.grid) == (b.layer, b.status, b.geometry, b.grid)
            np.testing.assert_allclose(a.values, b.values, rtol=1e-5, atol=1e-7)


def test_a_method_that_takes_one_photograph_goes_through_a_batch_one_by_one(detector: Detector) -> None:
    photographs = [Image(photograph(seed), f"rectangles {seed}") for seed in (3, 4)]
    alone = [detector.canvas(each) for each in photographs]
    with torch.no_grad():
        found = [detector.select(detector.forward(own.pixels), own, 0.25)[0][:2] for own in alone]
    for name, target in (("gradient", "logit"), ("hirescam", "margin"), ("smoothgrad:samples=2", "margin")):
        method = get_method(name)
        together = attribute(detector, Canvas.together(alone), found, method, "auto", TARGETS[target], seed=1)
        assert [len(maps) for maps in together] == [2, 2]
        for maps, own, detections in zip(together, alone, found, strict=True):
            single = attribute(detector, own, detections, method, "auto", TARGETS[target], seed=1)
            assert (maps.target, maps.targets) == (single.target, single.targets)
            for a, b in zip(maps, single, strict=True):
                np.testing.assert_allclose(a.values, b.values, rtol=1e-5, atol=1e-7)
