"""What a diagnosis says: every rule by a case whose numbers are made by hand."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from support.diagnosed import NO_SHORTCUT, diagnosis_of, rival, siblings, truth_of, verdict_of

from detcam.datasets.ground_truth import Mask
from detcam.detectors.selection.drop_reason import SCORE, SUPPRESSED
from detcam.diagnosis.attention.shortcuts import PATTERNS, Shortcuts
from detcam.diagnosis.error_types import BACKGROUND, DUPLICATE, IGNORED, LOCALIZATION
from detcam.diagnosis.interventions.intervention import Change, Intervention
from detcam.diagnosis.interventions.regions import Region
from detcam.diagnosis.sentences.detections import edge_sentence, sentences_of, sentences_of_missed
from detcam.diagnosis.sentences.object_names import finder, object_labels, object_words
from detcam.measures.siblings import Siblings
from detcam.verdicts.verdict import Reason

PERSON = [40.0, 20.0, 80.0, 100.0]  # 40 px wide, 80 px high
ASIDE = [110.0, 30.0, 150.0, 110.0]  # nowhere near
NO_LEAK = [[0.0]]


@pytest.mark.parametrize(("edge", "pixels", "share", "said"), [
    ("left", 5.0, 0.125, "Left edge 5.0 px (12 %) too far left."),
    ("left", -5.0, -0.125, "Left edge 5.0 px (12 %) too far right."),
    ("top", 38.2, 0.21, "Top edge 38 px (21 %) too high."),
    ("top", -38.2, -0.21, "Top edge 38 px (21 %) too low."),
    ("right", 12.0, 1.5, "Right edge 12 px (150 %) too far right."),
    ("right", -12.0, -0.3, "Right edge 12 px (30 %) too far left."),
    ("bottom", 0.62, 0.11, "Bottom edge 0.6 px (11 %) too low."),
    ("bottom", -9.96, -0.4, "Bottom edge 10 px (40 %) too high.")])
def test_an_edge_is_too_far_the_way_it_lies(edge: str, pixels: float, share: float, said: str) -> None:
    assert edge_sentence(edge, pixels, share) == said


@pytest.mark.parametrize(("column", "coordinate", "said"), [
    (0, 35.0, "Left edge 5.0 px (12 %) too far left."), (0, 46.0, "Left edge 6.0 px (15 %) too far right."),
    (1, 4.0, "Top edge 16 px (20 %) too high."), (1, 30.0, "Top edge 10 px (12 %) too low."),
    (2, 88.0, "Right edge 8.0 px (20 %) too far right."), (2, 75.0, "Right edge 5.0 px (12 %) too far left."),
    (3, 112.0, "Bottom edge 12 px (15 %) too low."), (3, 84.0, "Bottom edge 16 px (20 %) too high.")])
def test_the_worst_edge_of_a_found_object(column: int, coordinate: float, said: str) -> None:
    box = list(PERSON)
    box[column] = coordinate
    diagnosis = diagnosis_of([box], truth_of([PERSON]), shares=NO_LEAK)
    assert sentences_of(diagnosis, 0) == [said]


def test_of_two_wrong_edges_the_one_that_is_worse_for_its_length_is_said() -> None:
    box = [35.0, 11.0, 80.0, 100.0]  # left 5 of 40 px, top 9 of 80 px
    assert sentences_of(diagnosis_of([box], truth_of([PERSON]), shares=NO_LEAK), 0) == [
        "Left edge 5.0 px (12 %) too far left."]


@pytest.mark.parametrize("box", [PERSON, [36.0, 20.0, 80.0, 100.0], [40.0, 20.0, 84.0, 92.0]])
def test_ten_per_cent_are_within(box: list[float]) -> None:
    ranks = np.full((1, 4), 99.0)  # say nothing of edges that are not off
    diagnosis = diagnosis_of([box], truth_of([PERSON]), percentiles=ranks, shares=NO_LEAK)
    assert sentences_of(diagnosis, 0) == ["All edges are within 10 % of the true box."]


@pytest.mark.parametrize(("rank", "said"), [
    (90.0, ["There is more evidence on this edge than for 90 % of accurate boxes of similar size."]),
    (97.6, ["There is more evidence on this edge than for 97 % of accurate boxes of similar size."]),
    (100.0, ["There is more evidence on this edge than for all accurate boxes of similar size."]),
    (89.9, []), (np.nan, [])])
def test_evidence_is_said_of_the_worst_edge_alone_and_from_ninety_on(rank: float, said: list[str]) -> None:
    ranks = np.array([[99.0, rank, 99.0, 99.0]])
    diagnosis = diagnosis_of([[40.0, 4.0, 80.0, 100.0]], truth_of([PERSON]), percentiles=ranks, shares=NO_LEAK)
    assert sentences_of(diagnosis, 0)[1:] == said


def occluded(name: str, loss: float, control: float, edges: Sequence[float] = (0, 0, 0, 0),
           beside: Sequence[float] = (0, 0, 0, 0), region: str = "top left corner", controls: int = 2) -> Intervention:
    """What occluding a region does: a share of the score that is lost, and how far each edge moves outward."""
    def change(share: float, moved: Sequence[float]) -> Change:
        return Change(Region(region, np.zeros((8, 8), bool)), "blur", 0.1, 0.8, -0.8 * share, 0.0,
                      np.array(moved, float), 0.5)

    return Intervention(name, change(loss, edges), (change(control, beside),) * controls)


NOT_IN = ("Occluding the region that its map highlights does not clearly move the edge inward ({} px; control "
          "occlusions: {} px).")
TALL = [40.0, 4.0, 80.0, 100.0]


@pytest.mark.parametrize(("moved", "beside", "said"), [
    (-12.0, -1.0, "44 % of the evidence that moves this edge up lies beyond the true edge. Occluding the region where "
                  "that evidence is strongest moves the edge inward by 12 px (control occlusions: 1.0 px)."),
    (-0.4, 0.0, NOT_IN.format("0.4", "0.0")),
    (-5.0, -6.0, NOT_IN.format("5.0", "6.0")),
    (7.0, 0.0, NOT_IN.format("-7.0", "0.0")),
])
def test_what_moves_an_edge_is_said_only_when_occlusion_moved_it(moved: float, beside: float, said: str) -> None:
    truth = truth_of([PERSON])
    asked = occluded("edge", 0.1, 0.1, (0, moved, 0, 0), (0, beside, 0, 0))
    silent = diagnosis_of([TALL], truth, pull=0.44, shares=NO_LEAK)
    assert len(sentences_of(silent, 0)) == 1  # nothing was occluded
    assert sentences_of(diagnosis_of([TALL], truth, pull=0.44, shares=NO_LEAK, hidden=[(asked,)]), 0)[1:] == [said]
    alone = occluded("edge", 0.1, 0.1, (0, moved, 0, 0), controls=0)
    assert len(sentences_of(diagnosis_of([TALL], truth, pull=0.44, shares=NO_LEAK, hidden=[(alone,)]), 0)) == 1


@pytest.mark.parametrize(("asked", "said"), [
    (occluded("corners", 0.62, 0.02), "Occluding the photograph's top left corner takes away 62 % of its score "
                                      "(control occlusions: 2 %)."),
    (occluded("context", 0.5, -0.1), "Occluding the region around it with the most heat takes away 50 % of its score "
                                     "(control occlusions: 0 %)."),
    (occluded("spread", 0.9, 0.9), "Occluding everything around the objects takes away 90 % of its score."),
    (occluded("left or right", 0.99, 0.02), "Occluding its left half takes away 99 % of its score, occluding its right "
                                            "half takes away 2 %."),
    (occluded("left or right", -0.3, 0.98), "Occluding its right half takes away 98 % of its score, occluding its left "
                                            "half adds 30 %."),
    (occluded("top or bottom", 1.0, -0.2), "Occluding its top half takes away 100 % of its score, occluding its bottom "
                                           "half adds 20 %."),
    (occluded("top or bottom", 1.0, 0.0), None),  # heads count for more than feet in faultless detectors, too
    (occluded("corners", 0.1, 0.05), None), (occluded("spread", 0.7, 0.1), None),
    (occluded("left or right", 0.9, 0.1), None), (occluded("context", 0.9, 0.1, controls=0), None),
])
def test_a_shortcut_is_said_where_occlusion_passes_its_limit(asked: Intervention, said: str | None) -> None:
    diagnosis = diagnosis_of([PERSON], truth_of([PERSON]), shares=NO_LEAK, hidden=[(asked,)])
    assert sentences_of(diagnosis, 0)[1:] == ([] if said is None else [said])


def flagged(pattern: str, score: float, chance: float, corner: str = "", side: str = "") -> Shortcuts:
    """A box's heat with one pattern of a shortcut."""
    usual = dict.fromkeys(PATTERNS, 0.1)
    return Shortcuts({**usual, pattern: score}, {**usual, pattern: chance},
                     {name: name == pattern for name in PATTERNS}, corner, side)


