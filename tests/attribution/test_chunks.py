"""Long batches in pieces: every row once and in order, smaller pieces where memory is short, and progress."""

import warnings

import pytest
import torch
from torch import Tensor

from detcam.attribution.chunks import in_chunks
from detcam.attribution.progress import progress_listener


class SmallMachine:
    """Doubles its rows, and holds at most ``room`` of them."""

    def __init__(self, room: int) -> None:
        self.room = room
        self.sizes: list[int] = []

    def __call__(self, rows: Tensor) -> Tensor:
        self.sizes.append(len(rows))
        if len(rows) > self.room:
            raise torch.cuda.OutOfMemoryError("CUDA out of memory")
        return 2 * rows


@pytest.mark.parametrize("size", [1, 3, 4, 10, 50])
def test_every_row_once_and_in_order(size: int) -> None:
    machine = SmallMachine(100)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert torch.equal(torch.cat(list(in_chunks(machine, torch.arange(10), size))), 2 * torch.arange(10))
    assert max(machine.sizes) == min(size, 10)


def test_a_piece_that_does_not_fit_is_halved_and_said() -> None:
    machine = SmallMachine(3)
    with pytest.warns(RuntimeWarning, match=r"8 canvases .* going on with 4") as said:
        found = torch.cat(list(in_chunks(machine, torch.arange(11), 8)))
    assert torch.equal(found, 2 * torch.arange(11))
    assert machine.sizes == [8, 4, 2, 2, 2, 2, 2, 1]  # and stays small
    assert len(said) == 2


def test_a_row_that_does_not_fit_is_an_error() -> None:
    with pytest.warns(RuntimeWarning, match="going on with 1"), pytest.raises(torch.cuda.OutOfMemoryError):
        list(in_chunks(SmallMachine(0), torch.arange(2), 2))


def test_progress_is_heard_inside_the_block_alone() -> None:
    report_interrupt: list[tuple[int, int]] = []
    with progress_listener(lambda done, total: report_interrupt.append((done, total))):
        list(in_chunks(SmallMachine(9), torch.arange(7), 3))
    list(in_chunks(SmallMachine(9), torch.arange(7), 3))
    assert report_interrupt == [(3, 7), (6, 7), (7, 7)]
