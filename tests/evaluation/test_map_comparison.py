"""Comparing maps on a small COCO set with masks, and the script that does it."""

import json
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from PIL import Image as PilImage
from support.places import ROOT, TINY_FILE
from support.tiny import CLASSES, photograph, tiny_ssd

from detcam.cli.main import run_script, script_module
from detcam.datasets.formats import read_data_set
from detcam.datasets.ground_truth import DataSet
from detcam.detectors.base import Detector
from detcam.detectors.for_torchvision.ssd import SSDDetector
from detcam.errors import LayerError, MethodError
from detcam.evaluation.map_comparison import Plan, Row, compare_maps
from detcam.evaluation.map_spec import MapSpec, check_map_spec, read_map_spec, smoothed
from detcam.evaluation.map_summary import map_table, photographs_of, summarise_maps, summary_numbers
from detcam.imaging.boxes import iou
from detcam.imaging.image import load_image
from detcam.stats.bootstrap import mean

SCRIPT = ROOT / "scripts" / "measure_methods.py"
SCORE = 0.4
PHOTOGRAPHS = 4
MAPS = ("gaussian", "random", "hirescam@auto", "hirescam@level+backbone.stem.3~4px")


@pytest.fixture(scope="module")
def ssd() -> Detector:
    return SSDDetector(tiny_ssd(), dict(enumerate(CLASSES, 1)))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory, ssd: Detector) -> Path:
    """A COCO set: true boxes are detections of the tiny SSD far from each other, their masks an ellipse in each."""
    path = tmp_path_factory.mktemp("coco")
    (path / "images").mkdir()
    images, annotations = [], []
    for index in range(PHOTOGRAPHS):
        file = path / "images" / f"{index}.png"
        PilImage.fromarray(photograph(index)).save(file)
        images.append({"id": index, "file_name": file.name, "width": 128, "height": 96})
        for box in _apart(ssd, file):
            x1, y1, x2, y2 = box.tolist()
            angles = np.linspace(0, 2 * np.pi, 24, endpoint=False)
            points = np.stack([(x1 + x2 + (x2 - x1) * np.cos(angles)) / 2,
                               (y1 + y2 + (y2 - y1) * np.sin(angles)) / 2], 1)
            annotations.append({"id": len(annotations) + 1, "image_id": index, "category_id": 1, "iscrowd": 0,
                                "bbox": [x1, y1, x2 - x1, y2 - y1], "area": (x2 - x1) * (y2 - y1),
                                "segmentation": [points.ravel().tolist()]})
    content = {"images": images, "annotations": annotations, "categories": [{"id": 1, "name": "box"}]}
    (path / "instances.json").write_text(json.dumps(content))
    return path


def _apart(detector: Detector, file: Path) -> np.ndarray:
    found = detector.detect(load_image(file), SCORE)
    kept: list[np.ndarray] = []
    for box in found.boxes[found.labels == 1]:
        if min(box[2:] - box[:2]) > 15 and all(iou(box[None], other[None])[0, 0] < 0.2 for other in kept):
            kept.append(box)
    return np.array(kept[:4])


@pytest.fixture(scope="module")
def data(folder: Path) -> DataSet:
    return read_data_set(folder / "instances.json")


@pytest.fixture(scope="module")
def rows(ssd: Detector, data: DataSet) -> list[Row]:
    plan = Plan("box", SCORE, objects=2, steps=6)
    failures: dict[str, str] = {}
    found = compare_maps(ssd, data.photographs, [read_map_spec(words) for words in MAPS], plan, failures)
    measured = [row for part in found for row in part]
    assert failures == {}
    assert len(measured) >= 4 * len(MAPS)
    return measured


def test_every_map_is_measured_on_the_same_objects(rows: list[Row]) -> None:
    objects = {words: {(row["photograph"], row["row"]) for row in rows if row["map"] == words} for words in MAPS}
    assert len({frozenset(each) for each in objects.values()}) == 1
    assert max(sum(photo == f"{index}.png" for photo, _ in objects["gaussian"]) for index in range(PHOTOGRAPHS)) == 2