CORNER_HEAT = flagged("corners", 0.42, 0.09, "top left")
LEFT_HEAT = flagged("one side", 0.76, -0.02, side="left")  # 0.88 of the heat in the left half


@pytest.mark.parametrize(("own", "said"), [
    (CORNER_HEAT, "42 % of its heat lies in the photograph's corners, most of it top left (uniform heat: 9 %)."),
    (flagged("spread", 0.84, 0.2), "Its heat is as spread out as uniform heat over 84 % of the photograph (uniform "
                                   "heat on the object: 20 %)."),
    (flagged("context", 0.63, 0.55), "63 % of its heat lies on no object (uniform heat: 55 %)."),
    (LEFT_HEAT, "88 % of the heat in its box lies in the left half (uniform heat: 49 %)."),
    (NO_SHORTCUT, None)])
def test_a_pattern_of_the_heat_is_said_where_it_is_flagged(own: Shortcuts, said: str | None) -> None:
    diagnosis = diagnosis_of([PERSON], truth_of([PERSON]), shares=NO_LEAK, patterns=[own])
    assert sentences_of(diagnosis, 0)[1:] == ([] if said is None else [said])


@pytest.mark.parametrize(("own", "asked", "said"), [
    (CORNER_HEAT, occluded("corners", 0.62, 0.02), " Occlusion confirms this."),
    (CORNER_HEAT, occluded("corners", 0.2, 0.02), " Occlusion does not confirm this."),
    (CORNER_HEAT, occluded("corners", 0.62, 0.02, controls=0), ""),
    (CORNER_HEAT, occluded("context", 0.62, 0.02), ""),
    (LEFT_HEAT, occluded("left or right", 1.0, 0.0), " Occlusion confirms this."),
    (LEFT_HEAT, occluded("left or right", 0.0, 1.0), " Occlusion does not confirm this."),  # the right half it is
    (LEFT_HEAT, occluded("top or bottom", 1.0, -0.5), ""),
    (flagged("one side", 0.8, 0.0, side="bottom"), occluded("top or bottom", -0.5, 1.0), " Occlusion confirms this."),
    (flagged("spread", 0.84, 0.2), occluded("spread", 0.9, 0.9, controls=0), " Occlusion confirms this."),
    (flagged("context", 0.63, 0.55), occluded("context", 0.3, 0.0), " Occlusion does not confirm this.")])
