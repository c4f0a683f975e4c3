"""Guided Backpropagation and Guided Grad-CAM against captum; what is no module is watched too, and nothing is left."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from captum.attr import GuidedBackprop, GuidedGradCam
from support.row import Scene, agree, scene_of
from torch import Tensor, nn
from torch.nn import functional
from torch.overrides import _get_current_function_mode_stack

from detcam.attribution.gradients.guided import guided_activations
from detcam.attribution.gradients.pixel_gradients import PixelGradients
from detcam.attribution.gradients.tape import Tape


def out_of_place(model: nn.Module) -> None:
    """captum's hooks raise on in-place activations."""
    for module in model.modules():
        if isinstance(module, nn.ReLU):
            module.inplace = False


@pytest.fixture(scope="module")
def scene() -> Scene:
    return scene_of("ssd", change=out_of_place)


@pytest.fixture(scope="module")
def in_place() -> Scene:
    return scene_of("ssd")


def test_guided_backprop_equals_captum_on_relus(scene: Scene, in_place: Scene) -> None:
    theirs = GuidedBackprop(scene.module()).attribute(scene.canvas.pixels.clone(), target=0)[0].detach()
    agree(scene.map("guided_backprop"), theirs.abs().sum(0))
    agree(in_place.map("guided_backprop"), theirs.abs().sum(0))
    plain = scene.map("gradient")
    assert np.abs(plain - theirs.abs().sum(0).numpy()).max() > 0.1 * plain.max()


@pytest.mark.parametrize(("layer", "module"), [("depth", "backbone.stem"), ("backbone.stem.3", "backbone.stem.3")])
def test_guided_gradcam_equals_captum(scene: Scene, layer: str, module: str) -> None:
    """Where no layer is named, the box's own level is taken: level 0 is what the stem gives out."""
    assert scene.boxes.levels[0] == 0
    peer = GuidedGradCam(scene.module(), scene.detector.model.get_submodule(module))
    theirs = peer.attribute(scene.canvas.pixels.clone(), target=0, interpolate_mode="bilinear")[0].detach()
    agree(scene.alone().maps("guided_gradcam", layer)[0].values, theirs.abs().sum(0))


class Ways(nn.Module):
    """One activation, called in one of several ways, between two convolutions."""

    def __init__(self, activate: Callable[[Tensor], Tensor]) -> None:
        super().__init__()
        self.first, self.second, self.activate = nn.Conv2d(3, 8, 3), nn.Conv2d(8, 1, 3), activate

    def forward(self, pixels: Tensor) -> Tensor:
        return self.second(self.activate(self.first(pixels))).sum()


WAYS: dict[str, Callable[[Tensor], Tensor]] = {
    "module": nn.ReLU(), "in place": nn.ReLU(inplace=True), "function": functional.relu,
    "function in place": lambda x: functional.relu(x, inplace=True), "torch": torch.relu,
    "method": lambda x: x.relu(), "method in place": lambda x: x.relu_(), "relu6": nn.ReLU6(), "silu": nn.SiLU(),
    "hardswish": nn.Hardswish(), "gelu": nn.GELU(), "leaky": nn.LeakyReLU(0.1), "mish": nn.Mish(),
}


@pytest.mark.parametrize("way", WAYS)
def test_the_rule_holds_however_an_activation_is_called(way: str) -> None:
    """Springenberg et al., figure 1, by hand: what comes back is cut at 0, then multiplied by the derivative."""
    torch.manual_seed(0)
    model, pixels = Ways(WAYS[way]).double(), torch.rand(1, 3, 9, 9, dtype=torch.float64)
    with guided_activations():
        found = torch.autograd.grad(model(pixels.requires_grad_(True)), pixels)[0]
    hidden = model.first(pixels).detach().requires_grad_(True)
    above = functional.conv_transpose2d(torch.ones(1, 1, 5, 5, dtype=torch.float64), model.second.weight)
    derivative = torch.autograd.grad(WAYS[way](hidden.clone()).sum(), hidden)[0]
    expected = functional.conv_transpose2d(above.clamp(min=0) * derivative, model.first.weight)
    torch.testing.assert_close(found, expected)
    assert (above < 0).any()


def test_gates_are_no_activations() -> None:
    pixels = torch.ones(1, requires_grad=True)
    with guided_activations():
        assert torch.autograd.grad(-functional.sigmoid(pixels) - functional.hardsigmoid(pixels), pixels)[0] < 0


def state(scene: Scene) -> dict[str, Any]:
    hooks = {name: (len(module._forward_hooks), len(module._forward_pre_hooks), len(module._backward_hooks))
             for name, module in scene.detector.model.named_modules()}
    return {"hooks": hooks, "training": [module.training for module in scene.detector.model.modules()],
            "weights": [(weight.requires_grad, weight.grad) for weight in scene.detector.model.parameters()],
            "modes": list(_get_current_function_mode_stack()), "gradients": torch.is_grad_enabled()}


@pytest.mark.parametrize("method", ["guided_backprop", "guided_gradcam", "smoothgrad+guided_backprop:samples=2",
                                    "occlusion:window=0.5,stride=0.5", "integrated_gradients:steps=1"])
@pytest.mark.parametrize("fails", [False, True])
def test_the_model_is_left_as_it_was_found(in_place: Scene, method: str, fails: bool, monkeypatch: pytest.MonkeyPatch
                                           ) -> None:
    model = in_place.detector.model
    next(model.parameters()).requires_grad_(True)
    model.train()
    before = state(in_place)
    if fails:
        head = in_place.detector.head_modules(0)[0]
        monkeypatch.setattr(head, "forward", lambda *_: (_ for _ in ()).throw(RuntimeError("no room")))
        with pytest.raises(RuntimeError, match="no room") as raised:
            in_place.maps(method)
        assert raised.traceback  # which keeps the frames alive
    else:
        in_place.maps(method)
    assert state(in_place) == before
    model.eval()


def test_a_question_left_before_its_end_is_closed(in_place: Scene) -> None:
    before, gradients = state(in_place), PixelGradients(in_place.task("gradient"))
    left = gradients(in_place.canvas.pixels, guided=True)
    next(left)
    assert state(in_place) != before
    gradients.close()
    assert state(in_place) == before
    assert next(left, None) is None


def test_one_forward_pass_for_all_boxes(in_place: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    passes = []
    enter = Tape.__enter__
    monkeypatch.setattr(Tape, "__enter__", lambda tape: passes.append(1) or enter(tape))
    in_place.maps("guided_backprop")
    assert len(passes) == 1
