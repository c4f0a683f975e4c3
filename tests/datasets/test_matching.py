"""Matching against COCO's own evaluation and the rule of Pascal VOC's devkit."""

from pathlib import Path

import numpy as np
import pytest

from detcam.datasets.ground_truth import GroundTruth
from detcam.datasets.matching import CROWD, DIFFICULT, UNMATCHED, match, match_by_class

pytest.importorskip("pycocotools", reason="COCO's own evaluation, which matching is compared with, is not installed")

CASES = {
    "the better of two takes it": ([[0, 0, 10, 10], [0, 0, 10, 9]], [0.5, 0.9], [[0, 0, 10, 10]], None),
    "each takes its best": ([[0, 0, 10, 10], [2, 0, 12, 10]], [0.9, 0.8], [[2, 0, 12, 10], [0, 0, 10, 10]], None),
    "the first takes what the second needs": (
        [[1, 0, 11, 10], [3, 0, 13, 10]], [0.9, 0.8], [[2, 0, 12, 10], [40, 0, 50, 10]], None),
    "exactly one half": ([[0, 0, 10, 5]], [0.9], [[0, 0, 10, 10]], None),
    "just under one half": ([[0, 0, 10, 4.99]], [0.9], [[0, 0, 10, 10]], None),
    "a tie goes to the last": ([[0, 0, 10, 10]], [0.9], [[1, 0, 11, 10], [-1, 0, 9, 10]], None),
    "equal scores keep their order": ([[0, 0, 10, 10], [0, 0, 10, 10]], [0.7, 0.7], [[0, 0, 10, 10]], None),
    "in a crowd": ([[5, 5, 10, 10], [5, 5, 11, 10]], [0.9, 0.8], [[0, 0, 100, 100]], [True]),
    "a person before the crowd": (
        [[0, 0, 10, 10], [0, 0, 10, 10]], [0.9, 0.8], [[0, 0, 100, 100], [0, 0, 10, 9]], [True, False]),
    "nothing true": ([[0, 0, 10, 10]], [0.9], [], None),
    "nothing found": ([], [], [[0, 0, 10, 10]], None),
}


def cocos(boxes: np.ndarray, scores: np.ndarray, true: np.ndarray, crowd: np.ndarray) -> list[int]:
    """COCO's own matching of one photograph at IoU 0.5."""
    def annotation(index: int, box: np.ndarray) -> dict:
        x1, y1, x2, y2 = box.tolist()
        return {"id": index + 1, "image_id": 1, "category_id": 1, "bbox": [x1, y1, x2 - x1, y2 - y1],
                "area": (x2 - x1) * (y2 - y1), "iscrowd": 0}

    from pycocotools.coco import COCO
    from pycocotools.cocoeval import COCOeval

    truth = COCO()
    truth.dataset = {"images": [{"id": 1, "width": 100, "height": 100}], "categories": [{"id": 1, "name": "person"}],
                     "annotations": [annotation(i, box) | {"iscrowd": int(crowd[i])} for i, box in enumerate(true)]}
    truth.createIndex()
    found = truth.loadRes([annotation(i, box) | {"score": float(scores[i])} for i, box in enumerate(boxes)])
    evaluation = COCOeval(truth, found, "bbox")
    evaluation.params.iouThrs = np.array([0.5])
    evaluation.params.imgIds, evaluation.params.catIds = [1], [1]
    evaluation._prepare()
    evaluation.ious = {(1, 1): evaluation.computeIoU(1, 1)}
    result = evaluation.evaluateImg(1, 1, [0, 1e10], 100)
    if result is None:
        return [UNMATCHED] * len(boxes)
    matched = np.zeros(len(boxes), int)
    matched[np.array(result["dtIds"]) - 1] = np.array(result["dtMatches"][0], int)
    return [UNMATCHED if gt == 0 else CROWD if crowd[gt - 1] else gt - 1 for gt in matched]


def arrays(case: tuple) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    boxes, scores, true, crowd = case
    return (np.array(boxes, float).reshape(-1, 4), np.array(scores, float), np.array(true, float).reshape(-1, 4),
            np.zeros(len(true), bool) if crowd is None else np.array(crowd))


@pytest.mark.parametrize("name", [name for name, case in CASES.items() if case[0]])
def test_agrees_with_coco_on_hand_made_cases(name: str) -> None:
    case = arrays(CASES[name])
    assert match(*case).tolist() == cocos(*case)


@pytest.mark.parametrize("seed", range(40))
def test_agrees_with_coco_on_crowded_random_boxes(seed: int) -> None:
    generator = np.random.default_rng(seed)
    corners = generator.uniform(0, 20, (8, 2)).round(1)
    true = np.concatenate([corners, corners + generator.uniform(8, 14, (8, 2)).round(1)], 1)
    found = true[generator.integers(0, 8, 16)] + generator.normal(0, 1, (16, 4)).round(1)
    scores, crowd = generator.random(16).round(1), generator.random(8) < 0.2  # equal scores among them
    ours = match(found, scores, true, crowd)
    assert ours.tolist() == cocos(found, scores, true, crowd)
    assert (ours >= 0).any()


def test_by_hand() -> None:
    assert match(*arrays(CASES["the better of two takes it"])).tolist() == [UNMATCHED, 0]
    assert match(*arrays(CASES["each takes its best"])).tolist() == [1, 0]
    assert match(*arrays(CASES["exactly one half"])).tolist() == [0]
    assert match(*arrays(CASES["just under one half"])).tolist() == [UNMATCHED]
    assert match(*arrays(CASES["a person before the crowd"])).tolist() == [1, CROWD]
    assert match(*arrays(CASES["nothing true"])).tolist() == [UNMATCHED]
    assert match(*arrays(CASES["nothing found"])).tolist() == []