def test_occlusion_decides_about_a_pattern_where_it_was_asked(own: Shortcuts, asked: Intervention, said: str) -> None:
    diagnosis = diagnosis_of([PERSON], truth_of([PERSON]), shares=NO_LEAK, patterns=[own], hidden=[(asked,)])
    assert sentences_of(diagnosis, 0)[1].endswith("%)." + said)


def test_a_localization_error_says_whether_another_box_found_the_object() -> None:
    half = [40.0, 20.0, 80.0, 55.0]  # IoU 35 / 80
    both = diagnosis_of([PERSON, half], truth_of([PERSON]), shares=[[0.0], [0.0]])
    assert sentences_of(both, 1) == [LOCALIZATION.sentence, "Box 1 found that person.",
                                     "Bottom edge 45 px (56 %) too high."]
    alone = diagnosis_of([half], truth_of([PERSON]), shares=NO_LEAK)
    assert sentences_of(alone, 0)[1] == "No box found that person."


def test_a_duplicate_says_which_box_found_the_object_and_what_its_rows_became() -> None:
    diagnosis = diagnosis_of([PERSON, [42.0, 20.0, 82.0, 100.0]], truth_of([PERSON]), shares=[[0.0], [0.0]],
                             same=[siblings(), siblings(14, (0,))])
    assert sentences_of(diagnosis, 1) == [
        DUPLICATE.sentence, "Box 1 found that person.", "All edges are within 10 % of the true box.",
        "14 other raw rows of its class overlap it; box 1 was kept, 13 were dropped."]


