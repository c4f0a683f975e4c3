"""Reading Pascal VOC data sets, against torchvision's reader, and what is said about broken ones."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image as PilImage
from torchvision.datasets import VOCDetection

from detcam.datasets.formats import read_data_set
from detcam.datasets.voc import read_voc
from detcam.errors import DataError

HEADER = "<source><database>The VOC2007 Database</database></source><size><width>50</width><height>40</height></size>"
DOG = ("<object><name>dog</name><difficult>0</difficult>"
       "<bndbox><xmin>11</xmin><ymin>5</ymin><xmax>30</xmax><ymax>24</ymax></bndbox></object>")
PERSON = ("<object><name>person</name><difficult>1</difficult>"
          "<bndbox><ymin>1</ymin><xmin>1.5</xmin><ymax>40</ymax><xmax>20</xmax></bndbox>"
          "<part><name>head</name><bndbox><xmin>2</xmin><ymin>2</ymin><xmax>9</xmax><ymax>9</ymax></bndbox></part>"
          "</object>")
CHAIR = "<object><name>chair</name><bndbox><xmin>7</xmin><ymin>8</ymin><xmax>7</xmax><ymax>8</ymax></bndbox></object>"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Two photographs of 50 x 40 px in the devkit's folders; b has no object."""
    for name in ("Annotations", "JPEGImages", "ImageSets/Main"):
        (tmp_path / name).mkdir(parents=True)
    for name, objects in (("a", DOG + PERSON + CHAIR), ("b", "")):
        PilImage.new("RGB", (50, 40)).save(tmp_path / "JPEGImages" / f"{name}.jpg")
        (tmp_path / "Annotations" / f"{name}.xml").write_text(f"<annotation>{HEADER}{objects}</annotation>")
    return tmp_path


def segmentation(root: Path, numbers: np.ndarray) -> Path:
    """Write object numbers as the devkit does: palette indices."""
    (root / "SegmentationObject").mkdir(exist_ok=True)
    picture = PilImage.fromarray(numbers.astype(np.uint8), "P")
    picture.putpalette(np.random.default_rng(0).integers(0, 256, 768, dtype=np.uint8).tobytes())
    picture.save(root / "SegmentationObject" / "a.png")
    return root


def test_boxes_become_pixel_edges(root: Path) -> None:
    data = read_data_set(root)
    first, second = data.photographs
    assert first.file == root / "JPEGImages" / "a.jpg"
    # the dog covers columns 11 to 30 and rows 5 to 24 counted from 1: 20 x 20 px
    assert first.boxes.tolist() == [[10, 4, 30, 24], [0.5, 0, 20, 40], [6, 7, 7, 8]]
    assert first.class_names == ("dog", "person", "chair")
    assert first.difficult.tolist() == [False, True, False]
    assert first.crowd.tolist() == [False, False, False]
    assert first.of_class("person").difficult.tolist() == [True]
    assert (first.source, first.masks) == ("The VOC2007 Database", ())
    assert second.boxes.shape == (0, 4)
    assert data.class_names == ("chair", "dog", "person")


def test_agrees_with_torchvision(root: Path) -> None:
    (root / "ImageSets" / "Main" / "train.txt").write_text("a\nb\n")
    devkit = root.parent / "devkit" / "VOCdevkit"
    devkit.mkdir(parents=True)
    (devkit / "VOC2012").symlink_to(root)
    theirs = VOCDetection(devkit.parent, year="2012", image_set="train", download=False)
    for ours, path, (_, content) in zip(read_data_set(root).photographs, theirs.images, theirs, strict=True):
        objects = content["annotation"]["object"]
        assert Path(path).name == ours.file.name
        assert [each["name"] for each in objects] == list(ours.class_names)
        inclusive = ours.boxes + np.array([1, 1, 0, 0])
        assert [[float(each["bndbox"][name]) for name in ("xmin", "ymin", "xmax", "ymax")] for each in objects] == \
            inclusive.tolist()


def test_folders_of_annotations_and_photographs(root: Path, tmp_path: Path) -> None:
    whole = read_data_set(root)
    assert [each.file for each in read_data_set(root / "Annotations").photographs] == \
        [each.file for each in whole.photographs]
    moved = (root / "JPEGImages").rename(root / "elsewhere")
    assert read_data_set(root / "Annotations", moved).photographs[0].file == moved / "a.jpg"
    for file in (root / "Annotations").glob("*.xml"):
        file.rename(moved / file.name)
    assert [each.file for each in read_data_set(moved).photographs] == [moved / "a.jpg", moved / "b.jpg"]


