"""Rows that are queries: where they come from, and that what is differentiated about them is what they say."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from support.gradients import in_float64, values_with_added
from support.tiny import QUERY_FAMILIES, photograph, save_yolo
from support.tiny_detr import tiny_rtdetr

import detcam
from detcam.attribution.gradients.tape import PIXELS, Tape
from detcam.attribution.target import TARGETS, settled
from detcam.attribution.task import keys_of
from detcam.detectors.base import Detector
from detcam.detectors.for_ultralytics.lazy_import import import_ultralytics
from detcam.detectors.for_ultralytics.rtdetr import RTDETRDetector
from detcam.detectors.queries import QueryPrediction, cells_of_centres
from detcam.errors import DetectorError, InputError
from detcam.imaging.image import Image

IMAGE = Image(photograph(3), "rectangles")


@pytest.fixture(scope="module", params=QUERY_FAMILIES)
def detector(request: pytest.FixtureRequest) -> Detector:
    return in_float64(request.param)


@pytest.mark.parametrize("where", ["level", "middle", PIXELS])
def test_gradient_is_the_finite_difference(detector: Detector, where: str) -> None:
    """The step is so small that the same queries are chosen on both sides."""
    canvas = detector.canvas(IMAGE)
    with torch.no_grad():
        found = detector.select(detector.forward(canvas.pixels), canvas, 0.25)[0]
    key, level = keys_of(found)[0], detector.n_levels - 1
    layer = {"level": f"level.{level}", "middle": detector.edge_layer}.get(where, where)
    targets = {name: settled(TARGETS[name], detector, canvas, [key]) for name in detector.targets
               if name != "similarity"}  # which has a kink where nothing has changed
    with Tape(detector, canvas.pixels, [layer]) as tape:
        gradients = {name: next(tape.gradients(layer, [key], target)) for name, target in targets.items()}
        shape = tape.activations[layer].shape
    generator = torch.Generator().manual_seed(0)
    for _ in range(3):
        direction = torch.randn(shape, generator=generator, dtype=torch.float64)
        step = 1e-8
        ahead, behind = (values_with_added(detector, layer, sign * step * direction, key, targets) for sign in (1, -1))
        for name, gradient in gradients.items():
            assert gradient is not None
            assert gradient.any()
            expected = float((gradient * direction).sum())
            assert (ahead[name] - behind[name]) / (2 * step) == pytest.approx(expected, rel=1e-4, abs=1e-5), name


def test_a_box_is_reached_from_every_level(detector: Detector) -> None:
    canvas = detector.canvas(IMAGE)
    with torch.no_grad():
        found = detector.select(detector.forward(canvas.pixels), canvas, 0.25)[0][:4]
    assert len(found) == 4
    names = [f"level.{level}" for level in range(detector.n_levels)]
    with Tape(detector, canvas.pixels, names) as tape:
        for gradients in tape.gradients_at(names, keys_of(found), TARGETS["logit"]):
            assert all(gradient is not None and gradient.any() for gradient in gradients)


def test_rows_levels_and_cells_of_several_photographs_at_once(detector: Detector) -> None:
    """As of each photograph by itself."""
    canvases = [detector.canvas(Image(photograph(seed), "rectangles")) for seed in (3, 1)]
    batch = type(canvases[0])(torch.cat([each.pixels for each in canvases]),
                              tuple(each.geometries[0] for each in canvases))
    with torch.no_grad():
        together = detector.select(detector.forward(batch.pixels), batch, 0.25)
        for canvas, ours in zip(canvases, together, strict=True):
            alone = detector.select(detector.forward(canvas.pixels), canvas, 0.25)[0]
            for name in ("rows", "labels", "levels", "cells"):
                np.testing.assert_array_equal(getattr(ours, name), getattr(alone, name))
            np.testing.assert_allclose(ours.boxes, alone.boxes, rtol=0, atol=1e-9)


def test_the_model_is_left_as_it_was_found(detector: Detector) -> None:
    canvas = detector.canvas(IMAGE)
    hooks = [module for module in detector.model.modules() if module._forward_hooks or module._forward_pre_hooks]
    with Tape(detector, canvas.pixels, ["level.0", detector.edge_layer, PIXELS]):
        pass
    assert [module for module in detector.model.modules()
            if module._forward_hooks or module._forward_pre_hooks] == hooks
    assert all(weight.grad is None for weight in detector.model.parameters())


def test_cells_of_centres_by_hand() -> None:
    boxes = torch.tensor([[[0.5, 0.26, 0.1, 0.1], [1.0, 0.0, 0.1, 0.1], [-0.2, 1.3, 0.1, 0.1]]])
    assert cells_of_centres(boxes, (4, 6)).tolist() == [[[1, 3], [0, 5], [3, 0]]]


def test_an_rtdetr_query_belongs_to_the_encoder_cell_that_it_was_chosen_from() -> None:
    """The anchor that the decoder itself looks up for it lies on that cell, and is as large as its level's."""
    detector = RTDETRDetector(tiny_rtdetr(), {"imgsz": 128})
    asked: list[torch.Tensor] = []

    class Anchors(torch.Tensor):
        """Notes which of its cells are looked up."""

        def __getitem__(self, index: Any) -> Any:
            asked.append(index[1])
            return self.as_subclass(torch.Tensor)[index]

    generate = detector.head._generate_anchors
    detector.head._generate_anchors = lambda shapes, feats: (
        (lambda anchors, valid: (anchors.as_subclass(Anchors), valid))(*generate(shapes, feats)))
    prediction = detector.forward(detector.canvas(IMAGE).pixels)
    del detector.head._generate_anchors
    assert isinstance(prediction, QueryPrediction)
    anchors = generate([[16, 16], [8, 8], [4, 4]], torch.zeros(1))[0][0].sigmoid()
    chosen = asked[0].sort()[0]
    for row, cell in enumerate(chosen.tolist()):
        x, y, width, _ = anchors[cell].tolist()
        level = prediction.level_of(row)
        side = 16 >> level
        if width < 1:  # cells at the border have no anchor
            assert width == pytest.approx(0.05 * 2**level)
            assert prediction.cell_of(row) == (int(y * side), int(x * side))
        assert cell == [0, 256, 320][level] + prediction.cell_of(row)[0] * side + prediction.cell_of(row)[1]
    assert {prediction.level_of(row) for row in range(len(chosen))} == {0, 1, 2}