def test_rows_are_whole_and_in_their_ranges(rows: list[Row]) -> None:
    for row in rows:
        assert row["status"] == "ok"
        for name in ("on mask", "on others", "peak on mask"):
            assert 0 <= row[name] <= 1
        for baseline in ("blur", "mean"):
            assert row[f"{baseline} insertion best"] > 0
            assert 0 < row[f"{baseline} insertion"] < 1 / SCORE
    cost = {words: [row[key] for row in rows if row["map"] == words for key in ("forwards", "backwards")]
            for words in MAPS}
    assert not any(cost["gaussian"])
    assert all(cost["hirescam@auto"])
    share = {words: np.mean([row["on mask"] for row in rows if row["map"] == words]) for words in MAPS}
    assert share["gaussian"] > share["random"]


def test_the_choice_of_objects_goes_by_the_seed(ssd: Detector, data: DataSet) -> None:
    def chosen(seed: int, photographs: list[Any]) -> dict[str, int]:
        plan = Plan("box", SCORE, seed=seed, steps=2, baselines=("mean",))
        parts = compare_maps(ssd, photographs, [read_map_spec("gaussian")], plan, {})
        return {row["photograph"]: row["row"] for part in parts for row in part}

    whole = list(data.photographs)
    first = chosen(0, whole)
    assert first == chosen(0, whole)
    assert any(chosen(seed, whole) != first for seed in (1, 2, 3))
    alone = chosen(0, whole[2:3])
    assert alone.items() <= first.items()  # what else is measured makes no difference


def test_a_bad_photograph_is_passed_over(ssd: Detector, data: DataSet, tmp_path: Path) -> None:
    from dataclasses import replace

    bad = tmp_path / "bad.png"
    bad.write_bytes(b"damaged")
    failures: dict[str, str] = {}
    photographs = [replace(data.photographs[0], file=bad), data.photographs[1]]
    found = list(compare_maps(ssd, photographs, [read_map_spec("gaussian")], Plan("box", SCORE, steps=2), failures))
    assert found[0] == []
    assert found[1]
    assert list(failures) == ["bad.png"]


def test_mean_and_interval_are_those_of_repeating_the_boxes() -> None:
    generator = np.random.default_rng(0)
    values, photograph = generator.normal(size=40), generator.integers(0, 9, 40)
    values[3] = np.nan
    found, count = mean(values, photograph, resamples=300, seed=4)
    known = np.isfinite(values)
    names = np.unique(photograph[known])
    counts = np.random.default_rng(4).multinomial(len(names), np.full(len(names), 1 / len(names)), size=300)
    slow = [np.concatenate([np.tile(values[known][photograph[known] == name], times)
                            for name, times in zip(names, row, strict=True)]).mean() for row in counts]
    assert (count, found.value) == (39, pytest.approx(values[known].mean()))
    assert np.percentile(slow, [2.5, 97.5]) == pytest.approx([found.low, found.high])
    assert np.isnan(mean(np.full(3, np.nan), np.arange(3))[0].value)


def test_summary_is_the_mean_and_the_paired_difference(rows: list[Row]) -> None:
    lines = {line["map"]: line for line in summarise_maps(rows, ("blur", "mean"), ["gaussian"], 200)}
    own = [row for row in rows if row["map"] == "hirescam@auto"]
    line = lines["hirescam@auto"]
    assert line["objects"] == len(own)
    faithful = [row["blur insertion"] - row["blur deletion"] for row in own]
    assert line["blur faithfulness"]["value"] == pytest.approx(np.mean(faithful))
    gaussian = {(row["photograph"], row["row"]): row for row in rows if row["map"] == "gaussian"}
    paired = [value - (other["blur insertion"] - other["blur deletion"])
              for value, other in ((value, gaussian[row["photograph"], row["row"]])
                                   for value, row in zip(faithful, own, strict=True))]
    difference = line["blur faithfulness - gaussian"]
    assert difference["value"] == pytest.approx(np.mean(paired))
    assert difference["low"] <= difference["value"] <= difference["high"]
    assert "blur faithfulness - gaussian" not in lines["gaussian"]
    assert set(summary_numbers(("blur", "mean"))) <= set(line)
    heading, *body = map_table(list(lines.values()), ("blur", "mean"), ["gaussian"])
    assert all(len(each) == len(heading) for each in body)


