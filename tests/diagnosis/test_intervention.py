"""Interventions, against one forward pass a copy and pixels changed one by one, and on detectors of known causes."""

import dataclasses
import math

import cv2
import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from support.gated import gated
from support.planted import CELL, patch_photograph, planted_ssd, planted_yolo
from support.tiny import photograph, tiny_detector, tiny_yolo

from detcam.attribution.inputs.baselines import baseline_of, photograph_pixels
from detcam.detectors.base import FROZEN, PER_INPUT, Detector
from detcam.detectors.canvas import Canvas
from detcam.detectors.detections import Detections
from detcam.detectors.for_torchvision.ssd import SSDDetector
from detcam.detectors.for_ultralytics.yolo import YOLODetector
from detcam.diagnosis.interventions.fills import FILLS, filler
from detcam.diagnosis.interventions.intervention import (
    Change,
    Intervention,
    Probe,
    forward_passes,
    intervene,
    probe_regions,
    run_probes,
)
from detcam.diagnosis.interventions.regions import Region, area_of, controls_for, free_places, grown, in_box, in_boxes
from detcam.errors import InputError
from detcam.evaluation.pass_counter import count_passes
from detcam.imaging.boxes import iou
from detcam.imaging.geometry import Geometry
from detcam.imaging.image import Image

Mask = NDArray[np.bool_]
WIDE = Image(photograph(3, 70, 128), "rectangles")  # letterboxed to 128 x 96: padding above and below


@pytest.fixture(scope="module")
def scene() -> tuple[Detector, Canvas, Detections]:
    detector = YOLODetector(tiny_yolo(), {"imgsz": 128})
    return detector, detector.canvas(WIDE), unsure(detector, WIDE)[:3]


def unsure(detector: Detector, image: Image) -> Detections:
    """Detections whose scores are far enough from 1 for float32 to tell their log-odds."""
    found = detector.detect(image, 0.25)
    return found[found.scores < 0.98]


def rectangle(canvas: Canvas, box: tuple[float, float, float, float], name: str = "spot") -> Region:
    return Region(name, in_box(canvas.geometries[0], np.array(box)))


def slowly(detector: Detector, canvas: Canvas, one: Detections, region: Region, shown: torch.Tensor
           ) -> tuple[float, float, float, NDArray[np.float64]]:
    """Score before and after, the best neighbour's and the outward change of the edges, one pixel and box at a time."""
    changed, geometry = canvas.pixels.clone(), canvas.geometries[0]
    for y, x in np.argwhere(region.mask & photograph_pixels(geometry)):
        changed[0, :, y, x] = shown[0, :, y, x]
    row, label = int(one.rows[0]), int(one.labels[0])
    box = geometry.to_canvas(one.boxes)
    with torch.no_grad(), detector.borrowed():
        clean = detector.forward(canvas.pixels)
        with detector.frozen_proposals(clean):
            after = detector.forward(changed)
    found = []
    for prediction in (clean, after):
        boxes, scores = prediction.boxes[0].double().numpy(), prediction.scores_of(label)[0].double().numpy()
        overlap = iou(boxes, box)[:, 0]
        own = int((overlap * scores).argmax()) if detector.rows == PER_INPUT else row
        score = (overlap * scores).max() if detector.rows == PER_INPUT else scores[row]
        best = max((scores[i] for i in range(len(scores)) if overlap[i] >= 0.5), default=0.0)
        x1, y1, x2, y2 = geometry.content
        own_box = [min(max(value, low), high) for value, low, high in
                   zip(boxes[own], (x1, y1, x1, y1), (x2, y2, x2, y2), strict=True)]
        found.append((float(score), float(best), np.array(own_box)))
    (before, _, old), (score, best, new) = found
    sx, sy = geometry.scale
    edges = np.array([(old[0] - new[0]) / sx, (old[1] - new[1]) / sy, (new[2] - old[2]) / sx, (new[3] - old[3]) / sy])
    return before, score, best, edges


def agrees(change: Change, slow: tuple[float, float, float, NDArray[np.float64]]) -> None:
    before, score, best, edges = slow
    assert change.before == pytest.approx(before, abs=5e-5)
    assert change.score == pytest.approx(score - before, abs=5e-5)
    assert change.logit == pytest.approx(math.log(score / (1 - score)) - math.log(before / (1 - before)), abs=1e-3)
    assert change.best == pytest.approx(best, abs=5e-5)
    np.testing.assert_allclose(change.edges, edges, atol=2e-3)
    assert change.loss == pytest.approx((before - score) / before, abs=1e-4)


