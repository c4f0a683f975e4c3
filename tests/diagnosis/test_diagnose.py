"""diagnose(): every part of it against what a slow, obvious walk over the same boxes finds."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from support.tiny import photograph, tiny_detector

import detcam
from detcam.attribution.heatmap import Heatmap
from detcam.attribution.methods.registry import get_method
from detcam.datasets.formats import read_data_set
from detcam.datasets.ground_truth import GroundTruth
from detcam.detectors.base import Detector
from detcam.diagnosis.diagnose import diagnose
from detcam.diagnosis.error_types import IGNORED, TYPES
from detcam.diagnosis.result import Diagnosis
from detcam.diagnosis.table import rows_of
from detcam.errors import InputError
from detcam.imaging.image import load_image

FIRST, SECOND = "class 1", "class 2"  # the tiny SSD's words
SURE = 0.9  # leaves about thirty of its detections
PLACED = ("correct", "localization", "duplicate")
ELSEWHERE = [[3.0, 5.0, 30.0, 28.0], [90.0, 4.0, 120.0, 30.0]]


@pytest.fixture(scope="module")
def detector() -> Detector:
    made: Detector = tiny_detector("ssd")
    return made


def truth_for(detector: Detector, classes: tuple[str, ...] = (FIRST, SECOND)) -> GroundTruth:
    """Some detections' boxes moved and grown, each with its class or the other one, and two objects that none found."""
    found = detector.detect(load_image(photograph()), SURE)
    boxes: list[list[float]] = []
    names = []
    for order, index in enumerate(range(0, len(found), 4)):
        x1, y1, x2, y2 = found.boxes[index]
        boxes.append([x1 - 2 * (order % 4), y1 + 3 * (order % 3), x2 + order % 5, y2 + 2])
        own = detector.class_names[int(found.labels[index])]
        names.append(own if order % 3 else FIRST if own == SECOND else SECOND)
    boxes += ELSEWHERE
    names += [FIRST, SECOND]
    truth = GroundTruth(Path("rectangles.png"), np.array(boxes), tuple(names), np.zeros(len(boxes), bool))
    return truth[np.isin(names, classes)]


@pytest.fixture(scope="module")
def both(detector: Detector) -> Diagnosis:
    return diagnose(detector, photograph(), truth_for(detector), min_score=SURE)


def overlap(a: NDArray[Any], b: NDArray[Any]) -> float:
    """IoU of two boxes, one number at a time."""
    wide, high = min(a[2], b[2]) - max(a[0], b[0]), min(a[3], b[3]) - max(a[1], b[1])
    both = max(wide, 0.0) * max(high, 0.0)
    return float(both / ((a[2] - a[0]) * (a[3] - a[1]) + (b[2] - b[0]) * (b[3] - b[1]) - both))


def share_in_box(heatmap: Heatmap, box: NDArray[Any]) -> float:
    """A map's positive part in a box, cell by cell."""
    x, y = heatmap.cell_edges()
    x1, y1, x2, y2 = heatmap.geometry.to_canvas(np.asarray(box, float))
    total = inside = 0.0
    for row in range(len(y) - 1):
        for column in range(len(x) - 1):
            value = max(float(heatmap.values[row, column]), 0.0)
            wide = min(x2, x[column + 1]) - max(x1, x[column])
            high = min(y2, y[row + 1]) - max(y1, y[row])
            total += value * (x[column + 1] - x[column]) * (y[row + 1] - y[row])
            inside += value * max(wide, 0.0) * max(high, 0.0)
    return inside / total


def test_every_kind_of_error_is_there(both: Diagnosis) -> None:
    """What follows would prove nothing on correct boxes alone."""
    assert {"correct", "localization", "both", "background", "duplicate"} <= set(both.assignment.types)
    assert both.missed
    assert both.assignment.counted_elsewhere.any()