def test_halves_are_two_and_hold_every_photograph_once(data: DataSet) -> None:
    whole, choose, confirm = (photographs_of(data.photographs, "box", 3, part)
                              for part in ("all", "choose", "confirm"))
    assert {each.file for each in whole} == {each.file for each in choose} | {each.file for each in confirm}
    assert len(whole) == len(choose) + len(confirm) == PHOTOGRAPHS
    assert abs(len(choose) - len(confirm)) <= 1


@pytest.mark.parametrize(("words", "message"), [
    ("hirescan", "no such method"), ("hirescam@auto~8", "expected METHOD"), ("gaussian@auto", "takes neither"),
    ("smoothgrad:samples=few", "expected a whole number"),
    ("smoothgrad+hirescan", "unknown method"), ("hirescan+smoothgrad", "no such method"),
    ("smoothgrad:smaples=3", "takes no setting"), ("", "expected METHOD"),
])
def test_a_map_that_is_none_is_an_error(words: str, message: str) -> None:
    with pytest.raises(MethodError, match=message):
        read_map_spec(words)


def test_recipes_are_what_their_words_say(ssd: Detector, data: DataSet) -> None:
    from detcam.attribution.attribute import attribute
    from detcam.attribution.methods.registry import get_method
    from detcam.attribution.target import TARGETS

    image = load_image(data.photographs[0].file)
    canvas, found = ssd.canvas(image), ssd.detect(image)[[0, 1]]

    def made(spec: MapSpec) -> list[np.ndarray]:
        return [each.values for each in spec.make(ssd, canvas, found, TARGETS["logit"], 0)]

    plain = attribute(ssd, canvas, found, get_method("hirescam"), ["auto", "backbone.stem"], TARGETS["logit"])
    for one, other in zip(made(read_map_spec("hirescam@level+backbone.stem")), plain, strict=True):
        np.testing.assert_array_equal(one, other.values)
    plus = attribute(ssd, canvas, found, get_method("gradcam++"), ["auto", "backbone.stem"], TARGETS["logit"])
    for one, other in zip(made(read_map_spec("gradcam++@level+backbone.stem")), plus, strict=True):
        np.testing.assert_array_equal(one, other.values)
    boxes = canvas.geometries[0].to_canvas(found.boxes)
    sides = np.sqrt((boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1]))
    for one, other, side in zip(made(read_map_spec("hirescam@backbone.stem~0.1box")),
                                attribute(ssd, canvas, found, get_method("hirescam"), "backbone.stem",
                                          TARGETS["logit"]), sides, strict=True):
        np.testing.assert_allclose(one, smoothed(other, 0.1 * side).values)
    with pytest.raises(LayerError, match="did you mean"):
        check_map_spec(read_map_spec("hirescam@backbone.stam"), ssd)


def test_smoothing_keeps_the_heat() -> None:
    from detcam.attribution.heatmap import Heatmap
    from detcam.imaging.geometry import Geometry
    from detcam.imaging.grid import Grid

    values = np.zeros((8, 8), np.float32)
    values[4, 4] = 1
    found = smoothed(Heatmap(values, Grid((8.0, 8.0)), Geometry((64, 64), (64, 64), (1, 1)), "layer"), 3.0)
    assert found.values.shape == (64, 64)
    assert found.values.sum() == pytest.approx(64, rel=1e-3)
    assert np.unravel_index(found.values.argmax(), (64, 64)) in {(35, 35), (35, 36), (36, 35), (36, 36)}
    assert found.values[35, 20] < 0.01 < found.values[35, 30]


@pytest.fixture
def script() -> ModuleType:
    return script_module(SCRIPT)


