"""Every method of the table passes parameter randomization, or says in its description that it fails.

``python -m pytest tests/attribution/test_randomization.py -s`` prints the numbers.
"""

from collections import OrderedDict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cache
from hashlib import sha256

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from support.places import SAMPLES
from support.randomization import Map, distance, likeness, randomized
from torch import Generator, Tensor

import detcam
from detcam.attribution.attribute import attribute
from detcam.attribution.gradients.pixel_gradients import PixelGradients
from detcam.attribution.method import LAYER, Channels, Method
from detcam.attribution.methods import xrai
from detcam.attribution.methods.registry import get_method, takes
from detcam.attribution.methods.table import CHANNEL, MASKED, METHODS, PATH, PIXEL
from detcam.attribution.target import TARGETS
from detcam.detectors.base import Detector
from detcam.detectors.canvas import Canvas
from detcam.detectors.detections import Detections
from detcam.imaging.grid import Grid

WHERE = "backbone.conv4_3"  # of the detector that ships: its last layer of stride 8
ABOVE = ("head", "backbone.extra", "backbone.fc7")  # from the top down, all that leads from there to a box
BOXES, SEEDS = 3, (0, 1)
NOISE = 0.02  # of the pixel range: a change of the photograph that nobody sees
EVERY = 24  # of conv4_3's 192 channels; all of them take minutes, and leave 0.80 (Score-CAM) and 0.58 (Ablation-CAM)
STEPS = {"guided_ig": 3, "blur_ig": 3, "conductance": 4}  # what more of them changes is too little to pass or fail
LEFT = 0.4
"""Of a map's reproducibility (its likeness to itself under unseen noise) so much may be left after randomization: less
than a sixth of the rank variance. Measured: 0 to 0.25 for what passes, 0.5 for LayerCAM, 1 for activations alone."""


@dataclass(frozen=True)
class Scene:
    """A photograph's canvas, the same with unseen noise, the boxes, and the grids of the levels."""

    canvas: Canvas
    noisy: Canvas
    boxes: Detections
    grids: list[Grid]


@cache
def trained() -> Detector:
    return detcam.load("detcam-person-ssd")


@cache
def scenes() -> tuple[Scene, ...]:
    found = []
    for name in ("astronaut.png", "grace_hopper.jpg"):
        photo = detcam.load_image(SAMPLES / name)
        canvas = trained().canvas(photo)
        noise = torch.randn(canvas.pixels.shape, generator=Generator().manual_seed(9))
        with torch.no_grad():
            grids = [level.grid for level in trained().forward(canvas.pixels).levels]
        boxes = trained().detect(photo, 0.25)[:BOXES]
        found.append(Scene(canvas, replace(canvas, pixels=canvas.pixels + NOISE * noise), boxes, grids))
    return tuple(found)


@cache
def untrained(parts: tuple[str, ...], seed: int) -> Detector:
    return randomized(trained(), parts, [scene.canvas for scene in scenes()], seed)


def maps_of(detector: Detector, method: Method, noisy: bool = False) -> list[tuple[Map, Map]]:
    """Every box's map and the distances of its cells from the box's row; the rows stay the trained detector's."""
    found = []
    for scene in scenes():
        heatmaps = attribute(detector, scene.noisy if noisy else scene.canvas, scene.boxes, method, WHERE,
                             TARGETS["logit"])
        found += [(heatmap.values, distance(heatmap, scene.boxes, index, scene.grids))
                  for index, heatmap in enumerate(heatmaps)]
    return found


def likeness_left(method: Method) -> float:
    """Likeness to the map of untrained weights, over that to the map of the same weights under unseen noise."""
    parts = ABOVE if method.kind in (LAYER, PATH, CHANNEL) else (*ABOVE, WHERE)
    own, again = maps_of(trained(), method), maps_of(trained(), method, noisy=True)
    others = [maps_of(untrained(parts, seed), method) for seed in SEEDS]
    assert all(values.any() for maps in others for values, _ in maps)  # an untrained network that says something

    def likenesses(maps: list[tuple[Map, Map]]) -> list[float]:
        return [likeness(a, b, away)[1] for (a, away), (b, _) in zip(own, maps, strict=True)]

    stable = float(np.mean(likenesses(again)))
    left = float(np.mean([value for maps in others for value in likenesses(maps)]))
    print(f"\n{method.name}: likeness {stable:.2f} under unseen noise, {left:.2f} untrained, left {left / stable:.2f}")
    assert stable > 0.4  # without a map that is stable there is nothing to lose
    return left / stable