def test_masks_of_palette_indices(root: Path) -> None:
    numbers = np.zeros((40, 50), int)
    numbers[4:24, 10:30] = 1
    numbers[3, 10:30] = 255  # the border belongs to no object
    numbers[10:12, 0:5] = 2
    numbers[30, 30] = 9  # an object that the annotations do not list
    first, second = read_data_set(segmentation(root, numbers)).photographs
    dog, person, chair = first.masks
    assert dog is not None
    assert person is not None
    assert (dog.decode() == (numbers == 1)).all()
    assert (person.decode() == (numbers == 2)).all()
    assert chair is None
    assert second.masks == ()


@pytest.mark.parametrize(("objects", "words"), [
    (DOG.replace("<name>dog</name>", ""), "<name> in object 1, found none"),
    (DOG.replace("dog", " "), "<name> in object 1, found an empty one"),
    (DOG + "<object><name>cat</name></object>", "<xmin> in object 2, found none"),
    (DOG.replace("<xmax>30</xmax>", ""), "<xmax> in object 1, found none"),
    (DOG.replace("30", "thirty"), "<xmax> in object 1, found 'thirty'"),
    (DOG.replace("30", "nan"), "xmin <= xmax"),
    (DOG.replace("30", "3"), "found 11, 5, 3, 24"),
    (DOG.replace("<difficult>0", "<difficult>maybe"), "<difficult> 0 or 1 in object 1, found 'maybe'"),
])
def test_malformed_objects(root: Path, objects: str, words: str) -> None:
    (root / "Annotations" / "a.xml").write_text(f"<annotation>{HEADER}{objects}</annotation>")
    with pytest.raises(DataError) as raised:
        read_data_set(root)
    assert words in str(raised.value)
    assert "a.xml" in str(raised.value)
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize(("content", "words"), [
    ("", "not an XML file"),
    ("person 1 2 3 4", "not an XML file"),
    ("<annotation><object></annotation>", "not an XML file"),
    ("<?xml version='1.0' encoding='nonsense'?><annotation/>", "not an XML file"),
    ('<!DOCTYPE a [<!ENTITY x "y">]><annotation>&x;</annotation>', "read safely"),
    ("<html/>", "found <html>"),
])
def test_files_that_are_no_annotations(root: Path, content: str, words: str) -> None:
    (root / "Annotations" / "a.xml").write_text(content)
    with pytest.raises(DataError, match=words) as raised:
        read_data_set(root)
    assert "a.xml" in str(raised.value)


def test_missing_files(root: Path, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no such folder of VOC annotations"):
        read_voc(root / "nowhere")
    with pytest.raises(DataError, match="no such folder of photographs"):
        read_data_set(root, root / "nowhere")
    with pytest.raises(DataError, match="holds no XML files"):
        read_data_set(root / "JPEGImages", format="voc")
    with pytest.raises(DataError, match="no Pascal VOC data set"):
        read_data_set(root / "JPEGImages")
    (root / "JPEGImages" / "b.jpg").unlink()
    with pytest.raises(DataError, match=r"lacks 1 of the 2 photographs .* b\.jpg first"):
        read_data_set(root)
    assert [each.file.name for each in read_data_set(root, partial=True).photographs] == ["a.jpg"]
    (root / "JPEGImages" / "a.jpg").unlink()
    with pytest.raises(DataError, match="lacks 2 of the 2"):
        read_data_set(root, partial=True)


def test_masks_that_do_not_fit(root: Path) -> None:
    with pytest.raises(DataError, match=r"a\.png: expected the photograph's 50 x 40 px, found 40 x 50"):
        read_data_set(segmentation(root, np.zeros((50, 40))))
    PilImage.new("RGB", (50, 40)).save(root / "SegmentationObject" / "a.png")
    with pytest.raises(DataError, match=r"a\.png: expected a PNG whose values .* mode RGB"):
        read_data_set(root)
    (root / "SegmentationObject" / "a.png").write_text("no picture")
    with pytest.raises(DataError, match=r"a\.png: cannot be read as an image of object numbers"):
        read_data_set(root)
