"""Explanations on disk come back equal, and a run that dies leaves a folder that loads."""

import json
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image as PilImage
from support.tiny import live_yolo, photograph, tiny_ssd

import detcam
from detcam.errors import DataError, OutputError
from detcam.explanations.explanation import Explanation
from detcam.store.files import safe_stem, unique_stems, written_whole
from detcam.store.read import load_explanations
from detcam.store.write import Writer, save


def assert_same(a: Any, b: Any) -> None:
    """Equal to the last bit, types of arrays included; NaN equals NaN."""
    if isinstance(a, np.ndarray):
        assert isinstance(b, np.ndarray)
        assert a.dtype == b.dtype
        np.testing.assert_array_equal(a, b)
    elif is_dataclass(a):
        assert type(a) is type(b)
        for field in fields(a):
            assert_same(getattr(a, field.name), getattr(b, field.name))
    elif isinstance(a, (tuple, list)):
        assert type(a) is type(b)
        assert len(a) == len(b)
        for one, other in zip(a, b, strict=True):
            assert_same(one, other)
    elif isinstance(a, dict):
        assert list(a) == list(b)
        for key in a:
            assert_same(a[key], b[key])
    else:
        assert a == b or (a != a and b != b), (a, b)


@pytest.fixture(scope="module")
def shots(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("shots")
    for seed in range(2):
        PilImage.fromarray(photograph(seed)).save(folder / f"shot{seed}.png")
    return folder


@pytest.fixture(scope="module")
def explanation(shots: Path) -> Explanation:
    return detcam.explain(detcam.load(tiny_ssd()), shots / "shot0.png", method=["hirescam", "smoothgrad"],
                          layer=["auto", "backbone.stem.2"], edge_maps=True, max_boxes=6)


@pytest.fixture(scope="module")
def of_yolo(shots: Path, tmp_path_factory: pytest.TempPathFactory) -> Explanation:
    detector = detcam.load(live_yolo(tmp_path_factory.mktemp("yolo")))
    return detcam.explain(detector, shots / "shot1.png", target="left", layer="model.15", max_boxes=6)


def test_everything_comes_back_equal(explanation: Explanation, of_yolo: Explanation, tmp_path: Path) -> None:
    nothing = detcam.explain(detcam.load(tiny_ssd()), explanation.image, min_score=0.9999999, edges=False)
    margin = detcam.explain(detcam.load(tiny_ssd()), explanation.image, target="margin", edges=False)
    assert margin.maps[0].targets
    written = [explanation, explanation[2:5], of_yolo, nothing, of_yolo[[]], margin]
    assert len(nothing) == 0
    assert of_yolo.edges is not None
    assert of_yolo.edges.distribution_spread is not None
    path = save(written, tmp_path)
    for source in (path, tmp_path, str(tmp_path)):
        read = load_explanations(source)
        assert len(read) == len(written)
        for one, other in zip(written, read, strict=True):
            assert_same(one, other)
    assert load_explanations(path)[0].to_frame().equals(explanation.to_frame())
    assert json.loads(path.read_text())["images"][-1]["detections"][0]["target"].startswith("margin over ")


def test_the_json_is_strict_and_says_what_the_readme_promises(explanation: Explanation, tmp_path: Path) -> None:
    def refuse(word: str) -> None:
        raise AssertionError(word)

    content = json.loads(save(explanation, tmp_path).read_text(), parse_constant=refuse)
    assert content["schema_version"] == 2
    assert content["failures"] == []
    image = content["images"][0]
    assert (image["width"], image["height"], image["detection_count"]) == (128, 96, explanation.detection_count)
    one, expected = image["detections"][1], explanation[1]
    assert one["box"] == expected.box.tolist()
    assert {key: one[key] for key in ("label", "class_name", "score", "row", "level", "layer", "inside")} == {
        "label": expected.label, "class_name": expected.class_name, "score": expected.score, "row": expected.row,
        "level": expected.level, "layer": expected.heatmap.layer, "inside": expected.numbers["inside"]}
    assert one["edges"]["top"]["evidence"] == expected.numbers["top_evidence"]
    assert [each["method"] for each in one["maps"]] == ["hirescam", "smoothgrad"]
    scales = one["maps"][0]["scales"]
    assert scales == dict(expected.heatmap.scales)
    assert list(scales) == one["maps"][0]["layer"].split("+")
    assert scales
    assert all(scale > 0 for scale in scales.values())
    values = np.load(tmp_path / image["heatmap_file"])[one["maps"][1]["heatmap_key"]]
    assert values.dtype == np.float32
    np.testing.assert_array_equal(values, expected.heatmaps["smoothgrad"].values)


def test_an_array_comes_back_with_the_array(tmp_path: Path) -> None:
    explanation = detcam.explain(detcam.load(tiny_ssd()), photograph(3), max_boxes=2)
    save(explanation, tmp_path)
    with pytest.raises(DataError, match=r"photograph is missing; pass images=\{'array'"):
        load_explanations(tmp_path)
    assert_same(load_explanations(tmp_path, images={"array": photograph(3)})[0], explanation)
    with pytest.raises(DataError, match="has changed"):
        load_explanations(tmp_path, images={"array": photograph(4)})


def test_a_moved_or_changed_photograph(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("in").mkdir()
    PilImage.fromarray(photograph()).save("in/shot.png")
    save(detcam.explain(detcam.load(tiny_ssd()), "in/shot.png", max_boxes=2), "out")
    (tmp_path / "other").mkdir()
    monkeypatch.chdir(tmp_path / "other")
    assert len(load_explanations("../out")) == 1  # the path seen from the output folder still leads there
    (tmp_path / "in").rename(tmp_path / "moved")
    with pytest.raises(DataError, match=r"in/shot.png: the photograph is missing"):
        load_explanations("../out")
    assert load_explanations("../out", image_root=tmp_path / "moved")[0].image.name == "in/shot.png"
    PilImage.fromarray(photograph(1)).save(tmp_path / "moved" / "shot.png")
    with pytest.raises(DataError, match="has changed since it was explained"):
        load_explanations("../out", image_root=tmp_path / "moved")


def test_damage_is_an_error_that_names_the_file(explanation: Explanation, tmp_path: Path) -> None:
    path = save(explanation, tmp_path)
    whole = json.loads(path.read_text())

    def broken(change: Any) -> str:
        content = json.loads(json.dumps(whole))
        change(content)
        path.write_text(json.dumps(content))
        with pytest.raises(DataError) as caught:
            load_explanations(path)
        assert "\n" not in str(caught.value)
        return str(caught.value)

    assert "version 99" in broken(lambda content: content.update(schema_version=99))
    assert "record 1 is damaged" in broken(lambda content: content["images"][0].pop("detections"))
    assert "record 1 is damaged" in broken(lambda content: content["images"][0]["detections"][0].update(box=[1, 2]))
    assert "record 1 is damaged" in broken(lambda content: content["images"].__setitem__(0, "text"))
    for name in ("../shot0.npz", "/etc/passwd", "a\\b.npz", None, "..", "."):
        assert "file of heatmaps" in broken(lambda content, name=name: content["images"][0].update(heatmap_file=name))
    assert "is missing" in broken(lambda content: content["images"][0].update(heatmap_file="other.npz"))
    assert "'no such key' is missing" in broken(
        lambda content: content["images"][0]["detections"][0]["maps"][0].update(heatmap_key="no such key"))
    path.write_text("{")
    with pytest.raises(DataError, match="cannot be read as JSON"):
        load_explanations(path)
    with pytest.raises(DataError, match="no such file"):
        load_explanations(tmp_path / "nowhere")


def test_pickles_in_the_heatmaps_are_refused(explanation: Explanation, tmp_path: Path) -> None:
    save(explanation, tmp_path)
    npz = next(tmp_path.glob("*.npz"))
    np.savez(npz, map0_detection0=np.array([print], dtype=object))
    with pytest.raises(DataError, match="missing or damaged"):
        load_explanations(tmp_path)
    npz.write_bytes(b"no zip at all")
    with pytest.raises(DataError, match="not a file of heatmaps"):
        load_explanations(tmp_path)


def test_a_crash_between_the_writes_leaves_a_folder_that_loads(explanation: Explanation, of_yolo: Explanation,
                                                               tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("detcam.store.write.PATIENCE", 0)  # however slow the disk is
    writer = Writer(tmp_path)
    writer.add(explanation)

    def crash(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("detcam.store.write.json.dumps", crash)
    with pytest.raises(KeyboardInterrupt):
        writer.add(of_yolo)  # its .npz is written, its record is not
    monkeypatch.undo()
    monkeypatch.setattr("detcam.store.write.np.savez_compressed", crash)
    with pytest.raises(KeyboardInterrupt):
        writer.add(of_yolo)
    assert_same(load_explanations(tmp_path), [explanation])
    assert not [path.name for path in tmp_path.iterdir() if "tmp" in path.name]


def test_an_earlier_run_s_json_never_names_a_later_run_s_heatmaps(explanation: Explanation, tmp_path: Path,
                                                                  monkeypatch: pytest.MonkeyPatch) -> None:
    save(explanation, tmp_path)
    writer = Writer(tmp_path)
    assert len(load_explanations(tmp_path)) == 1  # a run that has not finished anything leaves the earlier one alone

    def crash(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("detcam.store.write.json.dumps", crash)
    monkeypatch.setattr(writer, "_write", lambda: (tmp_path / "explanations.json").write_text(
        '{"schema_version": 2, "class_names": [], "images": [], "failures": []}'))
    with pytest.raises(KeyboardInterrupt):
        writer.add(explanation[:1])
    assert load_explanations(tmp_path) == []


def test_failures_are_recorded(explanation: Explanation, tmp_path: Path) -> None:
    with Writer(tmp_path) as writer:
        writer.fail("bad\udcff.jpg", "damaged")
        writer.add(explanation)
    content = json.loads((tmp_path / "explanations.json").read_text())
    assert content["failures"] == [{"file": "bad\udcff.jpg", "error": "damaged"}]
    assert len(load_explanations(tmp_path)) == 1


def test_hundreds_of_photographs_do_not_rewrite_the_json_each_time(explanation: Explanation, tmp_path: Path,
                                                                   monkeypatch: pytest.MonkeyPatch) -> None:
    clock = iter(range(10**6))
    monkeypatch.setattr("detcam.store.write.monotonic", lambda: next(clock))  # every look at it is a second later
    writes = 0
    original = Writer._write

    def counted(self: Writer) -> None:
        nonlocal writes
        writes += 1
        original(self)

    monkeypatch.setattr(Writer, "_write", counted)
    with Writer(tmp_path) as writer:
        for _ in range(50):
            writer.add(explanation[:1])
    assert writes < 10
    assert len(load_explanations(tmp_path)) == 50


def test_a_folder_that_cannot_be_written(tmp_path: Path, explanation: Explanation) -> None:
    (tmp_path / "file").write_text("")
    for folder in (tmp_path / "file", tmp_path / "file" / "below"):
        with pytest.raises(OutputError, match="output cannot be written there"):
            save(explanation, folder)


def test_a_failed_write_leaves_the_old_file_and_nothing_else(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("old")
    with pytest.raises(TypeError), written_whole(tmp_path / "a") as file:
        file.write("no bytes")  # type: ignore[arg-type]
    assert [path.name for path in tmp_path.iterdir()] == ["a"]
    assert (tmp_path / "a").read_text() == "old"


@pytest.mark.parametrize(("name", "stem"), [
    ("shots/bus.jpg", "bus"), ("a$b_<script>.jpg", "a_b__script"), ("../../etc/passwd", "passwd"), ("..", "photograph"),
    ("", "photograph"), ("C:\\shots\\a.png", "a"), ("v1.2.png", "v1_2"), ("日本語.jpg", "日本語"),
    ("con.jpg", "photograph_con"), (".hidden", "hidden"), ("-rf.jpg", "rf"),
    ("a\nb\x1b[31m.jpg", "a_b_31m"), ("\udcff.jpg", "photograph"),
    ("x" * 5000 + ".jpg", "x" * 100), ("é" * 200, "é" * 50),
])
def test_safe_stems(name: str, stem: str) -> None:
    assert safe_stem(name) == stem


def test_stems_never_collide() -> None:
    assert unique_stems(["a/bus.jpg", "b/bus.jpg", "bus-2.png", "BUS.jpg"]) == ["bus", "bus-2", "bus-2-2", "BUS-3"]
