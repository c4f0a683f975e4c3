"""How often detections above a score are right: by hand, and against a slow and obvious count."""

import math

import numpy as np
import pytest

from detcam.audits.average_precision import Case
from detcam.evaluation.precision_by_score import precision_by_score

OBJECT, OTHER, FAR = [0.0, 0.0, 10.0, 10.0], [100.0, 0.0, 120.0, 20.0], [200.0, 200.0, 210.0, 210.0]


def case(true: list[list[float]], found: list[tuple[list[float], float]], crowd: list[bool] | None = None) -> Case:
    return Case(np.array(true).reshape(-1, 4), np.array(crowd or [False] * len(true), bool),
                np.array([box for box, _ in found]).reshape(-1, 4), np.array([score for _, score in found]))


def test_by_hand() -> None:
    cases = [case([OBJECT, OTHER], [(OBJECT, 0.9), (OBJECT, 0.6), (FAR, 0.4)]),  # right, a duplicate, on nothing
             case([OTHER], [(OTHER, 0.5)]), case([], [])]
    low, middle, high, none = precision_by_score(cases, [0.3, 0.5, 0.8, 0.95])
    assert [each.detections for each in (low, middle, high, none)] == [4, 2, 1, 0]  # a score of 0.5 is not above 0.5
    assert [each.precision for each in (low, middle, high)] == [0.5, 0.5, 1.0]
    assert low.recall == pytest.approx(2 / 3)
    assert high.recall == pytest.approx(1 / 3)
    assert low.interval[0] <= low.precision <= low.interval[1]
    assert math.isnan(none.precision)
    assert none.as_json()["precision"] is None
    assert none.as_json()["interval"] == [None, None]
    assert none.recall == 0


def test_what_lies_in_a_crowd_counts_neither_way() -> None:
    (line,) = precision_by_score([case([OBJECT, OTHER], [(OBJECT, 0.9), (OTHER, 0.8)], [True, False])], [0.1])
    assert (line.detections, line.precision, line.recall) == (1, 1.0, 1.0)