@pytest.mark.parametrize(("same", "said"), [
    (siblings(), "No other raw row of its class overlaps it."),
    (siblings(1), "1 other raw row of its class overlaps it; it was dropped."),
    (siblings(14), "14 other raw rows of its class overlap it; all were dropped."),
    (siblings(14, (4,)), "14 other raw rows of its class overlap it; box 5 was kept, 13 were dropped."),
    (siblings(2, (4,)), "2 other raw rows of its class overlap it; box 5 was kept, 1 was dropped."),
    (siblings(2, (7, 1)), "2 other raw rows of its class overlap it; boxes 2 and 8 were kept."),
    (siblings(5, (7, 1, 2)), "5 other raw rows of its class overlap it; boxes 2, 3 and 8 were kept, 2 were dropped.")])
def test_the_rows_behind_a_false_positive(same: Siblings, said: str) -> None:
    diagnosis = diagnosis_of([ASIDE], truth_of([PERSON]), shares=NO_LEAK, same=[same])
    assert sentences_of(diagnosis, 0) == [BACKGROUND.sentence, said]


def test_a_wrong_class_says_the_true_one() -> None:
    diagnosis = diagnosis_of([PERSON, ASIDE], truth_of([PERSON, ASIDE], ["orange", "person"]), labels=[0, 1],
                             shares=np.zeros((2, 2)))
    assert diagnosis.assignment.types == ("classification", "classification")
    assert sentences_of(diagnosis, 0)[1] == "The true object is an orange."
    assert sentences_of(diagnosis, 1)[1] == "The true object is a person."


def test_an_ignored_box_is_not_said_to_be_wrong() -> None:
    diagnosis = diagnosis_of([PERSON], truth_of([PERSON], crowd=[0]), shares=[[1.0]])
    assert sentences_of(diagnosis, 0) == [IGNORED.sentence]


def test_heat_on_another_object_is_said_from_a_quarter_on() -> None:
    beside = [84.0, 20.0, 124.0, 100.0]
    truth = truth_of([PERSON, beside, ASIDE], ["person", "person", "orange"])

    def said(*shares: float) -> list[str]:
        return sentences_of(diagnosis_of([PERSON, beside], truth, shares=[shares, shares]), 0)[1:]

    assert said(0.6, 0.24, 0.2) == []
    assert said(0.2, 0.31, 0.3) == ["31 % of its heat lies in the true box of another person (found by box 2)."]
    assert said(0.2, 0.31, 0.4) == ["40 % of its heat lies in the true box of an orange (missed, Miss 1)."]
    assert said(np.nan, np.nan, np.nan) == []
    crowd = truth_of([PERSON, beside], crowd=[1])
    assert sentences_of(diagnosis_of([PERSON], crowd, shares=[[0.2, 0.8]]), 0)[1:] == []
    nowhere = diagnosis_of([PERSON, ASIDE], truth_of([PERSON]), shares=[[0.9], [0.4]])
    assert sentences_of(nowhere, 1)[1] == "40 % of its heat lies in the true box of a person (found by box 1)."


def test_a_mask_is_no_box() -> None:
    masks = tuple(Mask.of_pixels(np.ones((120, 160), bool)) for _ in range(2))
    diagnosis = diagnosis_of([PERSON], truth_of([PERSON, ASIDE], masks=masks), shares=[[0.2, 0.5]])
    assert sentences_of(diagnosis, 0)[1] == "50 % of its heat lies on another person (missed, Miss 1)."


def test_true_objects_are_called_by_who_found_them() -> None:
    box = [2.0, 2.0, 20.0, 20.0]
    truth = truth_of([ASIDE, PERSON, box, box, box, [90.0, 60.0, 100.0, 90.0]], crowd=[2, 3], difficult=[4])
    diagnosis = diagnosis_of([PERSON], truth)
    assert object_labels(diagnosis) == ["Miss 1", "1", "crowd 1", "crowd 2", "difficult", "Miss 2"]
    assert [finder(diagnosis, true) for true in range(3)] == [None, 1, None]
    assert [object_words(diagnosis, true) for true in (0, 1, 4)] == ["missed, Miss 1", "found by box 1", "difficult"]


