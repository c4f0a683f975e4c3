"""Two-stage detectors: a row is its proposal and class, read alone as among all, and on frozen proposals."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
import torch
from support.tiny import THRESHOLD, TWO_STAGE, photograph, tiny_detector
from torch import Tensor, nn
from torchvision.ops import MultiScaleRoIAlign, box_iou

import detcam
from detcam.attribution.attribute import attribute
from detcam.attribution.gradients.tape import PIXELS, Tape
from detcam.attribution.heatmap import OK
from detcam.attribution.inputs.similarity import similarities
from detcam.attribution.layers.listing import useful_layers
from detcam.attribution.methods.registry import get_method
from detcam.attribution.target import TARGETS, settled
from detcam.detectors.canvas import Canvas
from detcam.detectors.for_torchvision.padding import content_sizes
from detcam.detectors.for_torchvision.rcnn import RCNNDetector
from detcam.detectors.for_torchvision.roi_prediction import RoIPrediction
from detcam.detectors.for_torchvision.transform import normalised
from detcam.detectors.selection.candidates import Pairs
from detcam.detectors.selection.drop_reason import SMALL
from detcam.detectors.selection.steps import Small
from detcam.errors import DetectorError, InputError
from detcam.evaluation.faithfulness import InsertionDeletion
from detcam.imaging.boxes import EDGES
from detcam.imaging.image import Image

IMAGE = Image(photograph(3), "rectangles")


def in_float64(family: str = "fasterrcnn") -> RCNNDetector:
    detector: RCNNDetector = tiny_detector(family)
    detector.model.double()
    return detector


@pytest.fixture(scope="module", params=TWO_STAGE)
def detector(request: pytest.FixtureRequest) -> RCNNDetector:
    return in_float64(request.param)


def predict(detector: RCNNDetector, pixels: Tensor) -> RoIPrediction:
    with detector.borrowed(), torch.no_grad():
        return detector.forward(pixels)


def noisy(pixels: Tensor, copies: int = 3) -> Tensor:
    noise = torch.randn((copies, *pixels.shape[1:]), generator=torch.Generator().manual_seed(0), dtype=pixels.dtype)
    return pixels + 0.1 * noise


def slowly(detector: RCNNDetector, pixels: Tensor, proposals: Tensor, size: tuple[int, int]) -> tuple[Tensor, Tensor]:
    """Probabilities ``[P, C]`` and boxes ``[P, C, 4]`` by torchvision's own region heads, all proposals together."""
    model: Any = detector.model
    heads = model.roi_heads
    with torch.no_grad():
        pooled = heads.box_roi_pool(model.backbone(normalised(model.transform, pixels)), [proposals], [size])
        logits, deltas = heads.box_predictor(heads.box_head(pooled))
        return logits.softmax(-1), heads.box_coder.decode(deltas, [proposals])


def test_a_row_of_frozen_proposals_has_the_outputs_of_the_library_s_heads(detector: RCNNDetector) -> None:
    canvas = detector.canvas(IMAGE)
    clean, copies = predict(detector, canvas.pixels), noisy(canvas.pixels)
    with detector.frozen_proposals(clean):
        frozen = predict(detector, copies)
    rematched = predict(detector, copies)
    found = clean.proposals
    assert (frozen.proposals.boxes == found.boxes).all()
    assert not torch.equal(rematched.proposals.boxes[0, :50], found.boxes[0, :50])  # outside, rows are others
    for prediction, pixels in ((clean, canvas.pixels), (frozen, copies)):
        for image in range(len(pixels)):
            own = slowly(detector, pixels[image : image + 1], found.boxes[0], found.sizes[0])
            for row in range(0, prediction.boxes.shape[1], 17):
                proposal, label = prediction.place(row)
                probability, box = own[0][proposal], own[1][proposal, label]
                edges = [prediction.edge(row, edge)[image].item() for edge in EDGES]
                assert edges == pytest.approx(box.tolist(), abs=1e-6)
                torch.testing.assert_close(prediction.boxes[image, row], box)
                torch.testing.assert_close(prediction.class_logits(row)[image].softmax(-1), probability)
                assert float(prediction.scores_of(label)[image, row]) == pytest.approx(float(probability[label]))
                assert float(prediction.scores_of(3 - label)[image, row]) == 0  # it competes under no other label


