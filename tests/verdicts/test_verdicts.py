"""Why nothing was detected at a place: the row that speaks for it, the verdict, and what is drawn, printed and kept."""

import json
import math
from dataclasses import replace
from io import StringIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from rich.console import Console
from support.planted import patch_photograph, planted_yolo
from support.synthetic import explanation_of
from support.synthetic import photograph as plain
from support.tiny import photograph, tiny_ssd, tiny_yolo

import detcam
from detcam.detectors.base import Detector
from detcam.detectors.for_torchvision.ssd import SSDDetector
from detcam.detectors.for_ultralytics.yolo import YOLODetector
from detcam.detectors.selection.drop_reason import CLASS, MASK, MOST, SCORE, SUPPRESSED, TOP
from detcam.detectors.selection.steps import just_below
from detcam.errors import ClassNameError, PlaceError
from detcam.explanations.explanation import Explanation
from detcam.imaging.image import Image
from detcam.verdicts.place import Choice, Place, choose, places_of
from detcam.verdicts.verdict import Reason, Rival, Verdict
from detcam.views.explanation.figure import figures
from detcam.views.notebook import png_of, summary
from detcam.views.page.colours import DROPPED
from detcam.views.terminal import print_table

IMAGE = Image(photograph(2), "tiny")


def slow_iou(a: Any, b: Any) -> float:
    wide = min(a[2], b[2]) - max(a[0], b[0])
    high = min(a[3], b[3]) - max(a[1], b[1])
    both = wide * high if wide > 0 and high > 0 else 0.0
    return both / ((a[2] - a[0]) * (a[3] - a[1]) + (b[2] - b[0]) * (b[3] - b[1]) - both)


def slow_choice(place: Place, boxes: Any, scores: Any, labels: list[int]) -> tuple[int, int]:
    """The rule of ``choose``, a row at a time, for a place that some row is near."""
    best, winner = -1.0, (-1, -1)
    for row, box in enumerate(boxes):
        if place.box is not None:
            weight = 1.0 if slow_iou(place.box, box) >= 0.5 else 0.0
        else:
            assert place.at is not None
            left, top, right, bottom = (place.at[0] - box[0], place.at[1] - box[1], box[2] - place.at[0],
                                        box[3] - place.at[1])
            inside = min(left, top, right, bottom) > 0
            weight = math.sqrt(min(left, right) / max(left, right) * min(top, bottom) / max(top, bottom)
                               ) if inside else 0.0
        for label in labels:
            if weight * scores[row, label] > best:
                best, winner = weight * scores[row, label], (row, label)
    if place.at is None:
        return winner
    x, y = place.at
    same = [row for row, box in enumerate(boxes) if slow_iou(box, boxes[winner[0]]) >= 0.5
            and box[0] < x < box[2] and box[1] < y < box[3]]
    return max(same, key=lambda row: scores[row, winner[1]]), winner[1]


def test_the_row_that_speaks_is_chosen_by_the_stated_rule() -> None:
    rng = np.random.default_rng(0)
    image, moved = plain(120, 160), 0
    for _ in range(40):
        corner, size = rng.uniform(0, [100, 70], (60, 2)), rng.uniform(20, 60, (60, 2))
        boxes = np.concatenate([corner, corner + size], 1).clip(0, [160, 120, 160, 120])
        scores = rng.uniform(0, 1, (60, 3)) ** 3
        for place in (Place(at=(float(rng.uniform(30, 120)), float(rng.uniform(30, 90)))),
                      Place(box=tuple(boxes[rng.integers(60)].tolist()))):
            for labels in ([0, 1, 2], [2]):
                found = choose(place, boxes, scores[:, labels], labels, image)
                assert (found.row, found.label) == slow_choice(place, boxes, scores, labels)
                assert found.near
                own = scores[:, labels] * (1 if place.box else 0)
                moved += place.box is not None and scores[found.row, found.label] < own.max()
    assert moved > 20  # the place has a say, not the score alone