def test_detections_are_those_of_the_detector_best_first(both: Diagnosis, detector: Detector) -> None:
    found = detector.detect(load_image(photograph()), SURE)
    order = np.argsort(-found.scores, kind="stable")
    np.testing.assert_array_equal(both.detections.boxes, found.boxes[order])
    np.testing.assert_array_equal(both.detections.labels, found.labels[order])
    np.testing.assert_array_equal(both.evaluated, np.arange(len(found)))
    assert both.boxes.numbered == tuple(range(1, len(found) + 1))
    assert set(both.classes) == {FIRST, SECOND}
    assert both.boxes.detection_count == len(found)


def test_maps_are_those_of_explain(both: Diagnosis, detector: Detector) -> None:
    explained = detcam.explain(detector, photograph(), min_score=SURE, max_boxes=None, edge_maps=True)
    assert len(explained) > 5
    for own, other in zip(both.boxes.maps[0].heatmaps, explained.maps[0].heatmaps, strict=True):
        np.testing.assert_allclose(own.values, other.values, atol=1e-5)
    assert both.boxes.edges is not None
    assert explained.edges is not None
    np.testing.assert_allclose(both.boxes.edges.evidence, explained.edges.evidence, rtol=1e-4)
    assert both.boxes.maps[0].shares == explained.maps[0].shares


def test_errors_of_the_edges_by_hand(both: Diagnosis) -> None:
    placed = 0
    for box, place in enumerate(both.evaluated):
        true = int(both.assignment.truth[place])
        if both.assignment.types[place] not in PLACED:
            assert np.isnan(both.outward[box]).all()
            assert both.worst_edge(box) is None
            assert both.pulls[box] is None
            continue
        placed += 1
        x1, y1, x2, y2 = both.detections.boxes[place]
        a1, b1, a2, b2 = both.truth.boxes[true]
        by_hand = [a1 - x1, b1 - y1, x2 - a2, y2 - b2]
        np.testing.assert_allclose(both.outward[box], by_hand)
        shares = [by_hand[0] / (a2 - a1), by_hand[1] / (b2 - b1), by_hand[2] / (a2 - a1), by_hand[3] / (b2 - b1)]
        np.testing.assert_allclose(both.shares[box], shares)
        assert both.worst_edge(box) == ("left", "top", "right", "bottom")[int(np.argmax(np.abs(shares)))]
        assert both.pulls[box] is not None
        iou = overlap(both.detections.boxes[place], both.truth.boxes[true])
        assert both.assignment.overlap[place] == pytest.approx(iou)
    assert placed > 5


def test_leakage_cell_by_cell(both: Diagnosis) -> None:
    assert len(both) > 5
    for box in range(0, len(both), 4):
        slow = [share_in_box(both.boxes.maps[0].heatmaps[box], true) for true in both.truth.boxes]
        np.testing.assert_allclose(both.leakage[box], slow, atol=1e-6)


def test_what_pulls_an_edge_outward_cell_by_cell(both: Diagnosis) -> None:
    box = next(index for index, pulls in enumerate(both.pulls) if pulls is not None)
    assert both.boxes.edges is not None
    assert both.boxes.edges.maps is not None
    heatmap, pull = both.boxes.edges.maps[box][1], both.pulls[box][1]  # type: ignore[index]
    true = both.truth.boxes[both.truth_of(box)]
    x, y = heatmap.cell_edges()
    top = heatmap.geometry.to_canvas(true)[1]
    up = every = above = 0.0
    for row in range(len(y) - 1):
        for column in range(len(x) - 1):
            area, value = (x[column + 1] - x[column]) * (y[row + 1] - y[row]), float(heatmap.values[row, column])
            every += abs(value) * area
            up += max(-value, 0) * area  # a top edge that moves up has a smaller coordinate
            above += max(-value, 0) * area * (np.clip(top, y[row], y[row + 1]) - y[row]) / (y[row + 1] - y[row])
    assert pull.outward == pytest.approx(up / every, rel=1e-5)
    assert pull.beyond == pytest.approx(above / up, rel=1e-5)