EDGES = np.array([1.0, 1, 0, 0])  # from the edges of a box to the pixels that it includes, counted from 1


def pixels_iou(a: np.ndarray, b: np.ndarray) -> float:
    """IoU as the devkit has it: of 1-based boxes whose corners belong to them."""
    width = min(a[2], b[2]) - max(a[0], b[0]) + 1
    height = min(a[3], b[3]) - max(a[1], b[1]) + 1
    if width <= 0 or height <= 0:
        return 0.0
    union = sum((each[2] - each[0] + 1) * (each[3] - each[1] + 1) for each in (a, b)) - width * height
    return float(width * height / union)


def vocs(boxes: np.ndarray, scores: np.ndarray, true: np.ndarray, difficult: np.ndarray) -> list[int]:
    """The rule of the devkit's VOCevaldet, detection by detection: the true box of highest IoU decides alone."""
    found, taken = [UNMATCHED] * len(boxes), set()
    for index in np.argsort(-scores, kind="stable").tolist():
        overlaps = [pixels_iou(boxes[index], box) for box in true]
        best = int(np.argmax(overlaps)) if overlaps else -1
        if best < 0 or overlaps[best] < 0.5:
            continue
        if difficult[best]:
            found[index] = DIFFICULT
        elif best not in taken:
            found[index] = best
            taken.add(best)
    return found


@pytest.mark.parametrize("seed", range(40))
def test_agrees_with_the_voc_devkit_on_boxes_apart(seed: int) -> None:
    """True boxes that overlap little: a detection reaches at most one by 0.5, where both rules are the same."""
    generator = np.random.default_rng(seed)
    corners = np.stack(np.meshgrid([1, 20, 39], [1, 20, 39]), -1).reshape(-1, 2) + generator.integers(0, 6, (9, 2))
    true = np.concatenate([corners, corners + generator.integers(14, 18, (9, 2))], 1).astype(float)
    found = true[generator.integers(0, 9, 30)] + generator.integers(-3, 4, (30, 4))
    scores, difficult = generator.random(30).round(1), generator.random(9) < 0.4
    assert max(sum(pixels_iou(box, each) >= 0.5 for each in true) for box in found) == 1
    ours = match(found - EDGES, scores, true - EDGES, difficult=difficult).tolist()
    assert ours == vocs(found, scores, true, difficult)
    assert {DIFFICULT, UNMATCHED} < set(ours)


@pytest.mark.parametrize("seed", range(40))
def test_a_difficult_object_is_one_that_any_number_may_find_after_the_others(seed: int) -> None:
    """Against two passes: match without the difficult ones, then ask the rest whether they overlap one."""
    generator = np.random.default_rng(seed)
    corners = generator.uniform(0, 20, (8, 2))
    true = np.concatenate([corners, corners + generator.uniform(8, 14, (8, 2))], 1)
    found, scores = true[generator.integers(0, 8, 16)] + generator.normal(0, 1, (16, 4)), generator.random(16)
    difficult, crowd = generator.random(8) < 0.3, generator.random(8) < 0.2
    plain = np.flatnonzero(~difficult | crowd)
    wanted = match(found, scores, true[plain], crowd[plain])
    for index, each in enumerate(wanted):
        hard = [pixels_iou(found[index] + EDGES, true[k] + EDGES) for k in np.flatnonzero(difficult & ~crowd)]
        if each >= 0:
            wanted[index] = plain[each]
        elif each == UNMATCHED and max(hard, default=0) >= 0.5:
            wanted[index] = DIFFICULT
    assert match(found, scores, true, crowd, difficult=difficult).tolist() == wanted.tolist()


def test_where_the_devkit_decides_otherwise() -> None:
    """One detection over a difficult object and, less, over a free ordinary one: COCO's way gives it the latter."""
    found, true = np.array([[1.0, 1, 10, 10]]), np.array([[1.0, 1, 10, 10], [1, 1, 10, 14]])
    difficult = np.array([True, False])
    assert vocs(found, np.ones(1), true, difficult) == [DIFFICULT]
    assert match(found - EDGES, np.ones(1), true - EDGES, difficult=difficult).tolist() == [1]


def test_classes_are_matched_apart() -> None:
    truth = GroundTruth(Path("a.jpg"), np.array([[0, 0, 10, 10], [0, 0, 10, 10], [20, 0, 30, 10], [40, 0, 50, 10.0]]),
                        ("dog", "person", "dog", "dog"), np.array([False, False, True, False]),
                        difficult=np.array([False, False, False, True]))
    boxes = np.array([[0, 0, 10, 9.0], [0, 0, 10, 10], [0, 0, 10, 10], [20, 0, 30, 10], [40, 0, 50, 10],
                      [20, 0, 30, 10]])
    names = ["person", "dog", "cat", "dog", "dog", "person"]
    scores = np.array([0.5, 0.9, 0.8, 0.7, 0.6, 0.4])
    assert match_by_class(boxes, scores, names, truth).tolist() == [1, 0, UNMATCHED, CROWD, DIFFICULT, UNMATCHED]
    assert match_by_class(boxes[:0], scores[:0], [], truth).tolist() == []
