"""DETR models of transformers: how they are loaded, and that they are explained in place and left as they were."""

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from support.tiny import photograph

import detcam
from detcam.attribution.gradients.tape import PIXELS, Tape
from detcam.errors import DetectorError, InputError, WeightsError
from detcam.imaging.image import Image

pytest.importorskip("transformers", reason="DETR needs transformers: pip install 'detcam[detr]'")

from support.tiny_detr import HF_CLASSES, tiny_hf

from detcam.detectors.for_transformers.detr import HFDetrDetector

IMAGE = Image(photograph(0), "rectangles")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A saved DETR with a backbone of timm's, as the published ones have, whose configuration asks for its weights."""
    path = tmp_path_factory.mktemp("saved") / "my-detr"
    for part in tiny_hf(timm=True):
        part.save_pretrained(path)
    config = json.loads((path / "config.json").read_text())
    config["use_pretrained_backbone"] = True
    config["backbone_config"]["use_pretrained_backbone"] = True
    (path / "config.json").write_text(json.dumps(config))
    return path


def test_a_folder_and_a_live_model_give_the_same(folder: Path) -> None:
    model, processor = tiny_hf(timm=True)
    live, saved = HFDetrDetector(model, processor), detcam.load(folder)
    assert isinstance(saved, HFDetrDetector)
    assert (saved.name, saved.family, saved.architecture) == ("my-detr", "detr", "detr")
    assert saved.class_names == HF_CLASSES
    assert saved.rivals == {**HF_CLASSES, 3: "no object"}
    assert saved.fingerprint == live.fingerprint
    ours, theirs = saved.detect(IMAGE, 0.25), live.detect(IMAGE, 0.25)
    assert len(ours) >= 20
    np.testing.assert_array_equal(ours.boxes, theirs.boxes)
    assert saved.edge_layer.endswith(".layer2")  # transformers has changed what comes before
    assert [stage.name.rpartition(".")[2] for stage in saved.depth_layers] == ["layer2", "layer3"]  # and its own level


def test_a_live_model_without_a_processor_is_brought_the_published_size() -> None:
    detector = detcam.load(tiny_hf()[0])
    canvas = detector.canvas(IMAGE)
    assert canvas.pixels.shape[-2:] == (800, 1066)  # of 96 by 128
    assert 0 <= canvas.pixels.min() < canvas.pixels.max() <= 1


def test_the_canvas_is_the_processor_s_own_before_it_normalises() -> None:
    model, processor = tiny_hf()
    detector = HFDetrDetector(model, processor)
    expected = processor(images=IMAGE.rgb, return_tensors="pt")["pixel_values"]
    torch.testing.assert_close(detector._normalised(detector.canvas(IMAGE).pixels), expected, rtol=0, atol=2e-6)


def test_the_model_is_left_as_it_was_found(monkeypatch: pytest.MonkeyPatch) -> None:
    model, processor = tiny_hf()
    model.train()
    wanted = {name: weight.requires_grad for name, weight in model.named_parameters()}
    names = [name for name, _ in model.named_modules()]
    detector = HFDetrDetector(model, processor)
    detcam.explain(detector, IMAGE, method=["hirescam", "gradient"], max_boxes=2)
    assert model.training
    assert {name: weight.requires_grad for name, weight in model.named_parameters()} == wanted
    assert [name for name, _ in model.named_modules()] == names
    assert not any(module._forward_hooks or module._forward_pre_hooks for module in model.modules())
    monkeypatch.setattr(model.bbox_predictor, "forward", lambda _: 1 / 0)
    with pytest.raises(ZeroDivisionError), Tape(detector, detector.canvas(IMAGE).pixels, ["level.0", PIXELS]):
        pass
    assert not any(module._forward_hooks or module._forward_pre_hooks for module in model.modules())


def test_offline_says_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    with pytest.raises(WeightsError, match=r"facebook/detr-resnet-50: .*https://huggingface.co/facebook/detr-resnet-50 "
                                           r"elsewhere and give the folder"):
        detcam.load("facebook/detr-resnet-50")


def test_without_transformers_says_what_to_install(monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
    monkeypatch.setitem(sys.modules, "transformers", None)
    with pytest.raises(DetectorError, match=r"needs the transformers package .*pip install 'detcam\[detr\]'"):
        detcam.load(folder)


@pytest.mark.parametrize(("change", "error", "words"), [
    ({"model_type": "bert"}, DetectorError, r"type 'bert', which .* known: detr, conditional_detr"),
    (None, WeightsError, r"config\.json cannot be read"),
])
def test_other_folders_are_refused(folder: Path, tmp_path: Path, change: Any, error: type[Exception], words: str
                                   ) -> None:
    config = json.loads((folder / "config.json").read_text())
    (tmp_path / "config.json").write_text("{" if change is None else json.dumps({**config, **change}))
    with pytest.raises(error, match=words):
        detcam.load(tmp_path)


def test_a_file_that_lacks_weights_is_refused(folder: Path, tmp_path: Path) -> None:
    from safetensors.torch import load_file, save_file

    (tmp_path / "config.json").write_text((folder / "config.json").read_text())
    state = {name: weight for name, weight in load_file(folder / "model.safetensors").items() if "bbox" not in name}
    save_file(state, tmp_path / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(WeightsError, match="holds no weights for bbox_predictor"):
        detcam.load(tmp_path)


def test_options_of_other_families_and_other_models_are_refused(folder: Path) -> None:
    with pytest.raises(InputError, match=r"imgsz does not go with .* a DETR of transformers"):
        detcam.load(folder, imgsz=640)
    with pytest.raises(DetectorError, match=r"DetrForObjectDetection, .*got Linear"):
        HFDetrDetector(torch.nn.Linear(1, 1))
