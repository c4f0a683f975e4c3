"""Reading COCO and YOLO data sets, and what is said about broken ones."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image as PilImage

from detcam.datasets.formats import read_data_set
from detcam.datasets.ground_truth import DataSet
from detcam.datasets.yolo import label_file
from detcam.errors import DataError


@pytest.fixture
def photographs(tmp_path: Path) -> Path:
    folder = tmp_path / "images"
    folder.mkdir()
    for name in ("a.jpg", "b.jpg"):
        PilImage.new("RGB", (200, 100)).save(folder / name)
    return folder


def coco(**changes: Any) -> dict[str, Any]:
    return {
        "images": [{"id": 4, "file_name": "a.jpg", "width": 200, "height": 100},
                   {"id": 2, "file_name": "b.jpg", "width": 200, "height": 100}],
        "annotations": [
            {"id": 1, "image_id": 4, "category_id": 7, "bbox": [10, 20, 30, 40], "area": 1200, "iscrowd": 0},
            {"id": 2, "image_id": 4, "category_id": 9, "bbox": [0, 0, 200, 100.5], "area": 20100, "iscrowd": 1},
        ],
        "categories": [{"id": 7, "name": "person"}, {"id": 9, "name": "dog"}],
    } | changes


def written(folder: Path, content: Any) -> Path:
    path = folder / "instances.json"
    path.write_text(content if isinstance(content, str) else json.dumps(content))
    return path


def test_coco(tmp_path: Path, photographs: Path) -> None:
    data = read_data_set(written(tmp_path, coco()))
    assert data.class_names == ("person", "dog")
    first, second = data.photographs
    assert first.file == photographs / "a.jpg"
    assert first.boxes.tolist() == [[10, 20, 40, 60], [0, 0, 200, 100.5]]
    assert first.class_names == ("person", "dog")
    assert first.crowd.tolist() == [False, True]
    assert second.boxes.shape == (0, 4)
    assert first.of_class("dog").boxes.tolist() == [[0, 0, 200, 100.5]]
    assert first.of_class("dog").crowd.tolist() == [True]
    assert len(first.of_class("cat")) == 0


def test_masks_of_polygons_and_run_lengths(tmp_path: Path, photographs: Path) -> None:
    content = coco()
    content["images"][0]["source"] = "somewhere"
    square, row = content["annotations"]
    square["segmentation"] = [[10, 20, 40, 20, 40, 60, 10, 60]]
    row["segmentation"] = {"size": [100, 200], "counts": [50, 3, 200 * 100 - 53]}  # three pixels down column 0
    plain = {"id": 3, "image_id": 4, "category_id": 7, "bbox": [1, 2, 3, 4], "area": 12, "iscrowd": 0}
    content["annotations"].append(plain)
    first, second = read_data_set(written(tmp_path, content)).photographs
    masks = [None if mask is None else mask.decode() for mask in first.masks]
    assert [None if mask is None else mask.shape for mask in masks] == [(100, 200), (100, 200), None]
    squared, rowed = masks[:2]
    assert squared is not None
    assert rowed is not None
    assert squared[20:60, 10:40].all()
    assert rowed[50:53, 0].all()
    assert (squared.sum(), rowed.sum()) == (30 * 40, 3)
    assert [mask is None for mask in first.of_class("person").masks] == [False, True]
    assert second.masks == ()
    assert (first.source, second.source) == ("somewhere", "")


def test_masks_of_compressed_run_lengths_which_are_words_in_json(tmp_path: Path, photographs: Path) -> None:
    """As pycocotools writes them."""
    from pycocotools import mask as theirs

    pixels = np.zeros((100, 200), np.uint8)
    pixels[20:60, 10:40] = 1
    content = coco()
    content["annotations"][0]["segmentation"] = {
        "size": [100, 200], "counts": theirs.encode(np.asfortranarray(pixels))["counts"].decode()}
    mask = read_data_set(written(tmp_path, content)).photographs[0].masks[0]
    assert mask is not None
    assert (mask.decode() == pixels).all()


def test_a_mask_needs_the_size_of_its_photograph(tmp_path: Path, photographs: Path) -> None:
    content = coco(images=[{"id": 4, "file_name": "a.jpg"}])
    content["annotations"][0]["segmentation"] = [[10, 20, 40, 20, 40, 60]]
    assert read_data_set(written(tmp_path, content)).photographs[0].masks == ()


@pytest.mark.parametrize(("content", "words"), [
    ("not json", "not a JSON file"),
    ([], "found list"),
    ({"images": []}, "found images"),
    (coco(annotations=[{"image_id": 4, "id": 1, "category_id": 7}]), "bbox"),
    (coco(annotations=[{"image_id": 4, "id": 1, "category_id": 5, "bbox": [1, 2, 3, 4]}]), "KeyError 5"),
    (coco(annotations=[{"image_id": 4, "id": 1, "category_id": 7, "bbox": [1, 2, 3]}]), "expected COCO instances"),
    (coco(images=[{"id": 1, "file_name": "a.jpg"}, {"id": 2, "file_name": "lost.jpg"}]), "lacks 1 of the 2"),
])
def test_coco_that_is_none(tmp_path: Path, photographs: Path, content: Any, words: str) -> None:
    with pytest.raises(DataError, match=words) as raised:
        read_data_set(written(tmp_path, content))
    assert "\n" not in str(raised.value)


def test_missing_files(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no such annotation file"):
        read_data_set(tmp_path / "none.json")
    with pytest.raises(DataError, match="no such folder"):
        read_data_set(written(tmp_path, coco()), tmp_path / "nowhere")


def test_format_is_named_or_told_by_the_ending(tmp_path: Path, photographs: Path) -> None:
    path = written(tmp_path, coco()).rename(tmp_path / "instances.txt")
    with pytest.raises(DataError, match="cannot tell its format"):
        read_data_set(path)
    with pytest.raises(DataError, match="did you mean coco"):
        read_data_set(path, format="cocoo")
    assert len(read_data_set(path, format="coco")) == 2
    assert len(read_data_set(path, format=lambda annotations, images: DataSet((), ("x",)))) == 0


def yolo(tmp_path: Path, lines: str, names: str = "{0: person, 1: dog}") -> Path:
    (tmp_path / "labels").mkdir()
    (tmp_path / "labels" / "a.txt").write_text(lines)
    path = tmp_path / "data.yaml"
    path.write_text(f"path: .\nval: images\nnames: {names}\n")
    return path


def test_yolo(tmp_path: Path, photographs: Path) -> None:
    path = yolo(tmp_path, "1 0.5 0.5 0.2 0.4\n\n0 0.1 0.1 0.5 0.1 0.5 0.6 0.1 0.6\n")
    for data in (read_data_set(path), read_data_set(path, photographs)):
        first, second = data.photographs
        np.testing.assert_allclose(first.boxes, [[80, 30, 120, 70], [20, 10, 100, 60]])
        assert first.class_names == ("dog", "person")
        assert not first.crowd.any()
        assert first.difficult.tolist() == [False, False]
        assert len(second) == 0
        assert data.class_names == ("person", "dog")


def test_yolo_polygons_are_masks(tmp_path: Path, photographs: Path) -> None:
    """A photograph of 200 x 100 px; the triangle against the pixels whose centre lies in it."""
    lines = ("1 0.5 0.5 0.2 0.4\n0 0.1 0.1 0.5 0.1 0.5 0.6 0.1 0.6\n0 0.2 0.2 0.8 0.2 0.2 0.8\n"
             "0 -0.1 0 0.1 0 0.1 1 -0.1 1\n")
    first, second = read_data_set(yolo(tmp_path, lines)).photographs
    box, square, triangle, beyond = first.masks
    assert box is None
    assert square is not None
    assert triangle is not None
    assert beyond is not None
    filled = np.zeros((100, 200), bool)
    filled[10:60, 20:100] = True
    assert (square.decode() == filled).all()
    y, x = np.mgrid[:100, :200] + 0.5
    inside = (x > 40) & (y > 20) & ((x - 40) / 120 + (y - 20) / 60 < 1)
    assert (triangle.decode() ^ inside).sum() <= 120  # along the slope: half a pixel each way of 120 columns
    assert beyond.decode().sum() == 20 * 100  # cut off at the photograph's edge
    assert first.boxes[3].tolist() == [-20, 0, 20, 100]
    assert first.of_class("dog").masks == (None,)
    assert second.masks == ()
    (tmp_path / "labels" / "a.txt").write_text("1 0.5 0.5 0.2 0.4\n")
    assert read_data_set(tmp_path / "data.yaml").photographs[0].masks == ()


@pytest.mark.parametrize("line", ["0 0.5 0.5 0.2", "2 0.5 0.5 0.2 0.2", "person 0.5 0.5 0.2 0.2", "0 1 2 3 4 5",
                                  "0 nan 0.5 0.2 0.2", "0 inf 0.5 0.2 0.2", "inf 0.5 0.5 0.2 0.2"])
def test_yolo_with_a_broken_line(tmp_path: Path, photographs: Path, line: str) -> None:
    with pytest.raises(DataError, match=r"a\.txt, line 1"):
        read_data_set(yolo(tmp_path, line))


def test_yolo_settings_that_are_none(tmp_path: Path, photographs: Path) -> None:
    path = tmp_path / "data.yaml"
    for content, words in (("val: images", "'names'"), ("[", "not a YAML file"), ("names: 3", "neither a list"),
                           ("names: [a]", "names no folder")):
        path.write_text(content)
        with pytest.raises(DataError, match=words):
            read_data_set(path)


def test_label_file_replaces_the_last_folder_called_images() -> None:
    assert label_file(Path("images/images/train/x.jpg")) == Path("images/labels/train/x.txt")
    assert label_file(Path("photos/x.jpg")) == Path("photos/x.txt")


@pytest.mark.assets
def test_persons_eval(assets: Path) -> None:
    data = read_data_set(assets / "persons_eval" / "instances.json")
    persons = [each.of_class("person") for each in data.photographs]
    assert len(data) == 123
    assert sum(map(len, persons)) == 301
    assert sum(len(each) > 0 for each in persons) == 67