def test_siblings_are_rows_of_the_same_label_on_the_place(both: Diagnosis, detector: Detector) -> None:
    import torch

    photo = load_image(photograph())
    canvas = detector.canvas(photo)
    with torch.no_grad():
        prediction = detector.forward(canvas.pixels)
    rows = prediction.boxes[0].numpy().astype(float)
    keys = list(zip(both.detections.rows.tolist(), both.detections.labels.tolist(), strict=True))
    for box in (0, 5, 11):
        row, label = keys[both.evaluated[box]]
        scores = prediction.scores_of(label)[0].numpy()
        slow = {each for each in range(len(rows)) if each != row and scores[each] > 0.05
                and overlap(rows[row], rows[each]) > 0.5}
        assert set(both.siblings[box].rows.tolist()) == slow
        assert {keys[place] for place in both.siblings[box].survived} == {(each, label) for each in slow
                                                                           if (each, label) in keys}


def test_only_boxes_in_question_are_explained(detector: Detector, both: Diagnosis) -> None:
    """Those of the class, and those of another class that stand on its objects; numbers stay."""
    diagnosis = diagnose(detector, photograph(), truth_for(detector), classes=[SECOND], min_score=SURE)
    assert diagnosis.assignment.types == both.assignment.types
    slow = []
    for place, (kind, true) in enumerate(zip(both.assignment.types, both.assignment.truth.tolist(), strict=True)):
        own = both.detections.labels[place] == detector.labels_of([SECOND])[0]
        mistaken = kind in ("classification", "both") and both.truth.class_names[true] == SECOND
        if own or mistaken:
            slow.append(place)
    assert diagnosis.evaluated.tolist() == slow
    assert any(both.detections.labels[place] != detector.labels_of([SECOND])[0] for place in slow)
    assert diagnosis.boxes.numbered == tuple(place + 1 for place in slow)
    assert [diagnosis.type_of(box) for box in range(len(diagnosis))] == [both.assignment.types[place] for place in slow]
    assert diagnosis.missed
    assert all(diagnosis.truth.class_names[each.truth] == SECOND for each in diagnosis.missed)
    np.testing.assert_allclose(diagnosis.leakage, both.leakage[slow], atol=1e-5)
    by_index = diagnose(detector, photograph(), truth_for(detector), classes=["2"], min_score=SURE, edges=False)
    assert (by_index.classes, by_index.evaluated.tolist()) == ((SECOND,), slow)
    assert [each.truth for each in by_index.missed] == [each.truth for each in diagnosis.missed]


def test_detections_of_classes_that_nobody_annotated_are_left_out(detector: Detector) -> None:
    truth = truth_for(detector, (FIRST,))
    one = diagnose(detector, photograph(), truth, min_score=SURE, edges=False)
    assert set(one.detections.labels.tolist()) == set(detector.labels_of([FIRST]))
    two = diagnose(detector, photograph(), truth, annotated=[FIRST, SECOND], min_score=SURE, edges=False)
    assert len(two.detections) > len(one.detections)


def same_verdicts(diagnosis: Diagnosis, explained: detcam.Explanation) -> None:
    asked = [each for each in explained.verdicts if each is not None]
    assert asked
    for missed, verdict in zip(diagnosis.missed, asked, strict=True):
        assert missed.verdict is not None
        assert replace(missed.verdict, place=replace(missed.verdict.place, label=None)) == verdict
        assert diagnosis.best_rows is not None
        assert missed.row is not None
        place = explained.verdicts.index(verdict)
        np.testing.assert_allclose(diagnosis.best_rows.maps[0].heatmaps[missed.row].values,
                                   explained.maps[0].heatmaps[place].values, atol=1e-5)


