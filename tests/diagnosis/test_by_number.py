"""What a diagnosis tells of one box or one missed object, by the number that the figures show."""

from dataclasses import replace

import numpy as np
import pytest
from support.diagnosed import (
    ASIDE,
    LOST,
    PERSON,
    asked_of,
    diagnosis_of,
    one_of_each,
    truth_of,
    verdict_of,
)

from detcam.diagnosis.diagnosis_data import DiagnosisData
from detcam.diagnosis.parts import DetectionDiagnosis, MissedDiagnosis
from detcam.diagnosis.result import Diagnosis
from detcam.diagnosis.sentences.detections import sentences_of, sentences_of_missed
from detcam.diagnosis.table import rows_of
from detcam.errors import InputError
from detcam.imaging.boxes import EDGES

TALL = [40.0, 4.0, 80.0, 100.0]  # its top edge 16 px, a fifth of 80, too high
ABOVE, LOW = [40.0, 0.0, 80.0, 20.0], [85.0, 60.0, 105.0, 90.0]
EDGE = asked_of("edge", (ABOVE, 0.1), [(LOW, 0.0), (LOW, 0.2)], [12.0, 1.0, 3.0], "what pulls the top edge out")


def some_in_question(*index: int) -> Diagnosis:
    """As :func:`one_of_each`, with only some detections in question."""
    whole, chosen = one_of_each(), np.array(index)
    return replace(whole, boxes=whole.boxes[chosen], evaluated=chosen, outward=whole.outward[chosen],
                   leakage=whole.leakage[chosen], pulls=tuple(whole.pulls[i] for i in index),
                   siblings=tuple(whole.siblings[i] for i in index), shortcuts=tuple(whole.shortcuts[i] for i in index))


def test_numbers_are_those_of_the_figures() -> None:
    assert one_of_each().numbers == (1, 2, 3, 4, 5, "Miss 1")
    assert some_in_question(1, 3).numbers == (2, 4, "Miss 1")
    assert diagnosis_of([PERSON], truth_of([PERSON])).numbers == (1,)


@pytest.mark.parametrize("diagnosis", [one_of_each(), some_in_question(1, 3)], ids=["all", "some"])
def test_every_number_gives_its_own_sentences(diagnosis: Diagnosis) -> None:
    said = {}
    for i in range(len(diagnosis)):
        said[diagnosis.boxes.numbered[i]] = sentences_of(diagnosis, i)
    for k in range(len(diagnosis.missed)):
        said[f"Miss {k + 1}"] = sentences_of_missed(diagnosis, k)
    assert len({tuple(sentences) for sentences in said.values()}) == len(said) > 2  # no two the same
    assert {number: diagnosis.sentences(number) for number in diagnosis.numbers} == said


def test_a_detection_by_its_number() -> None:
    whole, some = one_of_each(), some_in_question(1, 3)
    for number in some.numbers[:2]:
        one, same = some.by_number(number), whole.by_number(number)
        assert isinstance(one, DetectionDiagnosis)
        assert isinstance(same, DetectionDiagnosis)
        assert one.number == one.explanation.number == number
        np.testing.assert_array_equal(one.explanation.box, same.explanation.box)
        assert (one.type, one.sentences, one.title) == (same.type, same.sentences, same.title)
    wrong, nowhere = whole.by_number(2), whole.by_number(4)
    assert wrong.true_box is not None
    np.testing.assert_array_equal(wrong.true_box, PERSON)
    assert nowhere.true_box is None
    assert wrong.title == f"person {whole.detections.scores[1]:.2f}: localization error"


def test_a_missed_object_by_its_name() -> None:
    diagnosis = one_of_each()
    one = diagnosis.by_number("Miss 1")
    assert isinstance(one, MissedDiagnosis)
    assert one.missed is diagnosis.missed[0]
    assert one.explanation is not None
    assert one.explanation.number == 6  # its raw row, numbered after the detections
    np.testing.assert_array_equal(one.true_box, LOST)
    assert one.title == "person: missed"
    unknown = diagnosis_of([ASIDE], truth_of([ASIDE, LOST])).by_number("Miss 1")
    assert isinstance(unknown, MissedDiagnosis)
    assert unknown.explanation is None


@pytest.mark.parametrize("number", [0, 1, 6, -1, "Miss 0", "Miss 2", "2", "miss 1"])
def test_an_unknown_number_lists_the_known_ones(number: int | str) -> None:
    diagnosis = some_in_question(1, 3)
    for ask in (diagnosis.by_number, diagnosis.sentences, diagnosis.edge_table, diagnosis.check):
        with pytest.raises(InputError, match=f"no number {number!r} in this diagnosis; known: 2, 4, Miss 1"):
            ask(number)  # type: ignore[operator]


