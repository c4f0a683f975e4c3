"""Loading detectors: every kind of model, and a clear error for what cannot be loaded."""

import subprocess
import sys
import urllib.error
from functools import cache
from importlib import import_module
from inspect import signature
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest
import torch
import torchvision
from support.places import ROOT, SUPPORT, TINY
from support.tiny import CLASSES, live_yolo, photograph, save_yolo, tiny_ssd, tiny_yolo
from support.tiny_rcnn import tiny_fasterrcnn, tiny_maskrcnn

import detcam
from detcam.detectors.base import Detector
from detcam.detectors.for_torchvision.registry import FAMILIES, Family, adapter_of
from detcam.detectors.for_torchvision.ssd import SSDDetector
from detcam.detectors.for_ultralytics.load_ultralytics import Checkpoint
from detcam.detectors.for_ultralytics.names import RTDETR_NETWORK, YOLO_NAMES
from detcam.detectors.for_ultralytics.yolo import YOLODetector
from detcam.detectors.loading import load as load_module
from detcam.detectors.loading import model_kinds
from detcam.detectors.loading.model_kinds import DETECTOR, MODEL_KINDS, MODULE, OPTIONS, ModelKind
from detcam.detectors.loading.request import is_a
from detcam.errors import DetectorError, InputError, WeightsError
from detcam.imaging.image import Image

IMAGE = Image(photograph(1), "rectangles")


def test_a_live_ssd_and_its_file_and_function_detect_the_same(tmp_path: Path) -> None:
    words = tmp_path / "classes.txt"
    words.write_text("\n".join(CLASSES) + "\n")
    weights = tmp_path / "weights.pth"
    torch.save(tiny_ssd(seed=3).state_dict(), weights)
    live = detcam.load(tiny_ssd(seed=3), class_names=list(CLASSES))
    from_file = detcam.load(TINY, weights=weights, class_names=words)
    assert isinstance(from_file, SSDDetector)
    assert live.class_names == from_file.class_names == {1: "box", 2: "ball"}
    assert live.fingerprint == from_file.fingerprint
    assert detcam.load(TINY).fingerprint != live.fingerprint
    assert (live.detect(IMAGE).rows == from_file.detect(IMAGE).rows).all()


def test_a_yolo_checkpoint_and_a_live_yolo_detect_the_same(tmp_path: Path) -> None:
    path = save_yolo(tiny_yolo(), tmp_path / "saved.pt", imgsz=96)
    detectors = [detcam.load(live_yolo(tmp_path), imgsz=96), detcam.load(path), detcam.load(str(path))]
    for detector in detectors:
        assert isinstance(detector, YOLODetector)
        assert detector.canvas(IMAGE).pixels.shape[-1] == 96  # imgsz from the checkpoint
        assert (detector.detect(IMAGE).rows == detectors[0].detect(IMAGE).rows).all()
    assert detcam.load(path, imgsz=128).canvas(IMAGE).pixels.shape[-1] == 128


@pytest.mark.parametrize(("model", "options", "error", "words"), [
    ("ssd300_vgg", {}, InputError, "unknown model 'ssd300_vgg': did you mean ssd300_vgg16"),
    (3, {}, InputError, "cannot load a detector from int"),
    ("missing.pt", {}, WeightsError, "missing.pt: no such checkpoint file"),
    ("folder/yolov8n.pt", {}, WeightsError, "folder/yolov8n.pt: no such checkpoint file"),
    ("nowhere.py:build", {}, InputError, "nowhere.py: no such Python file"),
    (TINY.replace("tiny_ssd", "tiny_sd"), {}, InputError, "has no function 'tiny_sd': did you mean tiny_ssd"),
    (TINY.replace("tiny_ssd", "photograph"), {}, DetectorError,
     "expected the function to return a model of torchvision's"),
    (torch.nn.Linear(2, 2), {}, DetectorError, "expected a model of torchvision's (SSD"),
    (torch.nn.Linear(2, 2), {"task": "segment"}, InputError, "task 'segment': expected 'classify', or None"),
    (TINY, {"weights": "nowhere.pth"}, WeightsError, "nowhere.pth: no such weights file"),
    (TINY, {"class_names": "nowhere.txt"}, InputError, "nowhere.txt: cannot be read as a list of class names"),
    (TINY, {"class_names": ["background", "box", "ball"]}, InputError,
     "3 names, the last of label 3, and tiny.py:tiny_ssd knows labels up to 2: name its classes from label 1 on"),
    (TINY, {"score_activation": "tanh"}, InputError, "score activation 'tanh': expected one of softmax, sigmoid"),
])
def test_what_cannot_be_loaded_is_a_clear_error(model: Any, options: dict[str, Any], error: type[Exception],
                                                words: str) -> None:
    with pytest.raises(error) as raised:
        detcam.load(model, **options)
    assert words in str(raised.value)
    assert "\n" not in str(raised.value)


