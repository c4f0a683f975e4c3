"""torchvision's RetinaNet and FCOS: their scores, labels and grids, and how they are loaded."""

from pathlib import Path

import numpy as np
import pytest
import torch
from support.places import SUPPORT
from support.tiny import CLASSES, photograph
from support.tiny_dense import TINY_DENSE, SlimPyramid, tiny_fcos, tiny_retinanet
from torch import nn
from torchvision.models.detection._utils import overwrite_eps
from torchvision.models.detection.backbone_utils import _resnet_fpn_extractor
from torchvision.models.detection.retinanet import RetinaNet
from torchvision.models.resnet import resnet50
from torchvision.ops.feature_pyramid_network import LastLevelP6P7
from torchvision.ops.misc import FrozenBatchNorm2d

import detcam
from detcam.attribution.target import get_target
from detcam.detectors.for_torchvision.dense import pyramid_grid
from detcam.detectors.for_torchvision.fcos import FCOSDetector
from detcam.detectors.for_torchvision.retinanet import RetinaNetDetector
from detcam.errors import DetectorError, InputError
from detcam.imaging.image import Image

IMAGE = Image(photograph(1), "rectangles")


def test_fcos_scores_are_the_root_of_class_times_centreness() -> None:
    detector = FCOSDetector(tiny_fcos())
    prediction, found = detector.forward(detector.canvas(IMAGE).pixels), detector.detect(IMAGE)
    differences = []
    assert len(found) > 5
    for row, label, score in zip(found.rows.tolist(), found.labels.tolist(), found.scores, strict=True):
        classes = prediction.logit(row, label).sigmoid().item()
        centre = prediction.objectness(row).sigmoid().item()
        assert (classes * centre) ** 0.5 == pytest.approx(score, abs=1e-6)
        assert prediction.probability(row, label).item() == pytest.approx(score, abs=1e-6)
        assert prediction.activate(prediction.class_logits(row))[0, label].item() == pytest.approx(classes)
        differences.append(abs(classes - score))
    assert max(differences) > 0.05  # the one is not the other


def test_a_probability_that_is_rounded_to_zero_has_a_gradient() -> None:
    model = tiny_fcos()
    with torch.no_grad():
        model.head.classification_head.cls_logits.bias.sub_(200)
    detector = FCOSDetector(model)
    prediction = detector.forward(detector.canvas(IMAGE).pixels)
    assert prediction.logit(0, 1).sigmoid().item() == 0
    gradient = torch.autograd.grad(prediction.probability(0, 1).sum(), prediction.levels[0].logits)[0]
    assert torch.isfinite(gradient).all()


def test_objectness_is_explained_where_there_is_one() -> None:
    detector = FCOSDetector(tiny_fcos())
    found = detcam.explain(detector, IMAGE, target="objectness", max_boxes=2, edges=False)
    plain = detcam.explain(detector, IMAGE, max_boxes=2, edges=False)
    assert len(found) == 2
    for own, other in zip(found.maps[0].heatmaps, plain.maps[0].heatmaps, strict=True):
        assert own.status == "ok"
        assert not np.allclose(own.values, other.values)
    with pytest.raises(InputError, match="target 'objectness': retinanet has none; it has logit"):
        get_target("objectness", TINY_DENSE["retinanet"]())


@pytest.mark.parametrize(("function", "kind"), [("tiny_retinanet", RetinaNetDetector), ("tiny_fcos", FCOSDetector)])
def test_live_models_functions_and_weights_detect_the_same(function: str, kind: type, tmp_path: Path) -> None:
    make = {"tiny_retinanet": tiny_retinanet, "tiny_fcos": tiny_fcos}[function]
    weights = tmp_path / "weights.pth"
    torch.save(make(seed=3).state_dict(), weights)
    file = f"{SUPPORT / 'tiny_dense.py'}:{function}"
    live, loaded = detcam.load(make(seed=3), class_names=CLASSES), detcam.load(file, weights=weights)
    assert isinstance(live, kind)
    assert isinstance(loaded, kind)
    assert (live.detect(IMAGE).rows == loaded.detect(IMAGE).rows).all()
    assert live.class_names == live.rivals == {0: "background", 1: "box", 2: "ball"}
    assert loaded.class_names == {0: "class 0", 1: "class 1", 2: "class 2"}
    with pytest.raises(InputError, match=f"score_activation does not go with .*{function}, which is loaded as"):
        detcam.load(file, score_activation="sigmoid")