def test_the_middle_of_an_unsure_box_beats_the_corner_of_a_sure_one() -> None:
    boxes, image = np.array([[0.0, 0, 100, 100], [80, 80, 100, 100]]), plain(120, 160)
    scores = np.array([[0.9], [0.2]])
    assert choose(Place(at=(90, 90)), boxes, scores, [0], image).row == 1
    assert choose(Place(at=(50, 50)), boxes, scores, [0], image).row == 0
    sibling = np.array([[0.0, 0, 100, 100], [0, 0, 100, 90]])  # the point is nearer to its middle, but it says the same
    assert choose(Place(at=(50, 45)), sibling, np.array([[0.9], [0.88]]), [0], image).row == 0


def test_where_no_row_is_near_the_nearest_is_told() -> None:
    boxes, image = np.array([[0.0, 0, 10, 10], [20, 20, 60, 60]]), plain(120, 160)
    scores = np.array([[0.9, 0.1], [0.2, 0.4]])
    assert choose(Place(at=(63, 64)), boxes, scores, [0, 1], image) == Choice(1, 1, False, None)
    far = choose(Place(box=(40, 20, 120, 60)), boxes, scores, [0, 1], image)
    assert (far.row, far.label, far.near) == (1, 1, False)
    assert far.iou == pytest.approx(800 / (1600 + 3200 - 800))


def test_places() -> None:
    image = plain(120, 160)
    assert places_of(None, None, image) == []
    assert places_of((0, 120), [[1, 2, 3, 4], [150, 100, 200, 200]], image) == [
        Place(at=(0, 120)), Place(box=(1, 2, 3, 4)), Place(box=(150, 100, 160, 120))]
    assert [str(place) for place in places_of([(1.5, 2), (3, 4)], None, image)] == ["at 1.5,2", "at 3,4"]


@pytest.mark.parametrize(("at", "box", "words"), [
    ((161, 5), None, "at 161,5: outside the photograph, 160 x 120 px"),
    ((5, -1), None, "at 5,-1: outside the photograph"),
    (None, (5, 5, 5, 9), "box 5,5,5,9: expected X1 < X2"),
    (None, (9, 9, 5, 12), "expected X1 < X2 and Y1 < Y2"),
    (None, (160, 0, 170, 10), "outside the photograph"),
    ((1, 2, 3), None, r"expected \(x, y\) in pixels"),
    (None, (1, 2), r"expected \(x1, y1, x2, y2\) in pixels"),
    ("there", None, "at 'there': expected"),
    ((float("nan"), 2), None, "expected"),
])
def test_what_is_no_place(at: Any, box: Any, words: str) -> None:
    with pytest.raises(PlaceError, match=words):
        places_of(at, box, plain(120, 160))


BASE = Verdict(Place(at=(5, 5)), True, None, 6, "person", 0.1834, "person", 0.1834, False)
BOX3 = Rival(7, 0, "person", 0.91, 3, True)


def said(verdict: Verdict, *reasons: Reason, **changes: Any) -> str:
    return replace(verdict, reasons=reasons, **changes).sentence


