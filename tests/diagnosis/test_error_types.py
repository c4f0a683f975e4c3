"""Error types against TIDE's own code, and one hand-made case of each."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from detcam.datasets.formats import read_data_set
from detcam.datasets.ground_truth import GroundTruth
from detcam.detectors.loading.load import load
from detcam.diagnosis.error_types import ERRORS, TYPES, ErrorAssignment, classify_errors
from detcam.errors import InputError
from detcam.imaging.image import load_image

CLASSES = ("person", "dog", "cat")
THEIRS = {"Cls": "classification", "Box": "localization", "Loc": "localization", "Both": "both", "Dupe": "duplicate",
          "Bkg": "background", "Miss": "missed"}
PERSON, DOG = [0.0, 0, 100, 100], [200.0, 0, 300, 100]  # the true boxes of the hand-made cases


@dataclass(frozen=True)
class Found:
    """A photograph's detections."""

    boxes: np.ndarray
    scores: np.ndarray
    class_names: tuple[str, ...]


def truth_of(boxes: Sequence[Sequence[float]], names: Sequence[str], crowd: Sequence[bool] = (),
             difficult: Sequence[bool] = ()) -> GroundTruth:
    return GroundTruth(Path("a.jpg"), np.array(boxes, float).reshape(-1, 4), tuple(names),
                       np.array(crowd or [False] * len(boxes), bool), difficult=np.array(difficult, bool))


def assigned(*found: tuple[Sequence[float], str], truth: GroundTruth | None = None) -> ErrorAssignment:
    """Judge boxes of falling scores, by default among a person and a dog."""
    boxes = np.array([box for box, _ in found], float).reshape(-1, 4)
    scores = np.linspace(0.9, 0.5, len(found))
    return classify_errors(boxes, scores, [name for _, name in found],
                 truth_of([PERSON, DOG], ["person", "dog"]) if truth is None else truth)


def test_correct() -> None:
    found = assigned(([0, 0, 100, 80], "person"), (DOG, "dog"))
    assert found.types == ("correct", "correct")
    assert found.truth.tolist() == [0, 1]
    assert found.overlap.tolist() == [0.8, 1]
    assert found.missed.tolist() == []


def test_localization() -> None:
    found = assigned(([0, 0, 100, 40], "person"), (DOG, "dog"))
    assert found.types == ("localization", "correct")
    assert found.truth.tolist() == [0, 1]
    assert found.overlap.tolist() == [0.4, 1]
    assert found.missed.tolist() == [0]
    assert found.counted_elsewhere.tolist() == [True]
    assert found.counts()["missed"] == 0


def test_classification() -> None:
    found = assigned(([200, 0, 300, 70], "person"), (PERSON, "person"))
    assert found.types == ("classification", "correct")
    assert found.truth.tolist() == [1, 0]
    assert found.overlap.tolist() == [0.7, 1]
    assert (found.missed.tolist(), found.counted_elsewhere.tolist()) == ([1], [True])


def test_both() -> None:
    found = assigned(([200, 0, 300, 30], "person"), (PERSON, "person"))
    assert found.types == ("both", "correct")
    assert found.truth.tolist() == [1, 0]
    assert found.overlap.tolist() == [0.3, 1]
    assert (found.missed.tolist(), found.counted_elsewhere.tolist()) == ([1], [False])
    assert found.counts()["missed"] == 1


def test_duplicate() -> None:
    found = assigned((PERSON, "person"), ([0, 0, 100, 90], "person"), (DOG, "dog"))
    assert found.types == ("correct", "duplicate", "correct")
    assert found.truth.tolist() == [0, 0, 1]
    assert found.overlap.tolist() == [1, 0.9, 1]


def test_background() -> None:
    found = assigned(([95, 0, 195, 100], "person"), ([400, 0, 500, 100], "dog"))
    assert found.types == ("background", "background")
    assert found.truth.tolist() == [-1, -1]
    assert found.overlap.tolist() == [0, 0]


def test_missed() -> None:
    found = assigned((PERSON, "person"))
    assert (found.missed.tolist(), found.counted_elsewhere.tolist()) == ([1], [False])
    assert found.counts() == {**dict.fromkeys(TYPES, 0), "correct": 1, "missed": 1}