def test_label_0_is_reported_as_torchvision_reports_it() -> None:
    assert 0 in detcam.load(tiny_retinanet()).detect(IMAGE).labels


@pytest.mark.parametrize("name", TINY_DENSE)
def test_the_model_is_left_as_it_was_found(name: str) -> None:
    detector = TINY_DENSE[name]()
    detector.model.train()
    before = detector.model.score_thresh, detector.fingerprint
    detcam.explain(detector, IMAGE, max_boxes=1)
    for module in detector.model.modules():
        assert module.training
        assert not module._forward_hooks
        assert not module._forward_pre_hooks
    assert all(weight.requires_grad and weight.grad is None for weight in detector.model.parameters())
    assert before == (detector.model.score_thresh, TINY_DENSE[name]().fingerprint)


def test_cells_lie_where_their_receptive_fields_do() -> None:
    pyramid, side = SlimPyramid(2), 768
    for weight in pyramid.parameters():
        nn.init.constant_(weight, 0.1)  # nothing is cut off, and nothing cancels out
    pixels = torch.ones(1, 3, side, side, requires_grad=True)
    maps = list(pyramid(pixels).values())
    for level, cell in ((2, 11), (3, 6), (4, 3)):  # finer ones also see what is made finer again
        values = maps[level]
        gradient = torch.autograd.grad(values[0, :, cell, cell].sum(), pixels, retain_graph=True)[0]
        seen = gradient[0].sum(0).nonzero()
        first, last = seen.min(0).values, seen.max(0).values + 1
        assert (last - first < side / 2).all()
        grid = pyramid_grid((side, side), (values.shape[-2], values.shape[-1]))
        centre = grid.origin[0] + (cell + 0.5) * grid.stride[0]
        assert ((first + last) / 2).tolist() == pytest.approx([centre, centre], abs=0.5)


@pytest.mark.parametrize(("canvas", "shape", "stride"), [
    ((800, 800), (100, 100), 8), ((800, 800), (13, 13), 64), ((800, 800), (7, 7), 128), ((192, 1344), (2, 11), 128),
    ((32, 128), (1, 2), 64),
])
def test_strides_are_the_convolutions_own(canvas: tuple[int, int], shape: tuple[int, int], stride: int) -> None:
    assert pyramid_grid(canvas, shape).stride == (stride, stride)


def test_a_head_of_other_parts_is_refused() -> None:
    model = tiny_retinanet()
    model.head.regression_head = nn.Identity()
    with pytest.raises(DetectorError, match=r"expected a RetinaNet head with a regression_head\.bbox_reg"):
        detcam.load(model)


def test_published_weights_in_a_file_run_as_torchvision_runs_them(tmp_path: Path) -> None:
    """Batch norms divide by the deviation alone, which matters where it is small."""
    trunk = resnet50(norm_layer=FrozenBatchNorm2d)
    theirs = RetinaNet(_resnet_fpn_extractor(trunk, 5, returned_layers=[2, 3, 4], extra_blocks=LastLevelP6P7(256, 256)),
                       91).eval()
    overwrite_eps(theirs, 0.0)
    trunk.bn1.running_var.fill_(1e-5)
    pixels = torch.rand(1, 3, 64, 64)
    for file, same in (("retinanet_resnet50_fpn_coco-eeacb38b.pth", True), ("mine.pth", False)):
        torch.save(theirs.state_dict(), tmp_path / file)
        ours = detcam.load("retinanet_resnet50_fpn", weights=tmp_path / file).model.eval()
        with torch.no_grad():
            assert torch.allclose(ours.backbone(pixels)["0"], theirs.backbone(pixels)["0"], rtol=1e-3) == same