def test_sentences() -> None:
    low = Reason(SCORE, 0.1834, 0.25)
    over = Reason(SUPPRESSED, 0.6249, 0.45, 0, BOX3)
    assert said(BASE, low) == "Not detected: its score (person 0.18) is 0.07 below the threshold of 0.25."
    assert said(BASE, Reason(SCORE, 0.2499, 0.25), score=0.2499) == (
        "Not detected: its score (person 0.2499) is 0.0001 below the threshold of 0.25.")
    assert said(BASE, Reason(SCORE, 0.25, 0.25), score=0.25) == (
        "Not detected: its score (person 0.25) is not above the threshold of 0.25.")
    assert said(BASE, Reason(SCORE, 3e-6, 0.25), score=3e-6) == (
        "Not detected: its score (person <0.01) is 0.25 below the threshold of 0.25.")
    assert said(BASE, low, over) == (
        "Not detected: its score (person 0.18) is 0.07 below the threshold of 0.25. With a lower threshold, box 3 "
        "(person 0.91) would suppress it (IoU 0.62, limit 0.45).")
    assert said(BASE, low, best_class="dog", best_score=0.61).endswith("0.25. The row's best class is dog (0.61).")
    assert said(BASE, over, score=0.44) == (
        "Suppressed: box 3 (person 0.91) overlaps this row (person 0.44) with an IoU of 0.62, above the limit of 0.45.")
    assert said(BASE, replace(over, others=2)).endswith("2 other rows would also suppress it.")
    assert "box 3 (person 0.91, not a detection)" in said(BASE, replace(over, rival=replace(BOX3, detected=False)))
    assert said(BASE, Reason(MASK, 0, 1), score=0.44) == (
        "Not detected (person 0.44): its mask is empty, and boxes without a mask are dropped.")
    dog = Reason(CLASS, 0.3, 0.61, 0, Rival(9, 1, "dog", 0.61, 2, True))
    assert said(BASE, dog, Reason(MOST, 104, 100), score=0.3, best_class="dog", best_score=0.61) == (
        "Not detected as person: the same row scores higher for dog (0.61) than for person (0.30). Otherwise, it would "
        "be detection 104, and at most 100 are kept.")
    assert said(BASE, low, dog, best_class="dog").endswith(
        "With a lower threshold, the same row scores higher for dog (0.61).")
    assert said(BASE, Reason(TOP, 412, 400)) == (
        "Not detected (person 0.18): it ranks 412 by score, and only the best 400 rows are considered.")
    assert said(BASE, low, near=False, place=Place(box=(0, 0, 9, 9)), iou=0.31).startswith(
        "No raw row is near this box: the best IoU is 0.31. Not detected: its score (person 0.18)")
    assert said(BASE, low, near=False).startswith("No raw row covers this point. The nearest one: Not detected")
    assert said(BASE, detected=True, number=3, score=0.91) == "Detected: box 3, person 0.91."
    assert said(BASE, detected=True, number=3, score=0.91, iou=0.834, place=Place(box=(0, 0, 9, 9))) == (
        "Detected: box 3, person 0.91. Its IoU with the box in question is 0.83.")


def test_kinds() -> None:
    assert replace(BASE, detected=True).kind == "detected"
    assert replace(BASE, reasons=(Reason(TOP, 412, 400), Reason(MOST, 104, 100))).kind == TOP
    assert replace(BASE, near=False, detected=True).kind == "no row near"


def planted(**overrides: Any) -> Detector:
    """Its score at a cell is the red there; each box reaches two cells from its cell's centre: 32 by 32 px."""
    return YOLODetector(planted_yolo(), {"imgsz": 128, **overrides}, "planted")


def street() -> Image:
    """A red cell, a less red one diagonally beside it, and a faint one far away."""
    rgb = patch_photograph(96, 128, (40, 40, 48, 48))
    rgb[48:56, 48:56] = (200, 0, 0)
    rgb[16:24, 96:104] = (120, 0, 0)
    return Image(rgb, "street")


def test_planted_rows_and_reasons() -> None:
    found = detcam.explain(planted(iou=0.35), street(), at=(100, 20), box=[(36, 36, 68, 68), (28, 28, 60, 60)])
    assert found.numbered == (2, 3, 1, 1)
    faint, suppressed, winner, detected = found
    assert np.abs(faint.box - [84, 4, 116, 36]).max() < 0.2
    assert [reason.kind for reason in faint.verdict.reasons] == [SCORE]
    assert faint.verdict.reasons[0].value == faint.verdict.score == faint.score < 0.25
    assert np.abs(suppressed.box - [36, 36, 68, 68]).max() < 0.2
    (reason,) = suppressed.verdict.reasons
    assert reason.kind == SUPPRESSED
    assert reason.value == pytest.approx(24 * 24 / (2 * 32 * 32 - 24 * 24), abs=0.01)
    assert reason.limit == 0.35
    assert (reason.rival.number, reason.rival.score) == (1, winner.score)
    assert winner.verdict is None
    assert np.abs(winner.box - [28, 28, 60, 60]).max() < 0.2
    assert detected.verdict.kind == "detected"
    assert detected.verdict.sentence.startswith(f"Detected: box 1, person {winner.score:.2f}. Its IoU")
    assert found.detection_count == 1
    # each row's heat is on its own red cell
    for one, cell in ((faint, (2, 12)), (suppressed, (6, 6)), (winner, (5, 5))):
        assert np.unravel_index(one.heatmap.values.argmax(), one.heatmap.values.shape) == cell


