"""Classes as users name them: one or several, by name, by label, or by a label's digits."""

from functools import cache

import pytest
from support.tiny import CLASSES, photograph, tiny_ssd

import detcam
from detcam.detectors.base import Detector
from detcam.errors import ClassNameError
from detcam.imaging.image import Image


@cache
def detector() -> Detector:
    return detcam.load(tiny_ssd(), class_names=list(CLASSES))


@pytest.mark.parametrize(("classes", "labels"), [
    ("box", [1]), ("ball", [2]), (1, [1]), ("2", [2]), (["box"], [1]), (("ball", "box"), [2, 1]),
    (["box", 1, "1"], [1, 1, 1]), ([], []),
])
def test_classes_are_found_in_their_order(classes: object, labels: list[int]) -> None:
    assert detector().class_names == {1: "box", 2: "ball"}
    assert detector().labels_of(classes) == labels  # type: ignore[arg-type]


def test_a_name_that_reads_like_a_label_is_a_name() -> None:
    named = detcam.load(tiny_ssd(), class_names=["2", "ball"])
    assert named.labels_of("2") == [1]
    assert named.labels_of(2) == [2]


@pytest.mark.parametrize("wanted", ["boxes", "b", 0, 3, -1, "²", ""])
def test_no_such_class_names_near_ones(wanted: object) -> None:
    with pytest.raises(ClassNameError, match=f"has no class {wanted!r}: (did you mean box|known: box, ball)"):
        detector().labels_of(wanted)  # type: ignore[arg-type]
    with pytest.raises(ClassNameError, match=f"has no class {wanted!r}"):
        detector().labels_of(["box", wanted])  # type: ignore[list-item]


def test_one_class_alone_is_explained_as_a_list_of_one() -> None:
    image = Image(photograph(1), "rectangles")
    alone, listed = (detcam.explain(detector(), image, method="hirescam", classes=classes, min_score=0.05, max_boxes=5)
                     for classes in ("box", ["box"]))
    assert len(alone) > 0
    assert [one.label for one in alone] == [1] * len(alone)
    assert [one.row for one in alone] == [one.row for one in listed]
