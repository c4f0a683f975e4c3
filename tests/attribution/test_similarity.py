"""The similarity: what a box is found by, whichever row it is found in."""

import numpy as np
import pytest
import torch
from support.gradients import in_float64
from support.tiny import QUERY_FAMILIES, photograph, tiny_detector

import detcam
from detcam.attribution.attribute import attribute, explained
from detcam.attribution.gradients.tape import PIXELS, Tape
from detcam.attribution.inputs.baselines import mean_colour
from detcam.attribution.method import LAYER
from detcam.attribution.methods.registry import get_method
from detcam.attribution.methods.table import METHODS
from detcam.attribution.target import TARGETS, difference, settled
from detcam.attribution.task import keys_of
from detcam.detectors.base import Detector
from detcam.detectors.prediction import Level, Prediction
from detcam.errors import InputError, MethodError
from detcam.evaluation.faithfulness import InsertionDeletion, pixel_ranks, pixel_shares
from detcam.imaging.boxes import iou
from detcam.imaging.grid import Grid
from detcam.imaging.image import Image

IMAGE = Image(photograph(3), "rectangles")


def rows_of(boxes: list[list[list[float]]], logits: list[list[list[float]]]) -> Prediction:
    """A prediction of one level with a cell a row, whose raw outputs are the boxes themselves."""
    said, raw = (torch.tensor(each, dtype=torch.float64).requires_grad_(True) for each in (logits, boxes))
    level = Level(said.permute(0, 2, 1)[:, :, None], raw.permute(0, 2, 1)[:, :, None], 1, 0, Grid((1.0, 1.0)))
    return Prediction(raw.detach(), said.detach().sigmoid(), (level,), torch.sigmoid, lambda raw, rows: raw)


def test_by_hand() -> None:
    """The box is 10 by 10. In the second image one row covers 80 of its 100 pixels and is 80 large, another covers 50
    of 100 and is 50 large and surer; a third lies elsewhere and is surest."""
    box, half, apart = [0.0, 0, 10, 10], [0.0, 0, 5, 10], [20.0, 20, 30, 30]
    clean = rows_of([[box, half, apart]], [[[0.0, 1], [0, 0], [0, 0]]])
    changed = rows_of([[box, half, apart], [apart, half, [0.0, 2, 10, 10]]],
                      [[[0.0, 1], [0, 0], [0, 0]], [[9.0, 9], [0, 1], [0, 0]]])
    target = TARGETS["similarity"].settle(clean, [(0, 1)], {})  # type: ignore[misc]
    found = target.read(changed, 0, 1)
    sure, even = 1 / (1 + np.exp(-1)), 0.5
    assert found.tolist() == pytest.approx([sure, max(0.8 * even, 0.5 * sure)])
    level = changed.levels[0]
    to_logits, to_boxes = torch.autograd.grad(found[1], (level.logits, level.regression))
    assert to_logits[1, :, 0].tolist() == [[0, 0, 0], [0, 0, pytest.approx(0.8 * even * even)]]
    assert not to_boxes[0].any()
    assert not to_boxes[1, :, 0, :2].any()
    # at its top a pixel is 10 of 100; where it lies on the box, the mean of growing (8 or 10 of 100 more) and shrinking
    assert to_boxes[1, :, 0, 2].tolist() == pytest.approx([-even * 0.008, -even * 0.1, even * 0.008, even * 0.01])


def test_only_settled_targets_are_read() -> None:
    with pytest.raises(InputError, match="clean photograph"):
        TARGETS["similarity"].read(rows_of([[[0.0, 0, 1, 1]]], [[[0.0]]]), 0, 0)


@pytest.fixture(scope="module", params=["ssd", *QUERY_FAMILIES])
def detector(request: pytest.FixtureRequest) -> Detector:
    return in_float64(request.param)


def test_on_the_photograph_itself_it_is_the_score_and_so_is_its_gradient(detector: Detector) -> None:
    """Of boxes that no other row says better: all but a few."""
    canvas = detector.canvas(IMAGE)
    with Tape(detector, canvas.pixels, [PIXELS]) as tape:
        found = detector.select(tape.prediction, canvas, 0.25)[0][:8]
        keys = keys_of(found)
        target = settled(TARGETS["similarity"], detector, canvas, keys, tape.prediction)
        values = np.array([target.read(tape.prediction, *key).item() for key in keys])
        own = np.isclose(values, found.scores, rtol=0, atol=1e-12)
        assert (values >= found.scores - 1e-12).all()
        assert own.sum() >= 5
        ours = tape.gradients(PIXELS, keys, target)
        plain = tape.gradients(PIXELS, keys, TARGETS["probability"])
        for same, gradient, expected in zip(own, ours, plain, strict=True):
            assert gradient is not None
            assert expected is not None
            assert bool(torch.allclose(gradient, expected, rtol=1e-9, atol=1e-12)) == same