def test_missed_objects_have_the_verdicts_of_explain(detector: Detector) -> None:
    truth = truth_for(detector, (FIRST,))
    diagnosis = diagnose(detector, photograph(), truth, min_score=SURE)
    boxes = [truth.boxes[each.truth].clip(0, [128, 96, 128, 96]).tolist() for each in diagnosis.missed]
    assert boxes
    same_verdicts(diagnosis, detcam.explain(detector, photograph(), min_score=SURE, classes=[FIRST], box=boxes))


def test_differences_are_those_of_versus(detector: Detector) -> None:
    truth = truth_for(detector, (FIRST,))
    diagnosis = diagnose(detector, photograph(), truth, min_score=SURE, edges=False)
    compared = 0
    for missed in diagnosis.missed:
        if missed.rival is None:
            assert missed.difference is None
            continue
        assert diagnosis.best_rows is not None
        assert missed.row is not None
        assert missed.difference is not None
        box = truth.boxes[missed.truth].clip(0, [128, 96, 128, 96]).tolist()
        alone = detcam.explain(detector, photograph(), min_score=SURE, classes=[FIRST], box=box, edges=False)
        rivals = [reason.rival for reason in alone.verdicts[0].reasons if reason.rival]  # type: ignore[union-attr]
        versus = detcam.explain(detector, photograph(), min_score=SURE, classes=[FIRST], box=box, edges=False,
                                versus=rivals[0].number)
        np.testing.assert_allclose(missed.difference.values, versus.maps[0].heatmaps[0].values, atol=1e-5)
        assert missed.difference.signed
        assert not np.allclose(missed.difference.values, diagnosis.best_rows.maps[0].heatmaps[missed.row].values)
        compared += 1
    assert compared
    plain = diagnose(detector, photograph(), truth, min_score=SURE, edges=False, differences=False)
    assert all(each.difference is None for each in plain.missed)
    assert [each.rival for each in plain.missed] == [each.rival for each in diagnosis.missed]


def test_a_true_box_that_reaches_beyond_the_photograph(detector: Detector) -> None:
    truth = GroundTruth(Path("rectangles.png"), np.array([[-20.0, -10, 30, 28], [100, 60, 150, 120]]), (FIRST,) * 2,
                        np.zeros(2, bool))
    diagnosis = diagnose(detector, photograph(), truth, min_score=0.999, edges=False)
    asked = [each.verdict.place.box for each in diagnosis.missed if each.verdict is not None]
    assert set(asked) <= {(0.0, 0.0, 30.0, 28.0), (100.0, 60.0, 128.0, 96.0)}
    assert asked


def test_without_detections_everything_is_missed(detector: Detector) -> None:
    truth = truth_for(detector)
    diagnosis = diagnose(detector, photograph(), truth, min_score=0.9999999)
    assert (len(diagnosis), len(diagnosis.detections), diagnosis.assignment.types) == (0, 0, ())
    assert len(truth) > 3
    assert [each.truth for each in diagnosis.missed] == list(range(len(truth)))
    assert all(each.verdict is not None and each.verdict.reasons for each in diagnosis.missed)
    assert diagnosis.outward.shape == (0, 4)
    assert diagnosis.leakage.shape == (0, len(truth))
    assert [row["kind"] for row in rows_of(diagnosis, "a")] == ["missed"] * len(truth)


def test_without_true_boxes_every_detection_is_background(detector: Detector) -> None:
    nothing = truth_for(detector)[[]]
    diagnosis = diagnose(detector, photograph(), nothing, classes=[FIRST], min_score=SURE)
    assert set(diagnosis.assignment.types) == {"background"}
    assert set(diagnosis.detections.labels.tolist()) == set(detector.labels_of([FIRST]))
    assert diagnosis.leakage.shape == (len(diagnosis), 0)
    assert (diagnosis.missed, diagnosis.best_rows) == ((), None)
    assert len(rows_of(diagnosis, "a")) == len(diagnosis)
    with pytest.raises(InputError, match="name the classes in question"):
        diagnose(detector, photograph(), nothing)