SEGMENTS: dict[tuple[bytes, int], list[NDArray[np.bool_]]] = {}
ASKED: "OrderedDict[tuple[object, ...], list[Tensor]]" = OrderedDict()
KEPT = 40  # answers of at most 13 MB each: as many as lie between two methods that ask the same


@pytest.fixture(autouse=True)
def nothing_is_asked_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    """Methods ask the same of the same networks: XRAI goes Integrated Gradients' way, three take the same noise."""
    ask, segments = PixelGradients.__call__, xrai.segments_of

    def gradients(own: PixelGradients, pixels: Tensor, boxes: Sequence[int] | None = None, guided: bool = False
                  ) -> Iterator[Tensor]:
        if boxes is not None:  # on a path of a box's own
            return ask(own, pixels, boxes, guided)
        digest = sha256(pixels.contiguous().numpy().tobytes()).digest()
        key = id(own.task.detector), tuple(own.task.keys), own.task.target.name, digest, guided
        if key not in ASKED:
            ASKED[key] = list(ask(own, pixels, boxes, guided))
        ASKED.move_to_end(key)
        if len(ASKED) > KEPT:
            ASKED.popitem(last=False)
        return (gradient.clone() for gradient in ASKED[key])

    def segmented(photograph: NDArray[np.floating], dilation: int) -> list[NDArray[np.bool_]]:
        digest = sha256(photograph.tobytes()).digest()
        if (digest, dilation) not in SEGMENTS:
            SEGMENTS[digest, dilation] = segments(photograph, dilation)
        return SEGMENTS[digest, dilation]

    monkeypatch.setattr(PixelGradients, "__call__", gradients)
    monkeypatch.setattr(xrai, "segments_of", segmented)


def quick(name: str) -> Method:
    """A method with few noisy copies, if it takes any, or with few channels, if it asks them one by one."""
    method = get_method(name)
    if method.kind == CHANNEL:
        return replace(method, function=lambda channels: method.function(Few(channels)))
    few = {"samples": 4, "steps": STEPS.get(name, 8), "tolerance": 1e9, "window": 0.2, "stride": 0.2}
    return get_method(name, **{setting: value for setting, value in few.items() if setting in takes(name)})


@dataclass(frozen=True)
class Few:
    """Every 24th channel of a layer, as if it had no others."""

    whole: Channels

    @property
    def activations(self) -> Tensor:
        return self.whole.activations[::EVERY]

    @property
    def clean(self) -> Tensor:
        return self.whole.clean

    def through(self, chosen: Tensor) -> Tensor:
        return self.whole.through(chosen * EVERY)

    def without(self, chosen: Tensor) -> Tensor:
        return self.whole.without(chosen * EVERY)


@pytest.mark.parametrize("name", METHODS)
def test_a_method_passes_or_is_marked_as_failing(name: str) -> None:
    if METHODS[name].where in [METHODS[other].where for other in list(METHODS)[: list(METHODS).index(name)]]:
        pytest.skip("the same function as a method before it")
    if name == "cam":
        pytest.skip("a detector's boxes have none")
    if METHODS[name].kind == MASKED:
        pytest.skip("asks for the detector's answers alone, and with few masks their own pattern is most of the map")
    assert (likeness_left(quick(name)) >= LEFT) == METHODS[name].fails_randomization
    assert METHODS[name].fails_randomization == ("fails parameter randomization" in METHODS[name].description.lower())


def activations_alone(activations: Tensor, gradients: Tensor) -> Tensor:
    return activations.sum(0)


def contrast(gradients: PixelGradients, pixels: Tensor, generator: Generator) -> Tensor:
    """An edge detector, as an attribution method."""
    grey = pixels[0].mean(0)
    down, right = torch.zeros_like(grey), torch.zeros_like(grey)
    down[1:], right[:, 1:] = grey.diff(dim=0), grey.diff(dim=1)
    return (down.abs() + right.abs()).expand(BOXES, -1, -1)


@pytest.mark.parametrize(("function", "kind"), [(activations_alone, LAYER), (contrast, PIXEL)])
def test_what_never_looks_at_the_box_fails(function: Callable[..., Tensor], kind: str) -> None:
    assert likeness_left(Method(function.__name__, kind, function)) > 0.9


def test_a_random_map_has_no_likeness() -> None:
    generator = np.random.default_rng(0)
    a, b, away = generator.normal(size=(3, 40, 40))
    assert abs(likeness(a, b, away)[1]) < 0.1
    assert likeness(a, a, away)[1] == pytest.approx(1)
    envelope = np.exp(-away)  # two maps that share nothing but where they are strong
    assert likeness(a * envelope, b * envelope, away)[0] > 0.3
    assert abs(likeness(a * envelope, b * envelope, away)[1]) < 0.1
