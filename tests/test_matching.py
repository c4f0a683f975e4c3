"""Matching against COCO's own evaluation."""

import numpy as np
import pytest

from detcam.data.matching import CROWD, UNMATCHED, match

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