@pytest.mark.parametrize("fill", ["blur", "grey"])
@pytest.mark.parametrize("chunk", [1, 3])
def test_changes_are_those_of_one_copy_and_one_box_after_the_other(scene: tuple[Detector, Canvas, Detections],
                                                                   fill: str, chunk: int) -> None:
    detector, canvas, found = scene
    shared = rectangle(canvas, (20, 10, 70, 60))
    regions = [[shared, rectangle(canvas, (60, 40, 90, 96))], [shared], [rectangle(canvas, (0, 0, 50, 40)), shared]]
    changes = intervene(detector, canvas, found, regions, fill, chunk)
    shown = baseline_of(canvas, fill)
    assert [len(each) for each in changes] == [2, 1, 2]
    moved = []
    for index, own in enumerate(changes):
        for change, region in zip(own, regions[index], strict=True):
            assert change.region is region
            assert change.fill == fill
            agrees(change, slowly(detector, canvas, found[[index]], region, shown))
            moved.append([change.score, *change.edges])
    assert np.abs(moved).max(0).min() > 0.01  # something happens to the score and to every edge


@pytest.mark.parametrize("family", ["fasterrcnn", "detr"])
def test_rows_are_frozen_or_others_on_every_copy(family: str) -> None:
    detector = tiny_detector(family)
    image = Image(photograph(3), "rectangles")
    canvas, found = detector.canvas(image), unsure(detector, image)[[0, 1]]
    assert detector.rows == {"fasterrcnn": FROZEN, "detr": PER_INPUT}[family]
    region = rectangle(canvas, (10, 10, 70, 80))
    for index, (change,) in enumerate(intervene(detector, canvas, found, [[region], [region]], "grey")):
        agrees(change, slowly(detector, canvas, found[[index]], region, baseline_of(canvas, "grey")))
        assert abs(change.score) > 1e-4


@pytest.mark.parametrize("family", ["ssd", "fasterrcnn"])
def test_passes_are_known_beforehand_and_equal_masks_are_run_once(family: str) -> None:
    detector = tiny_detector(family)
    image = Image(photograph(3), "rectangles")
    canvas, found = detector.canvas(image), detector.detect(image, 0.25)[[0, 1]]
    first, second = rectangle(canvas, (0, 0, 20, 20)), rectangle(canvas, (30, 30, 60, 60))
    regions = [[first, second], [Region("the same under another name", first.mask.copy())]]
    with count_passes(detector) as passes:
        intervene(detector, canvas, found, regions, chunk=2)
    assert passes.forwards == forward_passes(detector, regions) == (3 if family == "ssd" else 4)
    assert forward_passes(detector, [[], []]) == 0
    assert intervene(detector, canvas, found, [[], []]) == [[], []]


def test_hiding_the_cause_takes_the_score_and_hiding_controls_takes_nothing() -> None:
    """logit = 12 * mean red of the own cell - 8: from 0.98 to 0.0003 without red, by hand."""
    detector = SSDDetector(planted_ssd(96), {1: "person"}, "planted")
    image = Image(patch_photograph(96, 96, (40, 48, 48, 56)), "red cell")
    canvas, found = detector.canvas(image), detector.detect(image)
    assert len(found) == 1
    suspect = rectangle(canvas, (40, 48, 48, 56))
    controls = controls_for(suspect, canvas.geometries[0], np.zeros((96, 96), bool), 4)
    (change, *others), = intervene(detector, canvas, found, [[suspect, *controls]], "grey")
    assert len(others) == 4
    assert change.before == pytest.approx(1 / (1 + math.exp(-4)), abs=5e-5)
    assert change.before + change.score == pytest.approx(1 / (1 + math.exp(2)), abs=1e-5)  # grey is half red
    assert change.logit == pytest.approx(-6, abs=1e-3)
    assert [each.score for each in others] == pytest.approx([0] * 4, abs=1e-6)
    assert change.area == pytest.approx(64 / 96**2)
    np.testing.assert_allclose(change.edges, 0, atol=1e-4)