def test_planted_counterfactuals() -> None:
    def rows(detector: Detector, image: Image, min_score: float = 0.25) -> list[int]:
        return detector.detect(image, min_score).rows.tolist()

    faint, suppressed = detcam.explain(planted(iou=0.35), street(), at=(100, 20), box=(36, 36, 68, 68))[:2]
    assert faint.row not in rows(planted(), street(), faint.verdict.reasons[0].value)
    assert faint.row in rows(planted(), street(), just_below(faint.verdict.reasons[0].value))
    assert suppressed.row not in rows(planted(iou=0.35), street())
    assert suppressed.row in rows(planted(iou=suppressed.verdict.reasons[0].value + 1e-3), street())
    gone = street()
    gone.rgb[40:48, 40:48] = 0  # the red that the winner stands for
    assert suppressed.row in rows(planted(iou=0.35), gone)


TINY = {"ssd": lambda: SSDDetector(tiny_ssd()), "yolov8n": lambda: YOLODetector(tiny_yolo(), {"imgsz": 128}),
        "yolo26n": lambda: YOLODetector(tiny_yolo("yolo26n"), {"imgsz": 128}, head="one2one")}


@pytest.mark.parametrize("kind", TINY)
def test_verdicts_agree_with_what_is_detected(kind: str) -> None:
    detector, rng = TINY[kind](), np.random.default_rng(0)
    points = rng.uniform(0, [128, 96], (12, 2))
    boxes = np.concatenate([corner := rng.uniform(0, [90, 60], (12, 2)), corner + rng.uniform(8, 34, (12, 2))], 1)
    label = list(detector.class_names)[-1]
    kinds = set()
    for wanted in (None, [label]):
        plainly = detcam.explain(detector, IMAGE, min_score=0.3, classes=wanted, max_boxes=None, edges=False)
        numbers = {(one.row, one.label): one.number for one in plainly}
        found = detcam.explain(detector, IMAGE, at=points, box=boxes, min_score=0.3, classes=wanted, edges=False)
        assert found.detection_count == len(plainly)
        for one in found:
            assert one.number == numbers.get((one.row, one.label), one.number)
            if one.verdict is None:
                continue
            kinds.update([one.verdict.kind, *(reason.kind for reason in one.verdict.reasons)])
            assert one.verdict.detected == ((one.row, one.label) in numbers)
            assert one.verdict.detected == (one.number <= len(plainly))
            assert wanted is None or one.label == label
            assert one.verdict.score == one.score
            assert one.verdict.number == one.number
            if [reason.kind for reason in one.verdict.reasons] == [SCORE] and one.score >= 0.05:
                below = detector.detect(IMAGE, just_below(one.score))
                assert (one.row, one.label) in zip(below.rows.tolist(), below.labels.tolist(), strict=True)
    assert {"detected", SCORE} <= kinds, kinds


def test_a_hopeless_row_is_told_the_threshold_alone() -> None:
    (one,) = detcam.explain(planted(max_det=1), street(), at=(20, 80), min_score=0.2, edges=False)
    assert one.score < 0.05
    assert [reason.kind for reason in one.verdict.reasons] == [SCORE]


def test_the_background_is_refused() -> None:
    detector = SSDDetector(tiny_ssd(), {0: "background", 1: "box", 2: "ball"})
    with pytest.raises(ClassNameError, match="the background is not a class that can be detected"):
        detcam.explain(detector, IMAGE, at=(5, 5), classes=["background"], edges=False)


@pytest.fixture(scope="module")
def asked() -> Explanation:
    return detcam.explain(planted(iou=0.35), street(), at=(100, 20), box=(36, 36, 68, 68),
                          method=["hirescam", "gradient"], edge_maps=True)


def texts(figure: Any) -> list[str]:
    return [text.get_text() for axes in figure.axes for text in axes.texts]


