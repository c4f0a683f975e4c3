"""Classifiers: the same classes as by the library's own transforms, CAM where it is exact, and the crop's place."""

import json
import sys
import urllib.error
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import timm
import torch
import torchvision
from PIL import Image as PilImage
from support.places import SAMPLES
from torch import Tensor, nn
from torchvision.models.vgg import VGG, make_layers

import detcam
from detcam.attribution.attribute import attribute
from detcam.attribution.methods.registry import get_method
from detcam.attribution.target import TARGETS
from detcam.cli.main import main
from detcam.detectors.base import Detector
from detcam.detectors.classifiers.adapter import ClassifierDetector
from detcam.detectors.classifiers.registry import is_classifier, torchvision_names
from detcam.detectors.layers.hooks import recorded
from detcam.detectors.loading.load import load
from detcam.errors import DetectorError, InputError, WeightsError
from detcam.imaging.image import Image, load_image
from detcam.views.explanation.figure import figures

CAT = load_image(SAMPLES / "chelsea.png")
SMALL = 8  # classes of the random models


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Random weights of a few models, of so few classes that probabilities are not all the same."""
    found = {}
    for name in ("squeezenet1_1", "resnet18", "mobilenet_v3_small", "timm:resnet18", "timm:mobilenetv3_small_050"):
        torch.manual_seed(0)
        short = name.removeprefix("timm:")
        model = timm.create_model(short, num_classes=SMALL) if name != short else (
            torchvision.models.get_model(name, weights=None, num_classes=SMALL))
        for module in model.modules():
            if isinstance(module, nn.BatchNorm2d):  # as if trained: the signal neither dies nor grows
                module.momentum = 1.0
        with torch.no_grad():
            model.train()(torch.rand(4, 3, 224, 224))
        found[name] = tmp_path_factory.mktemp("weights") / f"{short}.pth"
        torch.save(model.state_dict(), found[name])
    return found


def made(name: str, weights: dict[str, Path], **options: Any) -> Detector:
    return load(name, weights=weights[name], class_names=[f"thing {label}" for label in range(SMALL)], **options)


def transforms_of(name: str, detector: Detector) -> Any:
    if name.startswith("timm:"):
        return timm.data.create_transform(**timm.data.resolve_model_data_config(detector.model), is_training=False)
    return torchvision.models.get_model_weights(name).DEFAULT.transforms()


@pytest.mark.parametrize("name", ["squeezenet1_1", "resnet18", "mobilenet_v3_small", "timm:resnet18",
                                  "timm:mobilenetv3_small_050"])
def test_the_same_classes_as_by_the_models_own_transforms(name: str, weights: dict[str, Path]) -> None:
    detector = made(name, weights, top_k=6)
    for shape in ((300, 451), (451, 300), (120, 130)):
        photo = Image(np.asarray(PilImage.fromarray(CAT.rgb).resize(shape[::-1])), "cat")
        with torch.no_grad():
            pixels = transforms_of(name, detector)(PilImage.fromarray(photo.rgb))[None]
            expected, labels = detector.model.eval()(pixels).softmax(-1)[0].topk(6)
        found = detector.detect(photo)
        assert found.labels.tolist() == labels.tolist()
        assert found.scores == pytest.approx(expected.numpy(), abs=1e-6)
        assert set(found.rows) == {0}
        assert len(np.unique(found.boxes, axis=0)) == 1


@pytest.mark.parametrize(("shape", "box"), [
    ((256, 512), (144, 16, 368, 240)),  # not resized: the middle 224 pixels
    ((512, 256), (16, 144, 240, 368)),
    ((512, 512), (32, 32, 480, 480)),
    ((128, 128), (8, 8, 120, 120)),
])
def test_the_box_is_what_the_classifier_sees(shape: tuple[int, int], box: tuple[int, ...],
                                             weights: dict[str, Path]) -> None:
    detector = made("squeezenet1_1", weights)
    rgb = np.zeros((*shape, 3), np.uint8)
    x1, y1, x2, y2 = box
    rgb[y1:y2, x1:x2] = 255
    photo = Image(rgb, "white where it sees")
    assert detector.detect(photo).boxes[0].tolist() == list(box)
    pixels = detector.canvas(photo).pixels
    assert pixels.shape == (1, 3, 224, 224)
    assert pixels[..., 2:-2, 2:-2].min() > 0.99
    assert pixels.mean() > 0.99


def test_a_spot_is_where_the_geometry_says(weights: dict[str, Path]) -> None:
    detector = made("squeezenet1_1", weights)
    rgb = np.zeros((300, 500, 3), np.uint8)
    rgb[90:120, 310:350] = 255
    canvas = detector.canvas(Image(rgb, "spot"))
    x1, y1, x2, y2 = canvas.geometries[0].to_canvas(np.array([310.0, 90, 350, 120]))
    y, x = np.nonzero(canvas.pixels[0, 0].numpy() > 0.5)
    assert [x.min(), y.min(), x.max() + 1, y.max() + 1] == pytest.approx([x1, y1, x2, y2], abs=1)


def test_hirescam_is_cam_where_cam_is_exact(weights: dict[str, Path]) -> None:
    """SqueezeNet pools its class maps, ResNet its features below a linear layer."""
    for name, layer in (("squeezenet1_1", "classifier.2"), ("resnet18", "layer4")):
        detector = made(name, weights)
        maps = detcam.explain(detector, CAT)
        detector.model.requires_grad_(False)
        with torch.no_grad(), recorded([detector.model.eval().get_submodule(layer)]) as outputs:
            logits = detector.forward(detector.canvas(CAT).pixels).class_logits(0)[0]
        bias = detector.model.fc.bias if name == "resnet18" else torch.zeros(SMALL)
        assert len(maps) > 2
        for one in maps:
            assert one.heatmap.layer == layer
            weight = detector.model.fc.weight[one.label] if name == "resnet18" else torch.eye(SMALL)[one.label]
            cam = (weight[:, None, None] * outputs[0][0]).sum(0) / outputs[0][0, 0].numel()
            assert np.abs(one.heatmap.values - cam.detach().numpy()).max() < 1e-5
            assert one.heatmap.values.sum() == pytest.approx(float(logits[one.label] - bias[one.label]), abs=1e-4)


def tiny_vgg() -> nn.Module:
    model = VGG(make_layers([8, "M", 16, "M"]), num_classes=2, init_weights=False)
    model.classifier = nn.Linear(16 * 7 * 7, 2)
    return model


@pytest.mark.parametrize(("model", "layer"), [
    (tiny_vgg, "features.4"),  # the last ReLU, before a pooling of its own
    (lambda: torchvision.models.DenseNet(8, (1, 1, 1, 1), 16, num_classes=2), "features"),
    (lambda: torchvision.models.shufflenet_v2_x0_5(weights=None, num_classes=2), "conv5"),
    (lambda: timm.create_model("convnext_atto", num_classes=2), "stages"),
])
def test_the_layer_is_the_last_map_before_pooling(model: Callable[[], nn.Module], layer: str) -> None:
    detector = load(model())
    assert isinstance(detector, ClassifierDetector)
    assert detector.auto_layer(-1) == layer
    found = detcam.explain(detector, CAT, sweep=True)
    assert found[0].heatmap.layer == layer
    assert list(found[0].sweep)[-1] == layer
    assert len(found[0].sweep) >= 2


class Spots(nn.Module):
    """Two classes: how red the left half is, and how red the right half."""

    def __init__(self) -> None:
        super().__init__()
        self.scale = nn.Conv2d(3, 1, 1, bias=False)
        nn.init.zeros_(self.scale.weight)
        self.scale.weight.data[0, 0] = 10.0

    def forward(self, pixels: Tensor) -> Tensor:
        red = self.scale(pixels)
        return torch.stack([red[..., :112].mean((1, 2, 3)), red[..., 112:].mean((1, 2, 3))], 1)


def test_classes_of_one_photograph_have_maps_of_their_own() -> None:
    detector = load(Spots(), task="classify", class_names=["left", "right"])
    photo = Image(np.random.default_rng(0).integers(0, 255, (256, 256, 3), dtype=np.uint8), "noise")
    found = detcam.explain(detector, photo, method=["hirescam", "gradient", get_method("drise", samples=100, grid=4)])
    assert {one.class_name for one in found} == {"left", "right"}
    for one in found:
        own, other = (slice(0, 100), slice(124, 224)) if one.class_name == "left" else (slice(124, 224), slice(0, 100))
        for name, heatmap in one.heatmaps.items():
            mine, theirs = (heatmap.values[:, part].mean() for part in (own, other))
            assert mine > theirs + 0.02 * abs(theirs), name
    assert found.edges is None


def test_masked_maps_of_a_classifier_are_rise() -> None:
    """Petsiuk et al. 2018, eq. 6, slowly: the mean of mask times probability, over the share that is kept."""
    detector = load(Spots(), task="classify", class_names=["left", "right"])
    canvas, found = detector.canvas(CAT), detector.detect(CAT)
    method = get_method("drise", samples=5, grid=3, centred=False)
    maps = attribute(detector, canvas, found, method, "auto", TARGETS["probability"], seed=3)
    masks: list[Tensor] = []

    def kept(pixels: Tensor) -> Tensor:
        masks.extend((pixels / canvas.pixels)[:, 0].nan_to_num())
        return torch.zeros(1, len(pixels))

    method.function(kept, canvas.pixels, torch.Generator().manual_seed(3))
    assert len(found) == 2
    for index, label in enumerate(found.labels):
        with torch.no_grad():
            slow = sum(mask * detector.forward(canvas.pixels * mask).scores[0, 0, label] for mask in masks) / (5 * 0.5)
        where = (canvas.pixels[0, 0] > 0).numpy()
        assert np.abs(maps[index].values - np.asarray(slow))[where].max() < 1e-5


def test_what_can_be_asked_about_a_class(weights: dict[str, Path]) -> None:
    detector = made("squeezenet1_1", weights)
    assert (detector.targets, detector.has_edges) == (("logit", "probability", "margin"), False)
    for target in detector.targets:
        assert detcam.explain(detector, CAT, target=target)[0].heatmap.status == "ok"
    with pytest.raises(InputError, match="target 'left': squeezenet1_1 has none"):
        detcam.explain(detector, CAT, target="left")
    with pytest.raises(DetectorError, match="selection of classifier models is not known"):
        detcam.explain(detector, CAT, at=(30, 30))


def test_a_picture_of_each_class_shows_what_is_seen_and_nothing_else(weights: dict[str, Path]) -> None:
    detector = made("squeezenet1_1", weights, top_k=2)
    explanation = detcam.explain(detector, CAT, method=["hirescam", "gradient"])
    axes = figures(explanation)[0].axes
    x1, y1, x2, y2 = explanation.detections.boxes[0]
    seen = [each for each in axes if np.allclose(each.get_xlim(), (x1, x2), atol=1)]
    assert len(seen) == 2 * (1 + 2 * 2)  # a row: the picture, and for each method the heat alone and over it
    assert all(np.allclose(each.get_ylim(), (y2, y1), atol=1) for each in seen)


def test_on_the_command_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, weights: dict[str, Path],
                             capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.chdir(tmp_path)
    Path("names.txt").write_text("".join(f"n{label:08d} thing {label}, a synonym\n" for label in range(SMALL)))
    assert main(["explain", str(SAMPLES / "chelsea.png"), "--model", "squeezenet1_1", "--weights",
                 str(weights["squeezenet1_1"]), "--class-names", "names.txt", "--top-k", "3", "--out", "out"]) == 0
    assert "inside to else" not in capsys.readouterr().out
    record = json.loads(Path("out/explanations.json").read_text())["images"][0]
    assert len(record["detections"]) == 3
    assert all(each["class_name"].startswith("thing ") and "," not in each["class_name"]
               for each in record["detections"])
    read = detcam.load_explanations("out")[0]
    assert read.classified
    assert (Path("out") / "chelsea.png").is_file()


def offline(*_: object, **__: object) -> None:
    raise urllib.error.URLError("no route to host")


def test_published_weights_offline_say_which_file_to_put_where(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import timm.models._builder

    monkeypatch.setattr(torch.hub, "get_dir", lambda: str(tmp_path / "hub"))
    monkeypatch.setattr(torch.hub, "download_url_to_file", offline)
    monkeypatch.setattr(timm.models._builder, "load_pretrained", offline)
    for name, file in (("squeezenet1_1", "squeezenet1_1-b8a52dc0.pth"), ("vgg16", "vgg16-397923af.pth"),
                       ("resnet18", "resnet18-f37072fd.pth")):
        with pytest.raises(WeightsError) as raised:
            load(name)
        assert f"https://download.pytorch.org/models/{file}" in str(raised.value)
        assert str(tmp_path / "hub" / "checkpoints" / file) in str(raised.value)
    with pytest.raises(WeightsError) as raised:
        load("timm:resnet18")
    assert "https://huggingface.co/timm/resnet18.a1_in1k/resolve/main/model.safetensors" in str(raised.value)
    assert "--weights FILE" in str(raised.value)
    assert "\n" not in str(raised.value)


def test_what_cannot_be_loaded_is_a_clear_error(weights: dict[str, Path], monkeypatch: pytest.MonkeyPatch) -> None:
    path = weights["squeezenet1_1"]
    cases: list[tuple[Any, dict[str, Any], type[Exception], str]] = [
        ("timm:resnet81", {}, InputError, "timm has no model 'resnet81': did you mean"),
        ("squeezenet1_2", {}, InputError, "unknown model 'squeezenet1_2': did you mean squeezenet1_1"),
        ("squeezenet1_1", {"weights": path}, WeightsError, "does not fit the model"),
        ("squeezenet1_1", {"weights": path, "score_activation": "sigmoid"}, InputError, "score_activation does not go"),
        ("squeezenet1_1", {"weights": path, "class_names": ["a"] * SMALL, "top_k": 0}, InputError, "top_k 0: expected"),
        (Spots(), {"task": "classify", "class_names": ["one"]}, InputError, "has 2 classes, and class_names names 1"),
        (Spots(), {"task": "detect"}, InputError, "task 'detect': expected 'classify', or None"),
        (nn.Conv2d(3, 2, 1), {"task": "classify"}, DetectorError, "expected logits [B, C] from a classifier, got"),
        ("detcam-person-ssd", {"top_k": 3}, InputError, "top_k does not go with detcam-person-ssd"),
    ]
    for model, options, error, words in cases:
        with pytest.raises(error) as raised:
            load(model, **options)
        assert words in str(raised.value)
    monkeypatch.setitem(sys.modules, "timm", None)
    with pytest.raises(InputError, match=r"timm is not installed; python -m pip install 'detcam\[timm\]'"):
        load("timm:resnet18")


def test_every_classifier_of_torchvision_is_known_by_name() -> None:
    assert {"vgg16", "resnet18", "squeezenet1_1", "densenet121", "convnext_tiny"} <= set(torchvision_names())
    assert not [name for name in torchvision_names() if "rcnn" in name or "ssd" in name]
    assert not is_classifier(torchvision.models.detection.ssdlite320_mobilenet_v3_large(weights=None,
                                                                                       weights_backbone=None))


@pytest.mark.assets
def test_squeezenet_sees_a_cat(assets: Path) -> None:
    folder = assets / "weights"
    detector = load("squeezenet1_1", weights=folder / "squeezenet1_1_imagenet.pth")
    assert isinstance(detector, ClassifierDetector)
    words = folder / "imagenet_synset_words.txt"
    named = load("squeezenet1_1", weights=folder / "squeezenet1_1_imagenet.pth", class_names=words)
    assert sum(named.class_names[label] != word for label, word in detector.class_names.items()) < 30  # spelling
    found = detcam.explain(named, CAT)
    assert {one.class_name for one in found[:3]} == {"tiger cat", "tabby", "Egyptian cat"}
    assert named._checked is True  # against torchvision's transforms, on classes above 5 %