def network(name: str) -> torch.nn.Module:
    """A network of a class that is called so."""
    module: torch.nn.Module = type(name, (torch.nn.Linear,), {})(2, 2)
    return module


@cache
def samples() -> dict[str, list[Any]]:
    """Models of each kind, by its word."""
    families: dict[str, list[Any]] = {family.word: [*family.names] for family in FAMILIES}
    families["SSD"].append(tiny_ssd())
    families["Faster R-CNN"].append(tiny_fasterrcnn())
    families["Mask R-CNN"].append(tiny_maskrcnn())
    hugging_face = network("DetrForObjectDetection")
    hugging_face.config = SimpleNamespace(model_type="detr")
    return {
        "a checkpoint of ultralytics": ["yolov8n.pt", Path("folder/of/mine.pt")],
        "RT-DETR": [Checkpoint(network(RTDETR_NETWORK), {}, "mine.pt")],
        "YOLO": [Checkpoint(network("DetectionModel"), {}, "mine.pt")],
        "a DETR of transformers": ["facebook/detr-resnet-50", hugging_face],
        "detcam's SSD": ["detcam-person-ssd"],
        **families,
        "a function in a Python file": [TINY, "no/such.py:function"],
        "a classifier": ["resnet18", "timm:resnet18", torchvision.models.squeezenet1_1()],
        "a detector of your own": [detcam.load(tiny_ssd())],
        "a plain callable": [photograph],
    }


VALUES = {"weights": "mine.pth", "class_names": ["box"], "device": "cpu", "head": "one2one", "imgsz": 64,
          "score_activation": "sigmoid", "task": "classify", "top_k": 3}


def test_every_kind_of_model_is_looked_at_with_every_option() -> None:
    assert list(samples()) == [kind.word for kind in MODEL_KINDS]
    assert list(VALUES) == list(OPTIONS)
    assert set(signature(detcam.load).parameters) == {*OPTIONS, "model", "unsafe"}
    live = [kind for kind in MODEL_KINDS if kind.word != "a function in a Python file"]
    assert {option for kind in live for option in kind.options} == {*OPTIONS}


@pytest.mark.parametrize("kind", MODEL_KINDS, ids=lambda kind: kind.word)
def test_an_option_is_refused_or_handed_on_as_the_table_says(kind: ModelKind, monkeypatch: pytest.MonkeyPatch) -> None:
    built = []
    monkeypatch.setattr(load_module, "_build", lambda *asked: built.append(asked))
    for model in samples()[kind.word]:
        detcam.load(model)
        for option, value in VALUES.items():
            if option in kind.options:
                detcam.load(model, **{option: value})
                assert built[-1][0] is kind
                assert built[-1][1].options == {option: value}
            else:
                with pytest.raises(InputError) as raised:
                    detcam.load(model, **{option: value})
                assert f"{option} does not go with" in str(raised.value)
                assert f"which is loaded as {kind.word} and takes " in str(raised.value)
                assert all(taken in str(raised.value) for taken in kind.options)
    assert len(built) == len(samples()[kind.word]) * (1 + len(kind.options))
    assert all(asked[0] is kind for asked in built)


@pytest.mark.parametrize("kind", MODEL_KINDS, ids=lambda kind: kind.word)
def test_what_builds_a_kind_of_model_is_there(kind: ModelKind) -> None:
    module, _, function = kind.build.partition(":")
    assert list(signature(getattr(import_module(module), function)).parameters) == ["request"]


def test_a_new_family_is_a_file_and_a_line(monkeypatch: pytest.MonkeyPatch) -> None:
    family = ModuleType("of_my_own")
    family.build = lambda request: request.options["imgsz"]  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, family.__name__, family)
    line = ModelKind("mine", lambda request: request.model == "mine:small", ("imgsz",), "of_my_own:build")
    with pytest.raises(InputError, match="unknown model 'mine:small'"):
        detcam.load("mine:small", imgsz=64)
    monkeypatch.setattr(model_kinds, "MODEL_KINDS", (*MODEL_KINDS, line))
    assert detcam.load("mine:small", imgsz=64) == 64
    with pytest.raises(InputError, match="head does not go with mine:small, which is loaded as mine and takes imgsz"):
        detcam.load("mine:small", head="one2one")