def test_the_figure_says_why_and_marks_the_place(asked: Explanation) -> None:
    (figure,) = figures(asked)
    words = " ".join(texts(figure))
    assert any(asked.verdicts)
    for verdict in filter(None, asked.verdicts):
        assert f"{str(verdict.place).capitalize()}: {verdict.sentence}" in words  # wrapped, whole
    assert "Rival of 3: see the verdict there." in words
    assert "2 places in question, 1 detection with a score above 0.25" in words
    overview = figure.axes[1]
    crosses = [line.get_xydata().tolist() for line in overview.lines if line.get_marker() == "+"]
    assert crosses == [[[100, 20]]]
    dashed = [patch.get_bbox().extents.tolist() for patch in overview.patches if patch.get_linestyle() != "-"]
    assert [36, 36, 68, 68] in [np.round(each).tolist() for each in dashed]
    colours = {patch.get_edgecolor()[:3] for patch in overview.patches}
    assert len([each for each in colours if each == tuple(int(DROPPED[i : i + 2], 16) / 255 for i in (1, 3, 5))]) == 1
    width = figure.get_figwidth() * figure.dpi
    for text in figure.axes[0].texts:
        assert text.get_window_extent(figure.canvas.get_renderer()).x1 <= width + 1


def test_a_long_verdict_is_not_cut_off(asked: Explanation) -> None:
    rival = replace(BOX3, class_name="a class with a name that is rather long " * 4, number=1)
    verdict = replace(asked.verdicts[1], reasons=(Reason(SCORE, 0.2, 0.25), Reason(SUPPRESSED, 0.6, 0.45, 3, rival)))
    assert verdict is not None
    (figure,) = figures(replace(asked, verdicts=(asked.verdicts[0], verdict, None)))
    words = " ".join(texts(figure)).split(f"{str(verdict.place).capitalize()}:")[1]
    assert " ".join(words.split()).startswith(verdict.sentence.replace("  ", " "))


def test_table_frame_and_notebook_say_why(asked: Explanation) -> None:
    console = Console(file=StringIO(), width=400)
    print_table([asked], console)
    printed = console.file.getvalue()  # type: ignore[attr-defined]
    frame = asked.to_frame()
    assert any(asked.verdicts)
    for verdict in filter(None, asked.verdicts):
        assert f"{verdict.number}  {verdict.place}: {verdict.sentence}" in printed
        assert verdict.sentence in frame["why"].tolist()
        assert verdict.sentence in summary(asked)
    assert frame["verdict"].tolist() == [SCORE, SUPPRESSED, ""]
    assert asked.verdicts[1].sentence in summary(asked[1])  # type: ignore[union-attr]
    assert "why" not in explanation_of(plain(), [(5, 5, 50, 50)]).to_frame()


def test_a_row_that_speaks_for_two_places_shows_its_own_in_a_notebook() -> None:
    found = detcam.explain(planted(), street(), at=[(44, 44), (50, 40)], edges=False)
    assert found.numbered == (1, 1)
    assert [png_of(one) for one in found] == [png_of(found[:1]), png_of(found[1:])]
    assert png_of(found[0]) != png_of(found[1])


def test_verdicts_are_kept(asked: Explanation, tmp_path: Path) -> None:
    detcam.save(asked, tmp_path)
    (read,) = detcam.load_explanations(tmp_path, images={"street": street().rgb})
    assert read.verdicts == asked.verdicts
    assert read[1:].verdicts == asked.verdicts[1:]
    record = json.loads((tmp_path / "explanations.json").read_text())["images"][0]["detections"][1]["verdict"]
    assert record["sentence"] == asked.verdicts[1].sentence  # type: ignore[union-attr]
    assert record["reasons"][0]["rival"]["number"] == 1
    assert record["place"] == {"at": None, "box": [36, 36, 68, 68]}


@pytest.mark.assets
def test_the_half_hidden_person_of_a_real_photograph(assets: Path) -> None:
    import ultralytics

    bus = Path(ultralytics.__file__).parent / "assets" / "bus.jpg"
    one = detcam.explain(detcam.load("detcam-person-ssd"), bus, at=(790, 600), min_score=0.25, edges=False)[0]
    assert one.verdict.kind == SCORE
    assert one.box[0] > 640  # the person at the right edge
    (better,) = detcam.explain(detcam.load(assets / "weights" / "yolov8n-rebuilt.pt"), bus, at=(30, 650), edges=False)
    assert better.verdict.kind == "detected"
    assert better.class_name == "person"
