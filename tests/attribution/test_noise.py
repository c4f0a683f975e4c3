"""SmoothGrad, SmoothGrad-squared and VarGrad, of the gradient and of other methods, against captum and by hand."""

import numpy as np
import pytest
import torch
from captum.attr import InputXGradient, NoiseTunnel, Saliency
from captum.attr._core import noise_tunnel
from support.row import Scene, agree, scene_of
from torch import Generator, Tensor

from detcam.attribution.attribute import attribute
from detcam.attribution.heatmap import UNREACHABLE
from detcam.attribution.inputs import noise
from detcam.attribution.inputs.noise import CHUNK, NOISE, Moments
from detcam.attribution.methods.registry import entry_of, get_method
from detcam.attribution.methods.table import METHODS
from detcam.attribution.target import TARGETS
from detcam.detectors.canvas import Canvas
from detcam.errors import MethodError

SAMPLES = CHUNK + 2  # more than a pass
CAPTUM = {"smoothgrad": "smoothgrad", "smoothgrad_squared": "smoothgrad_sq", "vargrad": "vargrad"}


@pytest.fixture(scope="module", params=["ssd", "yolov8n"])
def scene(request: pytest.FixtureRequest) -> Scene:
    return scene_of(request.param)


def drawn(pixels: Tensor, seed: int) -> Tensor:
    """The noise of each copy, of standard deviation 1."""
    seeds = torch.randint(2**62, (SAMPLES,), generator=Generator().manual_seed(seed))
    return torch.cat([torch.randn(pixels.shape, generator=Generator().manual_seed(each), dtype=pixels.dtype)
                      for each in seeds.tolist()])


@pytest.mark.parametrize("average", CAPTUM)
@pytest.mark.parametrize("averaged", ["gradient", "gradient_x_input"])
def test_they_equal_captum_on_the_same_noise(scene: Scene, average: str, averaged: str,
                                             monkeypatch: pytest.MonkeyPatch) -> None:
    pixels = scene.canvas.pixels
    monkeypatch.setattr(noise_tunnel.torch, "normal", lambda mean, std: std * drawn(pixels, 7))
    peer = Saliency(scene.module()) if averaged == "gradient" else InputXGradient(scene.module())
    options = {"abs": False} if averaged == "gradient" else {}
    theirs = NoiseTunnel(peer).attribute(pixels.clone(), nt_type=CAPTUM[average], nt_samples=SAMPLES, stdevs=NOISE,
                                         target=0, **options)[0].detach()
    monkeypatch.undo()
    name = average if averaged == "gradient" else f"{average}+{averaged}"
    mine = scene.map(name, samples=SAMPLES, seed=7)
    agree(mine, (theirs.abs() if averaged == "gradient" else theirs).sum(0))


def test_an_average_of_the_gradient_is_the_plain_one(scene: Scene) -> None:
    np.testing.assert_array_equal(scene.map("vargrad+gradient", samples=2), scene.map("vargrad", samples=2))


@pytest.mark.parametrize("averaged", ["gradient", "gradient_x_input", "guided_backprop", "hirescam", "gradcam++",
                                      "guided_gradcam", "integrated_gradients:steps=3,tolerance=1e9"])
def test_without_noise_an_average_is_what_it_averages(scene: Scene, averaged: str) -> None:
    name, _, settings = averaged.partition(":")
    words = f"smoothgrad+{name}:samples=2,noise=0" + ("," + settings if settings else "")
    agree(scene.map(words), scene.map(averaged))
    variance = scene.map(f"vargrad+{words.partition('+')[2]}")
    assert np.abs(variance).max() <= 1e-12 * np.abs(scene.map(averaged)).max() ** 2


@pytest.mark.parametrize("layer", ["auto", "depth"])
def test_a_layer_method_is_averaged_layer_by_layer_with_its_signs(scene: Scene, layer: str) -> None:
    copies = scene.canvas.pixels + NOISE * drawn(scene.canvas.pixels, 3)
    found = scene.maps("smoothgrad+hirescam", layer, 3, samples=SAMPLES)
    assert len(found) == 3
    for box, heatmap in enumerate(found):
        names = heatmap.layer.split("+")
        means = {}
        for name in names:
            own = [attribute(scene.detector, Canvas(copy, scene.canvas.geometries), scene.boxes[[box]],
                             get_method("hirescam"), name, TARGETS["logit"])[0].values for copy in copies.split(1)]
            means[name] = np.mean(own, 0)
        if len(names) == 1:
            agree(heatmap.values, means[names[0]])
        else:
            assert heatmap.scales == pytest.approx({name: mean.clip(0).mean() for name, mean in means.items()})


def test_a_layer_that_cannot_reach_the_box_says_so(scene: Scene) -> None:
    other = next(index for index in range(3) if index != scene.boxes.levels[0])
    assert scene.alone().maps("smoothgrad+hirescam", f"level.{other}", samples=2)[0].status == UNREACHABLE


@pytest.mark.parametrize("method", ["vargrad", "smoothgrad+hirescam"])
def test_a_map_depends_neither_on_other_boxes_nor_on_how_many_copies_fit(
        scene: Scene, method: str, monkeypatch: pytest.MonkeyPatch) -> None:
    together = scene.maps(method, samples=5)
    monkeypatch.setattr(noise, "CHUNK", 2)
    for box, heatmap in enumerate(together):
        agree(heatmap.values, scene.alone(box).maps(method, samples=5)[0].values)


def test_what_is_to_be_known_of_both_is_said() -> None:
    entry, method = entry_of("vargrad+layercam"), get_method("vargrad+layercam")
    assert entry is not None
    assert entry.fails_randomization  # as LayerCAM does
    assert entry.description == method.description
    assert METHODS["vargrad"].description in entry.description
    assert METHODS["layercam"].description in entry.description
    assert entry_of("my own") is entry_of("vargrad+my own") is None


def test_moments_are_those_of_all_copies_together() -> None:
    values = 1e4 + torch.randn(7, 2, 3, generator=Generator().manual_seed(0), dtype=torch.float64)
    moments = Moments.of(values[:4])
    moments.add(Moments.of(values[4:6]))
    moments.add(Moments.of(values[6:]))
    torch.testing.assert_close(moments.mean, values.mean(0))
    torch.testing.assert_close(moments.variance, values.var(0, correction=0))
    torch.testing.assert_close(moments.mean_square, values.square().mean(0))


@pytest.mark.parametrize(("words", "message"), [
    ("smoothgrad+drise", "averages methods that use gradients"),
    ("hirescam+gradient", "cannot average another method"),
    ("smoothgrad+smoothgrad", "averages methods that use gradients"), ("smoothgrad+gradiant", "unknown method"),
    ("smoothgrad:samples=0", "at least 1 sample"), ("smoothgrad:noise=-1", "noise of at least 0"),
    ("smoothgrad:samples=many", "expected a whole number"), ("smoothgrad:noise=nan", "expected a number"),
    ("smoothgrad:samples", "no SETTING=VALUE"), ("smoothgrad+hirescam:steps=3", "takes no setting 'steps'"),
    ("occlusion:baseline=3", "expected a word"), ("integrated_gradients:baseline=pink", "known: black, white, grey"),
])
def test_what_does_not_fit_is_an_error(scene: Scene, words: str, message: str) -> None:
    with pytest.raises(MethodError, match=message):
        scene.maps(words)