def test_a_network_and_a_detector_are_told_without_their_libraries() -> None:
    assert is_a(torch.nn.Linear(2, 2), MODULE)
    assert is_a(detcam.load(tiny_ssd()), DETECTOR)
    assert not is_a(detcam.load(tiny_ssd()), MODULE)


def test_the_table_is_read_without_torch() -> None:
    code = (
        "import sys, types;"
        f"package = types.ModuleType('detcam'); package.__path__ = {[str(ROOT / 'detcam')]!r};"
        "sys.modules['detcam'] = package;"  # without what its __init__ imports
        "from detcam.detectors.loading.load import load; from detcam.detectors.loading.model_kinds import MODEL_KINDS;"
        "assert len(MODEL_KINDS) > 10;"
        "assert not {'torch', 'torchvision', 'ultralytics', 'transformers'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_a_function_makes_whatever_load_takes(tmp_path: Path) -> None:
    file = tmp_path / "mine.py"
    file.write_text(f"import sys; sys.path.insert(0, {str(SUPPORT.parent)!r})\n"
                    "import detcam\nfrom support.tiny import photograph, tiny_ssd\n"
                    "def network(): return tiny_ssd(seed=3)\n"
                    "def detector(): return detcam.load(tiny_ssd(seed=3), class_names=['box', 'ball'])\n"
                    "def callable_(): return lambda rgb: ([[1, 2, 30, 40]], [0], [0.9])\n")
    network = detcam.load(f"{file}:network", device="cpu")
    assert network.name == "mine.py:network"
    assert network.fingerprint == detcam.load(f"{file}:detector", device="cpu").fingerprint
    plain = detcam.load(f"{file}:callable_", class_names=["spot"], device="cpu")
    assert plain.detect(IMAGE).boxes.tolist() == [[1, 2, 30, 40]]
    with pytest.raises(InputError, match=r"class_names does not go with mine\.py:detector, .* and takes no options"):
        detcam.load(f"{file}:detector", class_names=["spot"])


@pytest.mark.parametrize("family", FAMILIES, ids=lambda family: family.word)
def test_every_line_of_the_table_names_a_class_of_torchvision_s_and_its_builders(family: Family) -> None:
    from torchvision.models import get_model_builder

    module, _, kind = family.kind.rpartition(".")
    for name in family.names:
        assert signature(get_model_builder(name)).return_annotation is getattr(import_module(module), kind)
    assert issubclass(adapter_of(family), Detector)


def test_weights_that_do_not_fit_or_are_damaged(tmp_path: Path) -> None:
    other = tmp_path / "other.pth"
    torch.save({"conv.weight": torch.zeros(3)}, other)
    with pytest.raises(WeightsError, match="does not fit the model"):
        detcam.load(TINY, weights=other)
    other.write_bytes(b"no weights at all")
    with pytest.raises(WeightsError, match="not a file of plain weights"):
        detcam.load(TINY, weights=other)


class Dangerous:
    """A pickle that runs code when it is loaded."""

    def __init__(self, marker: Path) -> None:
        self.marker = marker

    def __reduce__(self) -> tuple[Any, ...]:
        return (Path.touch, (self.marker,))


@pytest.mark.parametrize("kind", ["weights", "checkpoint"])
def test_code_in_a_pickle_runs_only_on_the_explicit_flag(tmp_path: Path, kind: str) -> None:
    marker, path = tmp_path / "ran", tmp_path / ("model.pt" if kind == "checkpoint" else "model.pth")
    torch.save({"model": Dangerous(marker)}, path)
    with pytest.raises(WeightsError):
        detcam.load(path) if kind == "checkpoint" else detcam.load(TINY, weights=path)
    assert not marker.exists()
    if kind == "checkpoint":
        with pytest.raises(WeightsError, match="holds no YOLO model"):
            detcam.load(path, unsafe=True)
        assert marker.exists()


def test_the_unsafe_way_never_installs_anything(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import ultralytics.nn.tasks

    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("tried to install a package")

    monkeypatch.setattr(ultralytics.nn.tasks, "check_requirements", refuse)
    gone = ModuleType("detcam_no_such_module")
    gone.Thing = type("Thing", (), {"__module__": gone.__name__})  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, gone.__name__, gone)
    path = tmp_path / "model.pt"
    torch.save({"model": gone.Thing()}, path)  # type: ignore[attr-defined]
    monkeypatch.delitem(sys.modules, gone.__name__)
    with pytest.raises(WeightsError, match="the safe loader refuses it"):
        detcam.load(path)
    with pytest.raises(WeightsError, match="needs the Python module 'detcam_no_such_module'"):
        detcam.load(path, unsafe=True)


def test_a_truncated_checkpoint_is_a_clear_error(tmp_path: Path) -> None:
    whole = save_yolo(tiny_yolo(), tmp_path / "whole.pt")
    cut = tmp_path / "cut.pt"
    cut.write_bytes(whole.read_bytes()[:2000])
    with pytest.raises(WeightsError, match=r"cut\.pt"):
        detcam.load(cut)


def offline(*_: object, **__: object) -> None:
    raise urllib.error.URLError("no route to host")


@pytest.mark.parametrize(("name", "file"), [
    ("ssd300_vgg16", "ssd300_vgg16_coco-b556d3b4.pth"),
    ("ssdlite320_mobilenet_v3_large", "ssdlite320_mobilenet_v3_large_coco-a79551df.pth"),
    ("retinanet_resnet50_fpn", "retinanet_resnet50_fpn_coco-eeacb38b.pth"),
    ("retinanet_resnet50_fpn_v2", "retinanet_resnet50_fpn_v2_coco-5905b1c5.pth"),
    ("fcos_resnet50_fpn", "fcos_resnet50_fpn_coco-99b0c9b7.pth"),
])
def test_torchvision_weights_offline_say_which_file_to_put_where(tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
                                                                 name: str, file: str) -> None:
    monkeypatch.setattr(torch.hub, "get_dir", lambda: str(tmp_path / "hub"))
    monkeypatch.setattr(torch.hub, "download_url_to_file", offline)
    with pytest.raises(WeightsError) as raised:
        detcam.load(name)
    assert f"https://download.pytorch.org/models/{file}" in str(raised.value)
    assert str(tmp_path / "hub" / "checkpoints" / file) in str(raised.value)


def test_a_cached_copy_of_torchvision_weights_is_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from torchvision.models.detection import ssdlite320_mobilenet_v3_large

    monkeypatch.setattr(torch.hub, "get_dir", lambda: str(tmp_path))
    monkeypatch.setattr(torch.hub, "download_url_to_file", offline)
    model = ssdlite320_mobilenet_v3_large(weights=None, weights_backbone=None)
    (tmp_path / "checkpoints").mkdir()
    name = "ssdlite320_mobilenet_v3_large_coco-a79551df.pth"
    torch.save(model.state_dict(), tmp_path / "checkpoints" / name)
    monkeypatch.setattr(torch.hub, "HASH_REGEX", torch.hub.re.compile("never"))  # its hash is not the release's
    detector = detcam.load("ssdlite320_mobilenet_v3_large")
    assert detector.fingerprint == detcam.load(model).fingerprint
    assert detector.class_names[1] == "person"
    assert len(detector.class_names) == 90


def test_ultralytics_weights_offline_say_which_file_to_put_where(tmp_path: Path, monkeypatch: pytest.MonkeyPatch
                                                                 ) -> None:
    import ultralytics.utils.downloads

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(ultralytics.utils, "SETTINGS", {"weights_dir": tmp_path / "weights"})
    monkeypatch.setattr(ultralytics.utils.downloads, "safe_download", offline)
    for name in ("yolov3-sppu.pt", "yolov5n6u.pt", "yolov9t.pt", "yolov10n.pt", "yolo11n.pt", "yolo12n.pt"):
        with pytest.raises(WeightsError) as raised:
            detcam.load(name)
        assert f"fetch {name}" in str(raised.value)
        assert str(tmp_path / "weights") in str(raised.value)
    save_yolo(tiny_yolo("yolo11n"), tmp_path / "yolo11n.pt")
    assert detcam.load("yolo11n.pt").name == "yolo11n.pt"


@pytest.mark.parametrize(("version", "words"), [
    ("yolov8n-obb", "a Detect, Segment or Pose head, got OBB: its boxes are oriented"),
    ("yolov8n-cls", "a Detect, Segment or Pose head, got Classify: it classifies whole photographs"),
])
def test_a_yolo_without_upright_boxes_is_refused(version: str, words: str) -> None:
    from ultralytics import YOLO

    with pytest.raises(DetectorError, match=words):
        detcam.load(YOLO(f"{version}.yaml"))


def test_every_published_yolo_name_is_one_that_ultralytics_publishes() -> None:
    from ultralytics.utils.downloads import GITHUB_ASSETS_NAMES

    assert set(YOLO_NAMES) <= GITHUB_ASSETS_NAMES
    assert {"yolov3u.pt", "yolov3-tinyu.pt", "yolov5n6u.pt", "yolov9c.pt", "yolov10b.pt", "yolo12x.pt"} <= {*YOLO_NAMES}
    with pytest.raises(WeightsError, match=r"did you mean yolov5nu\.pt"):
        detcam.load("yolov5n.pt")