def test_an_rtdetr_is_known_by_what_its_file_holds(tmp_path: Path) -> None:
    path = save_yolo(tiny_rtdetr(), tmp_path / "anything.pt")
    from_file = detcam.load(path)
    live = import_ultralytics().RTDETR(str(path))
    from_live = detcam.load(live)
    assert isinstance(from_file, RTDETRDetector)
    assert isinstance(from_live, RTDETRDetector)
    assert (from_file.name, from_file.architecture, from_file.n_levels) == ("anything.pt", "rtdetr-tiny", 3)
    assert from_live.fingerprint == from_file.fingerprint
    theirs = live.predict(np.ascontiguousarray(IMAGE.rgb[..., ::-1]), conf=0.25, verbose=False)[0].boxes
    found = from_file.detect(IMAGE, 0.25)
    assert len(found) == len(theirs) >= 20
    np.testing.assert_allclose(found.boxes, theirs.xyxy.numpy(), rtol=0, atol=0.01)
    np.testing.assert_allclose(found.scores, theirs.conf.numpy(), rtol=0, atol=1e-5)
    assert detcam.load(path, imgsz=96).canvas(IMAGE).pixels.shape == (1, 3, 96, 96)
    with pytest.raises(InputError, match=r"head does not go with anything.pt, which is loaded as RT-DETR"):
        detcam.load(path, head="one2one")
    with pytest.raises(DetectorError, match="expected an RT-DETR"):
        RTDETRDetector(torch.nn.Linear(1, 1))


def test_the_edge_layer_is_the_last_of_stride_8_of_the_backbone(detector: Detector) -> None:
    named = {"rtdetr": "model.3"}.get(detector.family, "model.backbone.model.encoder.stages.1")
    assert detector.edge_layer.endswith(named.removeprefix("model.backbone."))  # transformers' names have changed
    with Tape(detector, detector.canvas(IMAGE).pixels, [detector.edge_layer]) as tape:
        assert tape.grid(detector.edge_layer).stride == (8, 8)
