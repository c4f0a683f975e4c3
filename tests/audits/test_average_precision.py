"""AP, recall and overlap by height, against hand-made cases and pycocotools."""

import io
import json
from contextlib import redirect_stdout
from pathlib import Path

import numpy as np
import pytest
from PIL import Image as PilImage
from support.places import ROOT, TINY
from support.tiny import photograph

from detcam.audits.average_precision import HEIGHTS, Case, Figure, best_f1_score, evaluate
from detcam.cli.main import run_script
from detcam.evaluation.precision_by_score import SCORES


def case(true_boxes: list[list[float]], boxes: list[list[float]], scores: list[float],
         crowd: list[bool] | None = None) -> Case:
    return Case(np.array(true_boxes, float).reshape(-1, 4), np.array(crowd or [False] * len(true_boxes), bool),
                np.array(boxes, float).reshape(-1, 4), np.array(scores, float))


def by_height(figures: list[Figure]) -> dict[str, Figure]:
    return {figure.heights: figure for figure in figures}


def test_a_perfect_detector() -> None:
    boxes = [[10.0, 10, 60, 150], [100, 20, 130, 60]]
    found = by_height(evaluate([case(boxes, boxes, [0.9, 0.8])], draws=0))
    for name in ("all", "32 to 96 px", "from 96 px"):
        assert (found[name].ap50, found[name].ap, found[name].recall, found[name].mean_iou) == (1, 1, 1, 1)
    assert found["all"].objects == 2
    assert found["from 96 px"].objects == 1
    assert found["below 32 px"].objects == 0
    assert np.isnan(found["below 32 px"].ap50)


def test_a_hand_computed_case() -> None:
    """Two objects of 100 px; one found at IoU 0.8, then a false detection of a higher score than the second find."""
    true = [[0.0, 0, 50, 100], [100, 0, 150, 100]]
    found = [[0.0, 0, 50, 80.0], [200, 0, 250, 100], [100, 0, 150, 100]]
    figure = by_height(evaluate([case(true, found, [0.9, 0.8, 0.7])], draws=0))["from 96 px"]
    assert figure.recall == 1
    assert figure.mean_iou == pytest.approx(0.9)
    # precision 1 up to recall 0.5 (51 of COCO's 101 points), then 2/3
    assert figure.ap50 == pytest.approx((51 + 50 * 2 / 3) / 101)
    # F1 is 2/3 from 0.9 on, 1/2 from 0.8 on, and 4/5 from 0.7 on
    assert best_f1_score([case(true, found, [0.9, 0.8, 0.7])], "from 96 px") == pytest.approx(0.7)


def test_difficult_objects_and_any_number_of_finds_count_neither_way() -> None:
    """Four detections of one difficult object score higher than the only ordinary find; one far off does count."""
    true = [[0.0, 0, 50, 100], [100, 0, 150, 100]]
    found = [[0.0, 0, 50, 100], *[[100.0, 0, 150, 100 - k] for k in range(4)], [100, 0, 115, 100]]
    scores = [0.5, 0.9, 0.8, 0.7, 0.6, 0.4]
    plain = case(true, found, scores)
    hard = Case(plain.true_boxes, plain.crowd, plain.boxes, plain.scores, np.array([False, True]))
    figure = by_height(evaluate([hard], draws=0))["from 96 px"]
    without = by_height(evaluate([case(true[:1], [found[0], found[5]], [0.5, 0.4])], draws=0))["from 96 px"]
    assert figure == without
    assert (figure.objects, figure.ap, figure.recall, figure.mean_iou) == (1, 1, 1, 1)
    assert by_height(evaluate([plain], draws=0))["from 96 px"].ap50 < 1
    many = Case(plain.true_boxes, plain.crowd, plain.boxes, np.array([*scores[:5], 0.95]), hard.difficult)
    assert by_height(evaluate([many], draws=0))["from 96 px"].ap50 == pytest.approx(0.5)  # the far one, before the find


def test_objects_of_another_height_and_crowds_count_neither_way() -> None:
    true = [[0.0, 0, 50, 100], [100, 0, 110, 20], [200, 0, 290, 290]]
    found = [[0.0, 0, 50, 100], [100, 0, 110, 20], [210, 10, 250, 150]]  # the last one lies in the crowd
    figure = by_height(evaluate([case(true, found, [0.7, 0.9, 0.8], [False, False, True])], draws=0))["from 96 px"]
    assert (figure.objects, figure.ap50, figure.recall) == (1, 1, 1)


def random_cases(seed: int) -> list[Case]:
    random = np.random.default_rng(seed)
    cases = []
    for _ in range(12):
        corner, side = random.uniform(0, 150, (5, 2)), random.uniform(10, 150, (5, 2))
        true = np.concatenate([corner, corner + side], 1)
        boxes = np.concatenate([true + random.normal(0, 8, true.shape), random.uniform(0, 150, (4, 4))])
        boxes[:, 2:] = np.maximum(boxes[:, 2:], boxes[:, :2] + 1)
        cases.append(case(true.tolist(), boxes.tolist(), random.uniform(0, 1, len(boxes)).tolist(),
                          (random.uniform(size=5) < 0.1).tolist()))
    return cases