def test_nothing_found_and_nothing_true() -> None:
    assert assigned().types == ()
    assert assigned().missed.tolist() == [0, 1]
    empty = assigned((PERSON, "person"), truth=truth_of([], []))
    assert (empty.types, empty.missed.tolist()) == (("background",), [])


def test_crowds_and_difficult_objects_are_neither_missed_nor_compared_with() -> None:
    truth = truth_of([PERSON, DOG, [400, 0, 500, 100]], ["person", "dog", "dog"], [True, False, False],
                     [False, True, False])
    found = assigned(([10, 10, 40, 40], "person"), (DOG, "dog"), (DOG, "dog"), ([200, 0, 300, 40], "dog"), truth=truth)
    assert found.types == ("ignored", "ignored", "ignored", "background")
    assert found.truth.tolist() == [-1] * 4
    assert found.missed.tolist() == [2]


def test_limits_are_tide_s() -> None:
    """Exactly 0.5 is found; exactly 0.1 is still about a box of its class, and background beside another's."""
    assert assigned(([0, 0, 100, 50], "person")).types == ("correct",)
    assert assigned(([0, 0, 100, 10], "person")).types == ("localization",)
    assert assigned(([200, 0, 300, 10], "person")).types == ("background",)
    assert assigned(([200, 0, 300, 50], "person")).types == ("classification",)


def test_names_letters_and_sentences() -> None:
    assert [each.name for each in ERRORS] == list(TYPES)[:6]
    assert [each.short_name for each in TYPES.values()] == ["Cls", "Loc", "Both", "Dupe", "Bkg", "Miss", "ok", ""]
    assert all(each.sentence.endswith(".") and each.sentence.count(".") == 1 for each in TYPES.values())


def test_bad_arguments() -> None:
    truth = truth_of([PERSON], ["person"])
    for limits in ((0.5, 0.5), (0.5, -0.1), (1.1, 0.1)):
        with pytest.raises(InputError, match="background_iou < min_iou"):
            classify_errors(truth.boxes, np.ones(1), ["person"], truth, *limits)
    with pytest.raises(InputError, match="1 boxes, 1 scores and 2 class names"):
        classify_errors(truth.boxes, np.ones(1), ["person", "dog"], truth)


def tides(photographs: Sequence[tuple[Found, GroundTruth]]) -> list[tuple[list[str], list[int], set[int]]]:
    """TIDE's own verdicts for each photograph: types, indices of the true boxes that they are about, missed ones.

    A detection that TIDE ignores is "ignored" here, whatever else its error tests say of it.
    """
    quantify = pytest.importorskip("tidecv.quantify", reason="TIDE's code, which is compared with, is not installed")
    truth, found = quantify.Data("truth"), quantify.Data("found")
    for index, (detections, true) in enumerate(photographs):
        for box, name, crowd in zip(true.boxes, true.class_names, true.crowd, strict=True):
            add = truth.add_ignore_region if crowd else truth.add_ground_truth
            add(index, CLASSES.index(name), _xywh(box))
        for box, name, score in zip(detections.boxes, detections.class_names, detections.scores, strict=True):
            found.add_detection(index, CLASSES.index(name), float(score), _xywh(box))
        truth.add_image(index, str(index))
    run = quantify.TIDERun(truth, found, 0.5, 0.1, "bbox", 10_000)  # not TIDE(), which changes Matplotlib's settings
    types: dict[int, str] = {each["_id"]: "correct" for each in found.annotations if each["used"]}
    about: dict[int, int] = {each["_id"]: each["matched_with"] for each in found.annotations if each["used"]}
    missed = set()
    for error in run.errors:
        name = THEIRS[error.short_name]
        if name == "missed":
            missed.add(error.gt["_id"])
            continue
        types[error.pred["_id"]] = name
        if hasattr(error, "suppressor"):
            about[error.pred["_id"]] = error.suppressor["matched_with"]
        elif hasattr(error, "gt"):
            about[error.pred["_id"]] = error.gt["_id"]
    types |= {each["_id"]: "ignored" for each in found.annotations if each["used"] is None}
    verdicts = []
    for index in range(len(photographs)):
        true_ids, ids = (data.images[index]["anns"] for data in (truth, found))
        verdicts.append(([types[k] for k in ids], [true_ids.index(about[k]) if k in about else -1 for k in ids],
                         {true_ids.index(k) for k in missed if k in true_ids}))
    return verdicts