def test_crowds_are_ignored(detector: Detector) -> None:
    truth = truth_for(detector, (FIRST,))
    whole = GroundTruth(truth.file, np.array([[0.0, 0, 128, 96]]), (FIRST,), np.ones(1, bool))
    diagnosis = diagnose(detector, photograph(), whole, min_score=SURE, edges=False)
    assert set(diagnosis.assignment.types) == {IGNORED.name}
    assert not diagnosis.missed
    assert np.isnan(diagnosis.outward).all()


def test_an_unknown_class_is_named(detector: Detector) -> None:
    with pytest.raises(InputError, match="no class 'person'"):
        diagnose(detector, photograph(), truth_for(detector), classes=["person"])


def test_a_plain_callable_is_diagnosed_without_verdicts_and_edges() -> None:
    """Its selection is not known step by step, and its boxes have no edges to explain."""
    boxes = [[36.0, 12, 60, 36], [4, 4, 20, 20]]

    def finds(rgb: NDArray[np.uint8]) -> tuple[Any, Any, Any]:
        return boxes, [0, 0], [0.4 + 0.5 * float(rgb[12:36, 36:60, 0].mean()) / 255, 0.5]

    black = detcam.load(finds, class_names=["patch"])
    rgb = np.full((48, 64, 3), 255, np.uint8)
    truth = GroundTruth(Path("red.png"), np.array([[36.0, 12, 60, 32], [40, 38, 60, 46]]), ("patch",) * 2,
                        np.zeros(2, bool))
    diagnosis = diagnose(black, rgb, truth, method=get_method("drise", samples=20, grid=4))
    assert diagnosis.assignment.types == ("correct", "background")
    np.testing.assert_allclose(diagnosis.outward[0], [0, 0, 0, 4])
    assert diagnosis.boxes.edges is None
    assert diagnosis.pulls == (None, None)
    assert [(each.truth, each.verdict, each.row) for each in diagnosis.missed] == [(1, None, None)]
    assert diagnosis.best_rows is None
    assert len(rows_of(diagnosis, "red.png")) == 3


@pytest.mark.parametrize("family", ["yolov8n", "retinanet", "fasterrcnn"])
def test_other_families(family: str) -> None:
    detector = tiny_detector(family)
    found = detector.detect(load_image(photograph()))
    name = detector.class_names[int(found.labels[0])]
    truth = GroundTruth(Path("a.png"), np.concatenate([found.boxes[:1], ELSEWHERE]), (name,) * 3, np.zeros(3, bool))
    diagnosis = diagnose(detector, photograph(), truth, min_score=float(np.sort(found.scores)[-min(8, len(found))]))
    assert diagnosis.assignment.types[0] == "correct"
    np.testing.assert_allclose(diagnosis.outward[0], 0, atol=1e-4)
    assert {*diagnosis.assignment.types} <= {*TYPES}
    assert len(diagnosis.pulls) == len(diagnosis.siblings) == len(diagnosis)
    assert len(rows_of(diagnosis, "a.png")) == len(diagnosis) + len(diagnosis.missed)


@pytest.mark.assets
def test_missed_persons_have_the_verdicts_of_explain(assets: Path) -> None:
    data, detector = read_data_set(assets / "persons_eval" / "instances.json"), detcam.load("detcam-person-ssd")
    for photo in (data.photographs[3], data.photographs[13]):
        diagnosis = diagnose(detector, photo.file, photo, classes=["person"], min_score=0.25, edges=False)
        boxes = [photo.boxes[each.truth].tolist() for each in diagnosis.missed]
        assert boxes
        same_verdicts(diagnosis, detcam.explain(detector, photo.file, classes=["person"], min_score=0.25, box=boxes,
                                                edges=False))