@pytest.mark.parametrize("seed", range(3))
def test_figures_equal_pycocotools(seed: int) -> None:
    from pycocotools.coco import COCO
    from pycocotools.cocoeval import COCOeval

    cases = random_cases(seed)
    truth, found = [], []
    for number, each in enumerate(cases, 1):
        for kind, boxes, more in ((truth, each.true_boxes, [{"iscrowd": int(flag)} for flag in each.crowd]),
                                  (found, each.boxes, [{"score": float(score)} for score in each.scores])):
            for box, extra in zip(boxes, more, strict=True):
                x1, y1, x2, y2 = box.tolist()
                kind.append({"id": len(kind) + 1, "image_id": number, "category_id": 1, "iscrowd": 0,
                             "bbox": [x1, y1, x2 - x1, y2 - y1], "area": y2 - y1} | extra)
    images = [{"id": number} for number in range(1, len(cases) + 1)]
    with redirect_stdout(io.StringIO()):
        tables = []
        for listed in (truth, found):
            table = COCO()
            table.dataset = {"images": images, "categories": [{"id": 1}], "annotations": listed}
            table.createIndex()
            tables.append(table)
        run = COCOeval(*tables, "bbox")
        run.params.areaRng = [list(limits) for limits in HEIGHTS.values()]
        run.params.areaRngLbl = list(HEIGHTS)
        run.evaluate()
        run.accumulate()
    precision = run.eval["precision"][:, :, 0, :, -1].mean(axis=1)
    for index, figure in enumerate(evaluate(cases, draws=0)):
        assert figure.ap50 == pytest.approx(precision[0, index])
        assert figure.ap == pytest.approx(precision[:, index].mean())
        assert figure.recall == pytest.approx(run.eval["recall"][0, 0, index, -1])


def test_interval_holds_the_figure_and_the_seed_decides_it() -> None:
    cases = random_cases(0)
    first, again = (evaluate(cases, draws=60, seed=1)[0] for _ in range(2))
    assert first == again
    assert first.interval is not None
    assert first.interval[0] <= first.ap50 <= first.interval[1]


def data_set(folder: Path) -> Path:
    (folder / "images").mkdir()
    annotations = []
    for number in range(3):
        PilImage.fromarray(photograph(number)).save(folder / "images" / f"{number}.png")
        annotations.append({"id": number + 1, "image_id": number + 1, "category_id": 1, "iscrowd": 0, "area": 900,
                            "bbox": [20, 20, 30, 30]})
    content = {"images": [{"id": number + 1, "file_name": f"{number}.png", "width": 128, "height": 96}
                          for number in range(3)],
               "annotations": annotations, "categories": [{"id": 1, "name": "class 1"}]}
    (folder / "instances.json").write_text(json.dumps(content))
    return folder


def run(folder: Path, *more: str) -> int:
    return run_script(ROOT / "scripts" / "evaluate_detector.py", [
        "--images", str(folder / "images"), "--annotations", str(folder / "instances.json"), "--model", TINY,
        "--draws", "20", *more])


def test_the_script_writes_its_figures_and_goes_on_past_a_bad_photograph(tmp_path: Path,
                                                                         capsys: pytest.CaptureFixture[str]) -> None:
    folder = data_set(tmp_path)
    assert run(folder, "--class", "class 1", "--json", str(tmp_path / "out.json")) == 0
    content = json.loads((tmp_path / "out.json").read_text())
    assert [each["heights"] for each in content["figures"]] == list(HEIGHTS)
    assert content["figures"][0]["objects"] == 3
    assert [each["score"] for each in content["by_score"]] == list(SCORES)
    assert content["by_score"][0]["detections"] > 3
    (folder / "images" / "1.png").write_bytes(b"no picture")
    assert run(folder, "--class", "class 1", "--json", str(tmp_path / "out.json")) == 1
    assert "1 of 3 photographs could not be read" in capsys.readouterr().err
    assert json.loads((tmp_path / "out.json").read_text())["photographs"] == 2


@pytest.mark.parametrize(("more", "words"), [
    (["--class", "cat"], "has no class 'cat'"),
    (["--class", "class 2"], "know no class 'class 2'"),
    (["--class", "class 1", "--json", "/nowhere/out.json"], "its folder does not exist"),
])
def test_what_is_wrong_is_one_line(tmp_path: Path, more: list[str], words: str, capsys: pytest.CaptureFixture[str]
                                   ) -> None:
    assert run(data_set(tmp_path), *more) == 2
    said = capsys.readouterr().err
    assert words in said
    assert said.count("\n") == 1