def test_a_missed_object_has_its_verdict() -> None:
    reason = Reason(SCORE, 0.2, 0.25)
    verdict = verdict_of((40.0, 20.0, 80.0, 100.0), 2, (reason,))
    diagnosis = diagnosis_of([ASIDE], truth_of([PERSON]), verdicts=[verdict])
    assert sentences_of_missed(diagnosis, 0) == [
        "No detection found this true object.",
        "Not detected: its score (person 0.20) is 0.05 below the threshold of 0.25."]
    suppressed = verdict_of((40.0, 20.0, 80.0, 100.0), 2, (Reason(SUPPRESSED, 0.6, 0.45, rival=rival(1)),))
    assert "box 1 (person 0.90) overlaps this row" in sentences_of_missed(
        diagnosis_of([ASIDE], truth_of([PERSON]), verdicts=[suppressed]), 0)[1]


def test_a_row_that_found_another_object() -> None:
    near = [44.0, 20.0, 84.0, 100.0]
    diagnosis = diagnosis_of([PERSON], truth_of([PERSON, near]),
                             verdicts=[verdict_of((44.0, 20.0, 84.0, 100.0), 1, iou=0.82)])
    assert sentences_of_missed(diagnosis, 0)[1:] == ["Box 1 lies on it (IoU 0.82), but it counts for another person."]
    far = verdict_of((44.0, 20.0, 84.0, 100.0), 1, near=False, iou=0.3)  # the nearest row is a detection elsewhere
    assert sentences_of_missed(diagnosis_of([PERSON], truth_of([PERSON, near]), verdicts=[far]), 0)[1].startswith(
        "No raw row is near this box")


def test_an_object_that_is_counted_elsewhere_names_the_box_that_is_about_it() -> None:
    half = [40.0, 20.0, 80.0, 55.0]
    verdict = verdict_of((40.0, 20.0, 80.0, 100.0), 2, (Reason(SCORE, 0.2, 0.25),))
    diagnosis = diagnosis_of([half], truth_of([PERSON]), verdicts=[verdict])
    assert sentences_of_missed(diagnosis, 0)[0] == (
        "Box 1 lies on this object, but its edges are too far off (IoU 0.44). TIDE counts that error and no "
        "missed object.")
    other = diagnosis_of([PERSON], truth_of([PERSON], ["orange"]), verdicts=[verdict])
    assert sentences_of_missed(other, 0)[0].startswith("Box 1 lies on this object, but has another class (IoU 1.00)")


def test_without_a_verdict_it_says_so() -> None:
    assert sentences_of_missed(diagnosis_of([], truth_of([PERSON])), 0) == [
        "No detection found this true object.",
        "The reason is unknown: the steps of this detector's box selection are not known."]


@pytest.mark.assets
def test_of_real_persons_every_sentence_holds(assets: Path) -> None:
    """Recomputed from the boxes alone, for two photographs."""
    import detcam
    from detcam.datasets.formats import read_data_set
    from detcam.diagnosis.diagnose import diagnose

    data, detector = read_data_set(assets / "persons_eval" / "instances.json"), detcam.load("detcam-person-ssd")
    for photo in (data.photographs[0], data.photographs[16]):
        diagnosis = diagnose(detector, photo.file, photo, classes=["person"], min_score=0.25, edges=False)
        assert len(diagnosis)
        for box in range(len(diagnosis)):
            said, true = sentences_of(diagnosis, box), diagnosis.truth_of(box)
            if true < 0:
                assert not any("edge" in each for each in said)
                continue
            x1, y1, x2, y2 = diagnosis.detections.boxes[diagnosis.evaluated[box]]
            a1, b1, a2, b2 = photo.boxes[true]
            off = {"Left": (a1 - x1) / (a2 - a1), "Top": (b1 - y1) / (b2 - b1), "Right": (x2 - a2) / (a2 - a1),
                   "Bottom": (y2 - b2) / (b2 - b1)}
            edge = max(off, key=lambda each: abs(off[each]))
            expected = f"{edge} edge " if abs(off[edge]) > 0.1 else "All edges are within"
            assert sum(each.startswith(expected) for each in said) == 1