def test_a_diagnosis_of_nothing_says_so() -> None:
    with pytest.raises(InputError, match="known: none, as there is no detection in question and none is missed"):
        diagnosis_of([], truth_of([])).sentences(1)


def test_a_missed_object_has_no_edges_and_no_check() -> None:
    for ask in (one_of_each().edge_table, one_of_each().check):
        with pytest.raises(InputError, match="Miss 1 is a missed object, which has no detection: expected a number"):
            ask("Miss 1")  # type: ignore[operator]


def test_the_edges_of_a_box_are_those_of_the_audit_s_table() -> None:
    """The table of the audit is filled cell by cell, from the same photograph."""
    ranks = np.arange(8.0).reshape(2, 4)
    diagnosis = diagnosis_of([TALL, ASIDE], truth_of([PERSON, ASIDE]), pull=0.44, percentiles=ranks)
    for number, row in enumerate(rows_of(diagnosis, "street.jpg"), 1):
        table = diagnosis.edge_table(number)
        assert list(table.index) == list(EDGES)
        assert {"error_px", "error_share", "evidence", "percentile", "pull_beyond"} <= set(table.columns)
        for name in table.columns:
            for edge in EDGES:
                value = row[f"{edge}_{name}"]
                assert table.loc[edge, name] == pytest.approx(np.nan if value is None else value, nan_ok=True)


def test_errors_of_edges_by_hand() -> None:
    table = diagnosis_of([TALL], truth_of([PERSON])).edge_table(1)
    assert table["error_px"].tolist() == [0, 16, 0, 0]
    assert table["error_share"].tolist() == [0, 0.2, 0, 0]


def test_an_edge_table_has_only_what_was_measured() -> None:
    nothing = diagnosis_of([ASIDE], truth_of([PERSON]), edges=False).edge_table(1)
    assert list(nothing.columns) == ["error_px", "error_share", "heat_gap"]
    assert nothing[["error_px", "error_share"]].isna().all(axis=None)
    hidden = diagnosis_of([TALL], truth_of([PERSON]), hidden=[(EDGE,)]).edge_table(1)
    assert hidden["occlusion_moved_px"].tolist() == [0, -12, 0, 0]
    assert hidden["control_moved_px"].tolist() == [0, -2, 0, 0]
    other = asked_of("corners", (ABOVE, 0.1), [(LOW, 0.0)])
    assert "occlusion_moved_px" not in diagnosis_of([TALL], truth_of([PERSON]), hidden=[(other,)]).edge_table(1)


def test_a_check_holds_every_region_that_was_hidden() -> None:
    corners = asked_of("corners", (ABOVE, 0.62), [(LOW, 0.02)])
    diagnosis = diagnosis_of([PERSON, TALL], truth_of([ASIDE, PERSON]), pull=0.44, hidden=[(), (corners, EDGE)])
    check = diagnosis.check(2)
    assert check.interventions == (corners, EDGE)
    frame = check.to_frame()
    assert frame["probe"].tolist() == ["corners", "corners", "edge", "edge", "edge"]
    assert frame["role"].tolist() == ["suspect", "control", "suspect", "control", "control"]
    np.testing.assert_allclose(frame["score_loss"], [0.62, 0.02, 0.1, 0.0, 0.2])
    assert frame["top_px"].tolist() == [0, 0, -12, -1, -3]
    assert (frame[["left_px", "right_px", "bottom_px"]] == 0).all(axis=None)
    areas = [change.area for asked in (corners, EDGE) for change in (asked.suspect, *asked.controls)]
    assert frame["area"].tolist() == areas
    assert check.sentences
    assert set(check.sentences) < set(diagnosis.sentences(2))
    assert not set(check.sentences) & set(diagnosis_of([PERSON, TALL], truth_of([ASIDE, PERSON])).sentences(2))
    nothing = diagnosis.check(1)
    assert (nothing.interventions, nothing.sentences, len(nothing.to_frame())) == ((), [], 0)
    assert list(nothing.to_frame().columns) == list(frame.columns)


def test_without_hiding_there_is_no_check() -> None:
    with pytest.raises(InputError, match="nothing was occluded in this diagnosis: diagnose with intervene=True"):
        one_of_each().check(2)


def test_what_is_said_rests_on_data_that_say_nothing_themselves() -> None:
    assert issubclass(Diagnosis, DiagnosisData)
    lost = verdict_of((2.0, 72.0, 30.0, 110.0), 2)
    diagnosis = diagnosis_of([PERSON], truth_of([PERSON, LOST]), verdicts=[lost])
    data = DiagnosisData(**diagnosis.__dict__)
    assert sentences_of(data, 0) == diagnosis.sentences(1)