@pytest.mark.parametrize(("family", "layer"), [("ssd", "backbone.stem"), ("yolov8n", "model.2")])
@pytest.mark.parametrize("fill", list(FILLS))
def test_a_detector_that_sees_one_patch_is_moved_by_that_patch_alone(family: str, layer: str, fill: str) -> None:
    blind = gated(tiny_detector(family), layer)
    patch = rectangle(blind.canvas, blind.patch, "patch")
    geometry = blind.canvas.geometries[0]
    controls = controls_for(patch, geometry, np.zeros(geometry.canvas, bool), 2)
    assert controls
    question = Probe("context", patch, controls)
    (found,), = run_probes(blind.detector, blind.canvas, blind.box, [[question]], fill)
    assert abs(found.suspect.score) > 0.01
    assert max(abs(each.score) for each in found.controls) < 1e-6
    assert found.difference == pytest.approx(found.suspect.score, abs=1e-6)


def test_an_answer_is_compared_with_the_mean_of_its_controls() -> None:
    def change(score: float, edges: tuple[float, ...]) -> Change:
        return Change(Region("r", np.ones((1, 1), bool)), "blur", 0.1, 0.8, score, 0.0, np.array(edges), 0.0)

    controls = change(-0.2, (1, 0, 0, 0)), change(0.0, (2, 0, 0, -1))
    found = Intervention("context", change(-0.6, (4, 0, 0, 2)), controls)
    assert found.difference == pytest.approx(-0.5)
    assert found.extra_loss == pytest.approx(0.75 - 0.125)
    np.testing.assert_allclose(found.extra_edges, [2.5, 0, 0, 2.5])
    alone = Intervention("context", found.suspect, ())
    assert math.isnan(alone.difference)
    assert math.isnan(alone.extra_loss)
    assert np.isnan(alone.extra_edges).all()


def test_answers_come_in_the_order_of_the_questions(scene: tuple[Detector, Canvas, Detections]) -> None:
    detector, canvas, found = scene
    a, b, c = (rectangle(canvas, (x, 20, x + 20, 60), f"at {x}") for x in (5, 45, 85))
    questions = [[Probe("first", a, (b, c)), Probe("second", b, ())], [], [Probe("third", c, (a,))]]
    regions = [[each.name for each in own] for own in probe_regions(questions)]
    assert regions == [["at 5", "at 45", "at 85", "at 45"], [], ["at 85", "at 5"]]
    answers = run_probes(detector, canvas, found, questions)
    plain = intervene(detector, canvas, found, [[a, b, c]] * 3)
    assert [[each.name for each in own] for own in answers] == [["first", "second"], [], ["third"]]
    assert [each.score for each in answers[0][0].controls] == pytest.approx([plain[0][1].score, plain[0][2].score])
    assert answers[0][1].suspect.score == pytest.approx(plain[0][1].score)
    assert answers[2][0].suspect.score == pytest.approx(plain[2][2].score)


@pytest.mark.parametrize("fill", list(FILLS))
def test_fills_touch_neither_the_rest_nor_the_padding(scene: tuple[Detector, Canvas, Detections], fill: str) -> None:
    _, canvas, _ = scene
    photograph_ = photograph_pixels(canvas.geometries[0])
    mask = np.zeros_like(photograph_)
    mask[:50, 30:80] = True  # reaches into the padding above
    assert (mask & ~photograph_).any()
    before = canvas.pixels.clone()
    changed = filler(canvas, fill)(mask)
    assert torch.equal(canvas.pixels, before)
    same = torch.from_numpy(~(mask & photograph_))
    assert torch.equal(changed[:, same], canvas.pixels[0][:, same])
    assert (changed[:, ~same] != canvas.pixels[0][:, ~same]).float().mean() > 0.9


def test_inpainting_paints_with_what_lies_around() -> None:
    detector = YOLODetector(planted_yolo(), {"imgsz": 128})
    rgb = np.full((96, 128, 3), (40, 90, 200), np.uint8)
    rgb[30:50, 40:60] = (255, 0, 0)
    canvas = detector.canvas(Image(rgb, "red square"))
    mask = in_box(canvas.geometries[0], np.array([39, 29, 61, 51]) + np.tile(canvas.geometries[0].offset, 2))
    painted = filler(canvas, "inpaint")(mask)[:, torch.from_numpy(mask)]
    assert np.abs(painted.numpy() - np.array([[40], [90], [200]]) / 255).max() < 4 / 255  # a step of its 8 bits or two
    with pytest.raises(InputError, match="whole photograph"):
        filler(canvas, "inpaint")(np.ones(canvas.geometries[0].canvas, bool))


