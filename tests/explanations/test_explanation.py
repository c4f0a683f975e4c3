"""One detection of an explanation: by its index from 0, and by the number that figures show, from 1."""

import pytest
from support.synthetic import explanation_of, photograph

from detcam.errors import InputError
from detcam.explanations.explanation import Explanation

BOXES = [[10, 10, 60, 90], [70, 20, 120, 100], [20, 100, 60, 150]]


@pytest.fixture(scope="module")
def explanation() -> Explanation:
    shown: Explanation = explanation_of(photograph(), BOXES)
    return shown


def test_a_number_is_one_more_than_an_index(explanation: Explanation) -> None:
    assert len(explanation) == len(BOXES)
    for i in range(len(BOXES)):
        by_number = explanation.by_number(i + 1)
        assert (by_number.number, by_number.box.tolist()) == (i + 1, explanation[i].box.tolist())


def test_a_part_keeps_its_numbers(explanation: Explanation) -> None:
    part = explanation[1:]
    assert part.by_number(3).box.tolist() == BOXES[2]
    with pytest.raises(InputError, match=r"there is no box 1; the numbers are 2, 3"):
        part.by_number(1)


@pytest.mark.parametrize("number", [0, -1, 4])
def test_there_must_be_such_a_number(explanation: Explanation, number: int) -> None:
    with pytest.raises(InputError, match=rf"there is no box {number}; the numbers are 1, 2, 3"):
        explanation.by_number(number)


def test_nothing_is_explained(explanation: Explanation) -> None:
    with pytest.raises(InputError, match="nothing is explained on this photograph"):
        explanation[:0].by_number(1)