def test_gradient_on_a_noisy_copy_is_the_finite_difference(detector: Detector) -> None:
    canvas, generator = detector.canvas(IMAGE), torch.Generator().manual_seed(0)
    with torch.no_grad():
        found = detector.select(detector.forward(canvas.pixels), canvas, 0.25)[0][:3]
    keys = keys_of(found)
    target = settled(TARGETS["similarity"], detector, canvas, keys)
    noisy = canvas.pixels + 0.02 * torch.randn(canvas.pixels.shape, generator=generator, dtype=torch.float64)
    direction = torch.randn(canvas.pixels.shape, generator=generator, dtype=torch.float64)
    with Tape(detector, noisy, [PIXELS]) as tape:
        gradients = [each for each in tape.gradients(PIXELS, keys, target) if each is not None]
    step = 1e-8
    with torch.no_grad():
        ahead, behind = (detector.forward(noisy + sign * step * direction) for sign in (1, -1))
    assert len(gradients) == 3
    for key, gradient in zip(keys, gradients, strict=True):
        difference = float(target.read(ahead, *key) - target.read(behind, *key)) / (2 * step)
        assert difference == pytest.approx(float((gradient * direction).sum()), rel=1e-3, abs=1e-5)
        assert difference != 0


def test_methods_that_change_the_photograph() -> None:
    changing = {name for name in METHODS if get_method(name).changes_input}
    assert {"smoothgrad", "drise", "conductance"} <= changing
    assert not {"gradient", *(name for name, entry in METHODS.items() if entry.kind == LAYER)} & changing
    assert not get_method(lambda activations, gradients: gradients.sum(0)).changes_input
    assert get_method("smoothgrad", samples=2).changes_input
    assert not get_method("gradient").changes_input


@pytest.mark.parametrize("family", QUERY_FAMILIES)
def test_they_explain_the_similarity_of_queries_and_say_so(family: str) -> None:
    detector = tiny_detector(family)
    found = detcam.explain(detector, IMAGE, method=["hirescam", "gradient", get_method("smoothgrad", samples=2),
                                                    get_method("drise", samples=8)], max_boxes=2, edges=False)
    assert [each.target for each in found.maps] == ["logit", "logit", "similarity", "similarity"]
    assert len(found) == 2
    for each in found.maps:
        assert all(heatmap.status == "ok" for heatmap in each.heatmaps)
    canvas = detector.canvas(IMAGE)
    again = attribute(detector, canvas, found.detections, get_method("smoothgrad", samples=2), "auto",
                      TARGETS["similarity"])
    for ours, heatmap in zip(found.maps[2].heatmaps, again, strict=True):
        np.testing.assert_allclose(ours.values, heatmap.values, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("family", QUERY_FAMILIES)
def test_they_refuse_what_a_similarity_cannot_stand_for(family: str) -> None:
    detector = tiny_detector(family)
    for target in ("left", "margin"):
        with pytest.raises(MethodError, match=f"chooses its rows anew there.*not '{target}'.*hirescam"):
            detcam.explain(detector, IMAGE, method="smoothgrad", target=target, max_boxes=1, edges=False)
        assert len(detcam.explain(detector, IMAGE, method="gradient", target=target, max_boxes=1, edges=False)) == 1


def test_other_rows_are_read_as_before() -> None:
    detector = tiny_detector("ssd")
    assert explained(detector, get_method("smoothgrad"), TARGETS["logit"]) is TARGETS["logit"]
    shown = detcam.explain(detector, IMAGE, method=get_method("smoothgrad", samples=1), target="similarity",
                           max_boxes=2, edges=False)
    assert shown.maps[0].target == "similarity"


@pytest.mark.parametrize("family", QUERY_FAMILIES)
def test_the_difference_of_two_similarities_is_one(family: str) -> None:
    detector = tiny_detector(family)
    shown = detcam.explain(detector, IMAGE, method=get_method("smoothgrad", samples=1), target="similarity",
                           max_boxes=2, edges=False, versus=2)
    assert shown.maps[0].target_of(0) == "similarity, not box 2"
    settled_one = settled(TARGETS["similarity"], detector, detector.canvas(IMAGE), keys_of(shown.detections))
    assert difference(settled_one, keys_of(shown.detections)[1], "box 2").rematched


@pytest.mark.parametrize("family", QUERY_FAMILIES)
def test_deletion_and_insertion_read_the_similarity(family: str) -> None:
    detector = tiny_detector(family)
    canvas = detector.canvas(IMAGE)
    one = detector.detect(IMAGE, 0.25)[[0]]
    heatmap = attribute(detector, canvas, one, get_method("hirescam"), "auto", TARGETS["logit"])[0]
    probe, ranks = InsertionDeletion(detector, canvas, one, ["mean"]), pixel_ranks(heatmap)
    curve = probe.curves(ranks, pixel_shares(4))["mean"][0]
    assert probe.score == pytest.approx(float(one.scores[0]), abs=1e-5)
    share = curve.shares[2]
    hidden = torch.from_numpy(ranks < round(share * (ranks.max() + 1)))
    with torch.no_grad():
        changed = detector.forward(torch.where(hidden, mean_colour(canvas), canvas.pixels))
    box, label = canvas.geometries[0].to_canvas(one.boxes), int(one.labels[0])
    slow = max(float(iou(own[None].numpy().astype(float), box)[0, 0]) * float(score)
               for own, score in zip(changed.boxes[0], changed.scores[0, :, label], strict=True))
    assert curve.row[2] == pytest.approx(slow, abs=1e-5)
    assert curve.row.min() < curve.row.max()