@pytest.fixture
def run(folder: Path, tmp_path: Path) -> Callable[..., int]:
    names = tmp_path / "names.txt"
    names.write_text("\n".join(CLASSES))

    def call(*arguments: Any, **changes: Any) -> int:
        options = {"images": folder / "images", "annotations": folder / "instances.json",
                   "model": f"{TINY_FILE}:tiny_ssd", "class-names": names, "class": "box",
                   "min-score": SCORE, "steps": 4, "resamples": 100} | changes
        words = [word for key, value in options.items() for word in (f"--{key}", value)]
        return run_script(SCRIPT, [str(word) for word in [*words, *arguments]])

    return call


def rows_in(path: Path) -> list[Row]:
    content = json.loads(path.read_text())
    return [dict(zip(content["columns"], row, strict=True)) for row in content["rows"]]


def test_script_measures_stops_and_goes_on(run: Callable[..., int], script: ModuleType, tmp_path: Path,
                                           monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
                                           ) -> None:
    whole, part, table = tmp_path / "whole.json", tmp_path / "part.json", tmp_path / "table.md"
    maps = ("--map", "gaussian", "--map", "hirescam@auto", "--map", "drise:samples=20,grid=4")
    assert run(*maps, "--json", whole, "--markdown", table) == 0
    content = json.loads(whole.read_text())
    assert content["complete"]
    assert [line["map"] for line in content["summary"]["all"]] == list(maps[1::2])
    assert table.read_text().count("\n") == 5
    assert "blur: insertion - deletion" in table.read_text()

    def stopped(*arguments: Any) -> Any:
        for number, rows in enumerate(compare_maps(*arguments)):
            if number == 2:
                raise KeyboardInterrupt
            yield rows

    monkeypatch.setattr(script, "compare_maps", stopped)
    assert run(*maps, "--json", part) == 130
    assert "--resume continues" in capsys.readouterr().err
    before = rows_in(part)
    assert 0 < len(before) < len(rows_in(whole))
    monkeypatch.setattr(script, "compare_maps", compare_maps)
    assert run(*maps, "--json", part, "--resume") == 0
    after = rows_in(part)
    assert after[: len(before)] == before
    for one, other in zip(after, rows_in(whole), strict=True):
        assert {key: one[key] for key in one if key != "worth"} == {key: other[key] for key in one if key != "worth"}
    assert run(*maps, "--json", part, "--resume", seed=1) == 2
    assert "was measured with seed 0" in capsys.readouterr().err


@pytest.mark.parametrize(("arguments", "words"), [
    (("--map", "hirescan"), "no such method"),
    (("--map", "hirescam@backbone.stam"), "did you mean"),
    (("--baseline", "grey"), "known: blur, mean"),
    (("--part", "most"), "expected one of all, choose, confirm"),
    (("--json", "nowhere/rows.json"), "its folder does not exist"),
    (("--resume",), "--resume needs --json"),
    (("--target", "logits"), "did you mean logit"),
    (("--min-score", "0.9999"), "is --min-score too high?"),
])
def test_script_says_what_is_wrong_in_one_line(run: Callable[..., int], capsys: pytest.CaptureFixture[str],
                                               arguments: tuple[str, ...], words: str) -> None:
    assert run(*arguments) == 2
    assert words in capsys.readouterr().err


@pytest.mark.assets
def test_maps_of_real_photographs_beat_the_random_one(assets: Path) -> None:
    import detcam

    detector = detcam.load(assets / "weights" / "yolov8n-rebuilt.pt", imgsz=320)
    data = read_data_set(assets / "persons_eval" / "instances.json")
    specs = [read_map_spec(words) for words in ("random", "gaussian", "gradient~8px")]
    photographs = photographs_of(data.photographs, "person")[:6]
    measured = [row for part in compare_maps(detector, photographs, specs, Plan(steps=6), {}) for row in part]
    value = {line["map"]: line["blur faithfulness"]["value"] for line in summarise_maps(measured, ("blur",), (), 100)}
    assert value["gaussian"] > value["random"] + 0.3
    assert value["gradient~8px"] > value["random"] + 0.2