def _xywh(box: np.ndarray) -> list[float]:
    x1, y1, x2, y2 = box.tolist()
    return [x1, y1, x2 - x1, y2 - y1]


def random_photograph(generator: np.random.Generator, crowds: bool) -> tuple[Found, GroundTruth]:
    """True boxes of three classes, and detections near them whose classes and edges are often wrong."""
    count = int(generator.integers(0, 9))
    corners = generator.uniform(0, 60, (count, 2))
    true = np.concatenate([corners, corners + generator.uniform(15, 40, (count, 2))], 1)
    names = generator.choice(CLASSES, count).tolist()
    n = int(generator.integers(0, 25)) if count else 3
    near = generator.integers(0, count, n) if count else np.zeros(n, int)
    base = true[near] if count else np.array([[10.0, 10, 40, 40]] * n)
    boxes = base + generator.normal(0, 1, (n, 4)) * generator.choice([1, 4, 9], (n, 1))
    boxes[:, 2:] = np.maximum(boxes[:, 2:], boxes[:, :2] + 2)
    kept = [names[k] if count and generator.random() < 0.6 else str(generator.choice(CLASSES)) for k in near]
    crowd = (generator.random(count) < 0.3).tolist() if crowds else [False] * count
    return Found(boxes, generator.random(n), tuple(kept)), truth_of(true.tolist(), names, crowd)


def compare(photographs: Sequence[tuple[Found, GroundTruth]]) -> dict[str, int]:
    """Every verdict of ours beside TIDE's; how often each type came up.

    TIDE runs its error tests on ignored detections as well and lets them excuse a missed box, which we do not.
    """
    total = dict.fromkeys(TYPES, 0)
    for (found, truth), (types, about, missed) in zip(photographs, tides(photographs), strict=True):
        ours = classify_errors(found.boxes, found.scores, found.class_names, truth)
        assert list(ours.types) == types
        compared = [k for k, name in enumerate(types) if name not in ("both", "ignored")]  # TIDE names no box for those
        assert ours.truth[compared].tolist() == [about[k] for k in compared]
        left = set(ours.missed[~ours.counted_elsewhere].tolist())
        excused_by_ignored = {about[k] for k, name in enumerate(types) if name == "ignored"}
        assert missed == left - excused_by_ignored
        total = {name: total[name] + each for name, each in ours.counts().items()}
    return total


def test_agrees_with_tide_on_random_annotations() -> None:
    generator = np.random.default_rng(0)
    total = compare([random_photograph(generator, crowds=False) for _ in range(300)])
    assert min(total[each.name] for each in ERRORS) >= 30


def test_agrees_with_tide_beside_crowds() -> None:
    generator = np.random.default_rng(1)
    total = compare([random_photograph(generator, crowds=True) for _ in range(300)])
    assert min(total[name] for name in TYPES) >= 30


@pytest.mark.parametrize("seed", range(5))
def test_overlap_is_that_with_the_true_box(seed: int) -> None:
    found, truth = random_photograph(np.random.default_rng(seed), crowds=True)
    ours = classify_errors(found.boxes, found.scores, found.class_names, truth)
    assert len(found.boxes)
    for box, index, overlap in zip(found.boxes.tolist(), ours.truth, ours.overlap, strict=True):
        if index < 0:
            assert overlap == 0
            continue
        true = truth.boxes[index].tolist()
        width = max(0, min(box[2], true[2]) - max(box[0], true[0]))
        height = max(0, min(box[3], true[3]) - max(box[1], true[1]))
        union = sum((each[2] - each[0]) * (each[3] - each[1]) for each in (box, true)) - width * height
        assert overlap == pytest.approx(width * height / union)


@pytest.mark.assets
def test_agrees_with_tide_on_real_detections(assets: Path) -> None:
    detector = load("detcam-person-ssd")
    photographs = []
    for truth in read_data_set(assets / "persons_eval" / "instances.json").photographs[:60:4]:
        found = detector.detect(load_image(truth.file), 0.1)
        persons = truth.of_class("person")
        names = tuple(detector.class_names[k] for k in found.labels.tolist())
        photographs.append((Found(found.boxes, found.scores, names), persons[~persons.crowd]))
    total = compare(photographs)
    assert total["correct"] >= 10
    assert total["localization"] + total["background"] + total["duplicate"] >= 10