def test_gradient_is_the_finite_difference_with_frozen_proposals(detector: RCNNDetector) -> None:
    canvas = detector.canvas(IMAGE)
    clean = predict(detector, canvas.pixels)
    found = detector.select(clean, canvas, THRESHOLD)[0]
    index = int(np.flatnonzero(found.levels == 1)[0])
    key = int(found.rows[index]), int(found.labels[index])
    targets = {name: settled(TARGETS[name], detector, canvas, [key], clean) for name in detector.targets}
    for layer in ("level.1", "backbone.body.second", PIXELS):
        with detector.frozen_proposals(clean), Tape(detector, canvas.pixels, [layer]) as tape:
            gradients = {name: next(tape.gradients(layer, [key], target)) for name, target in targets.items()}
            shape = tape.activations[layer].shape
        direction = torch.randn(shape, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
        step = 1e-7
        ahead, behind = (added(detector, clean, canvas.pixels, layer, sign * step * direction) for sign in (1, -1))
        for name, gradient in gradients.items():
            assert gradient is not None
            assert gradient.any()
            change = targets[name].read(ahead, *key).item() - targets[name].read(behind, *key).item()
            assert change / (2 * step) == pytest.approx(float((gradient * direction).sum()), rel=1e-4, abs=1e-5), name


def added(detector: RCNNDetector, clean: RoIPrediction, pixels: Tensor, layer: str, change: Tensor) -> RoIPrediction:
    """The prediction after ``change`` is put onto a layer's output, with nothing but plain hooks."""
    def on_head(_: nn.Module, args: Any) -> Any:
        return ([each + change if index == 1 else each for index, each in enumerate(args[0])], *args[1:])

    hook: Any = None
    if layer == "level.1":
        hook = detector.head.register_forward_pre_hook(on_head)
    elif layer != PIXELS:
        hook = detector.model.get_submodule(layer).register_forward_hook(lambda _, __, output: output + change)
    with detector.frozen_proposals(clean):
        prediction = predict(detector, pixels + change if layer == PIXELS else pixels)
    if hook is not None:
        hook.remove()
    return prediction


def test_frozen_proposals_end_with_the_block_and_fit_one_canvas_alone() -> None:
    detector = in_float64()
    canvas = detector.canvas(IMAGE)
    clean = predict(detector, canvas.pixels)
    other = predict(detector, noisy(canvas.pixels, 1))
    with detector.frozen_proposals(clean):
        with pytest.raises(DetectorError, match=r"are frozen.*leave frozen_proposals\(\) first"):
            detector.forward(canvas.pixels[..., :96])
        with pytest.raises(RuntimeError), detector.frozen_proposals(other):
            raise RuntimeError
        assert torch.equal(predict(detector, noisy(canvas.pixels, 1)).proposals.boxes, clean.proposals.boxes)
    assert torch.equal(predict(detector, noisy(canvas.pixels, 1)).proposals.boxes, other.proposals.boxes)


def test_proposals_that_are_found_again_end_where_the_photograph_does() -> None:
    """A mask hides the padding too, and proposals end at the photograph all the same."""
    detector = in_float64()
    canvas = detector.canvas(IMAGE)
    masked = canvas.pixels * 0.9
    with detector.frozen_proposals(predict(detector, canvas.pixels), rows=False):
        rematched = predict(detector, masked)
    assert rematched.proposals.sizes == ((90, 120),)
    assert predict(detector, masked).proposals.sizes == ((96, 128),)
    assert float(rematched.proposals.boxes[..., 3].max()) <= 90


@pytest.mark.parametrize("mean", [0.0, 0.5, 1.0])
@pytest.mark.parametrize("colour", [0, 255])
def test_a_photograph_that_ends_in_the_colour_of_the_padding_is_measured_all_the_same(mean: float, colour: int) -> None:
    detector = in_float64()
    detector.model.transform.image_mean = [mean] * 3
    rgb = photograph(1)
    rgb[-20:], rgb[:, -30:] = colour, colour
    canvas = detector.canvas(Image(rgb, "a border"))
    assert content_sizes(normalised(detector.model.transform, canvas.pixels)) == [(90, 120)]
    plain = detector.canvas(Image(np.full((96, 128, 3), colour, np.uint8), "one colour"))
    assert content_sizes(normalised(detector.model.transform, plain.pixels)) == [(90, 120)]
    assert float((plain.pixels[..., :90, :120] - colour / 255).abs().max()) < 1e-15


def test_every_kind_of_method_explains_a_two_stage_detector(detector: RCNNDetector) -> None:
    methods = ["hirescam", get_method("smoothgrad", samples=2), "gradient", "conductance",
               get_method("drise", samples=4), "ablationcam"]
    found = detcam.explain(detector, IMAGE, method=methods, max_boxes=4, sweep=[1], edge_maps=True)
    assert len(found) == 4
    assert found.edges is not None
    assert found.edges.layer == ("backbone.body.stem",) * 4
    assert (found.edges.evidence > 0).all()
    for one in found:
        assert one.heatmap.layer == f"level.{one.level}+backbone.body.stem+backbone.body.second+backbone.body.third"
        assert [each.status for each in one.heatmaps.values()] == [OK] * 6
        assert all(scale > 0 for name, scale in one.heatmap.scales.items() if name.startswith("level."))


def test_smoothgrad_without_noise_is_the_gradient_and_noise_reads_the_recorded_proposal() -> None:
    detector = in_float64()
    canvas, found = detector.canvas(IMAGE), detector.detect(IMAGE, THRESHOLD)[:2]
    gradient, still, moved = (
        attribute(detector, canvas, found, method, "auto", TARGETS["logit"], seed=4) for method in
        (get_method("gradient"), get_method("smoothgrad", samples=3, noise=0.0), get_method("smoothgrad", samples=2)))
    seeds = torch.randint(2**62, (2,), generator=torch.Generator().manual_seed(4)).tolist()
    noise = torch.cat([torch.randn(canvas.pixels.shape, generator=torch.Generator().manual_seed(seed),
                                   dtype=canvas.pixels.dtype) for seed in seeds])
    clean = predict(detector, canvas.pixels)
    for index in range(2):
        np.testing.assert_allclose(still[index].values, gradient[index].values, rtol=1e-5, atol=1e-9)
        pixels = (canvas.pixels + 0.15 * noise).requires_grad_(True)
        with detector.frozen_proposals(clean):
            logit = detector.forward(pixels).logit(int(found.rows[index]), int(found.labels[index]))
        expected = torch.autograd.grad(logit.sum(), pixels)[0].mean(0).abs().sum(0)
        np.testing.assert_allclose(moved[index].values, expected.numpy(), rtol=1e-4, atol=1e-8)


@pytest.mark.parametrize("family", TWO_STAGE)
def test_photographs_of_a_batch_are_read_as_alone(family: str) -> None:
    """Though each has other proposals, and not as many."""
    detector = in_float64(family)
    detector.model.rpn.nms_thresh = 0.2
    photographs = [Image(photograph(seed), f"rectangles {seed}") for seed in (3, 4)]
    alone = [detector.canvas(each) for each in photographs]
    canvas = Canvas(torch.cat([each.pixels for each in alone]), tuple(each.geometries[0] for each in alone))
    prediction = predict(detector, canvas.pixels)
    assert len(set(prediction.proposals.counts)) == 2
    found = [each[:5] for each in detector.select(prediction, canvas, THRESHOLD)]
    maps = attribute(detector, canvas, found, get_method("hirescam"), "depth", TARGETS["logit"])
    for own, image, detections, together in zip(alone, photographs, found, maps, strict=True):
        single = detector.detect(image, THRESHOLD)[:5]
        for field in ("rows", "labels", "levels", "cells"):
            np.testing.assert_array_equal(getattr(single, field), getattr(detections, field))
        for a, b in zip(together, attribute(detector, own, single, get_method("hirescam"), "depth", TARGETS["logit"]),
                        strict=True):
            assert (a.layer, a.status) == (b.layer, b.status)
            np.testing.assert_allclose(a.values, b.values, rtol=1e-4, atol=1e-6)
    with pytest.raises(InputError, match="proposals of the whole batch"):
        attribute(detector, canvas, found, get_method("gradient"), "depth", TARGETS["logit"])


def test_insertion_and_deletion_replay_the_proposals() -> None:
    detector = in_float64()
    canvas, found = detector.canvas(IMAGE), detector.detect(IMAGE, THRESHOLD)[[0]]
    probe = InsertionDeletion(detector, canvas, found, ["mean"])
    assert probe.score == pytest.approx(found.scores[0])
    clean = predict(detector, canvas.pixels)
    empty = slowly(detector, probe.baselines["mean"], clean.proposals.boxes[0], clean.proposals.sizes[0])[0]
    proposal, label = clean.place(int(found.rows[0]))
    assert probe.empty_score("mean") == pytest.approx(float(empty[proposal, label]))


def test_similarity_takes_each_proposal_with_the_box_of_its_best_class() -> None:
    detector = in_float64()
    canvas = detector.canvas(IMAGE)
    prediction = predict(detector, canvas.pixels)
    found = detector.select(prediction, canvas, THRESHOLD)[0][:3]
    boxes = torch.from_numpy(canvas.geometries[0].to_canvas(found.boxes))
    profiles = prediction.profiles(torch.from_numpy(found.rows), [1, 2])
    ours = similarities(prediction, boxes, profiles, [1, 2])
    probabilities, all_boxes = slowly(detector, canvas.pixels, prediction.proposals.boxes[0], (90, 120))
    assert len(found) == 3
    for index, row in enumerate(found.rows.tolist()):
        own, best = probabilities[prediction.place(row)[0], 1:], 0.0
        for other, box in zip(probabilities[:, 1:], all_boxes, strict=True):
            overlap = float(box_iou(boxes[[index]], box[[1 + int(other.argmax())]]))
            best = max(best, overlap * float(own @ other / own.norm() / other.norm()) * float(other.max()))
        assert float(ours[index, 0]) == pytest.approx(best)


def test_the_table_of_scores_has_one_column() -> None:
    """Rows times classes would be 6 GB at 1000 proposals and 1200 classes."""
    detector = in_float64()
    prediction = predict(detector, detector.canvas(IMAGE).pixels)
    assert prediction.scores.shape == (1, 150 * 2, 1)
    with pytest.raises(IndexError, match="row 300 is outside"):
        prediction.place(300)


def states(model: Any) -> Iterator[Any]:
    for module in model.modules():
        yield module.training
        yield len(module._forward_hooks) + len(module._forward_pre_hooks) + len(module._backward_hooks)
        if isinstance(module, MultiScaleRoIAlign):
            yield module.scales, module.map_levels
    yield from [weight.requires_grad for weight in model.parameters()]
    yield from [model.roi_heads.score_thresh, model.roi_heads.has_mask(), model.roi_heads.has_keypoint()]
    yield list(dict(model.named_modules()))


@pytest.mark.parametrize("family", TWO_STAGE)
def test_the_model_is_left_as_it_was_found(family: str) -> None:
    detector: RCNNDetector = tiny_detector(family)
    model: Any = detector.model
    model.train()
    model.roi_heads.eval()
    before = list(states(model))
    found = detcam.explain(detector, IMAGE, method=["hirescam", "gradient"], max_boxes=2)
    assert len(found) == 2
    assert list(states(model)) == before


def test_a_box_without_width_is_dropped_and_told_so() -> None:
    boxes = torch.tensor([[0.0, 0, 10, 10], [5, 5, 5.005, 50]])
    pairs = Pairs(torch.arange(2), torch.ones(2, dtype=torch.long), torch.tensor([0.5, 0.9]))
    step = Small(boxes, 0.01)
    kept = step.keep(pairs)
    assert kept.tolist() == [0]
    reason = step.drop_reason(pairs, 1, kept)
    assert (reason.kind, reason.limit) == (SMALL, 0.01)
    assert reason.value == pytest.approx(0.005, rel=1e-3)
    assert step.relaxed(reason, (1, 1)).keep(pairs).tolist() == [0, 1]


def test_places_are_asked_about_row_by_row() -> None:
    detector = in_float64()
    found = detector.detect(IMAGE, THRESHOLD)
    kinds = set()
    for x in range(8, 128, 24):
        explained = detcam.explain(detector, IMAGE, at=(x, 48), layer="auto", edges=False)
        one = explained[0]
        assert one.verdict is not None
        kinds.add(one.verdict.kind)
        keys = set(zip(found.rows.tolist(), found.labels.tolist(), strict=True))
        assert one.verdict.detected == ((one.row, one.label) in keys)
        assert one.label == one.row % 2 + 1
    assert len(kinds) >= 2


def test_each_level_of_the_pyramid_explains_its_own_boxes_and_the_trunk_all() -> None:
    detector = in_float64()
    reach = {layer.name: layer.explains for layer in useful_layers(detector, detector.canvas(IMAGE))}
    pyramid = {f"backbone.fpn.layer_blocks.{level}": (level,) for level in range(3)}
    trunk = {f"backbone.body.{part}": (0, 1, 2) for part in ("stem", "second", "third")}
    assert {**pyramid, **trunk}.items() <= reach.items()