def test_what_cannot_be_asked_is_refused(scene: tuple[Detector, Canvas, Detections]) -> None:
    detector, canvas, found = scene
    good = rectangle(canvas, (20, 20, 40, 60))
    with pytest.raises(InputError, match=r"unknown fill 'blurr'.*blur"):
        intervene(detector, canvas, found, [[good]] * 3, "blurr")
    with pytest.raises(InputError, match="2 detections: expected those of each of the 3"):
        intervene(detector, canvas, found, [[good]] * 2)
    with pytest.raises(InputError, match="mask of the canvas"):
        intervene(detector, canvas, found, [[Region("odd", np.ones((3, 3), bool))], [], []])
    padding = np.zeros(canvas.geometries[0].canvas, bool)
    padding[0] = True
    with pytest.raises(InputError, match="no pixel of it lies on the photograph"):
        intervene(detector, canvas, found, [[Region("padding", padding)], [], []])


GEOMETRY = Geometry((60, 100), (80, 100), (1.0, 1.0), (0.0, 10.0))


@pytest.mark.parametrize("seed", range(4))
def test_controls_have_the_shape_and_lie_free_on_the_photograph(seed: int) -> None:
    objects = in_boxes(GEOMETRY, np.array([[10.0, 15, 40, 60], [60, 40, 95, 70]]))
    odd = in_box(GEOMETRY, np.array([45.0, 20, 57, 32])) & ~in_box(GEOMETRY, np.array([45.0, 20, 50, 25]))
    region = Region("odd", odd)
    controls = controls_for(region, GEOMETRY, objects, 3, seed)
    assert len(controls) == 3
    offsets = set()
    masks = [odd]
    for control in controls:
        assert control.mask.sum() == odd.sum()
        assert area_of(control, GEOMETRY) == area_of(region, GEOMETRY)
        assert not (control.mask & objects).any()
        assert not (control.mask & ~photograph_pixels(GEOMETRY)).any()
        for other in masks:
            assert not (grown(other, 1) & control.mask).any()
        masks.append(control.mask)
        dy, dx = np.argwhere(control.mask).min(0) - np.argwhere(odd).min(0)
        offsets.add((int(dy), int(dx)))
        assert (np.roll(odd, (dy, dx), (0, 1)) == control.mask).all()
    assert len(offsets) == 3
    again = controls_for(region, GEOMETRY, objects, 3, seed)
    assert all((a.mask == b.mask).all() for a, b in zip(controls, again, strict=True))


def test_controls_are_fewer_where_there_is_no_room() -> None:
    left = Region("left", in_box(GEOMETRY, np.array([0.0, 10, 40, 70])))
    nothing = np.zeros(GEOMETRY.canvas, bool)
    assert len(controls_for(left, GEOMETRY, nothing, 3)) == 1  # 59 columns are left of which it takes 40
    assert controls_for(left, GEOMETRY, in_box(GEOMETRY, np.array([60.0, 10, 65, 70])), 3) == ()


def test_free_places_equal_trying_each_one() -> None:
    random = np.random.default_rng(0)
    taken, shape = random.random((30, 40)) > 0.97, random.random((5, 7)) > 0.4
    by_hand = [[not (taken[y : y + 5, x : x + 7] & shape).any() for x in range(34)] for y in range(26)]
    assert (free_places(shape, taken) == np.array(by_hand)).all()
    assert 0 < np.mean(by_hand) < 1
    large, whole = np.zeros((640, 640), bool), np.ones((500, 500), bool)
    large[600, 620] = True  # a single pixel under a quarter of a million: float32 has to count it
    assert free_places(whole, large).sum() == 141 * 141 - (140 - 101 + 1) * (140 - 121 + 1)


def test_grown_is_a_dilation_by_a_square() -> None:
    mask = np.zeros((9, 9), bool)
    mask[4, 2] = True
    assert np.argwhere(grown(mask, 1)).tolist() == [[y, x] for y in (3, 4, 5) for x in (1, 2, 3)]
    assert cv2.__version__


def test_a_change_is_frozen(scene: tuple[Detector, Canvas, Detections]) -> None:
    detector, canvas, found = scene
    (change,), *_ = intervene(detector, canvas, found, [[rectangle(canvas, (20, 20, 40, 60))], [], []])
    with pytest.raises(dataclasses.FrozenInstanceError):
        change.score = 0.0  # type: ignore[misc]
    assert CELL == 8
