"""Counting forward and backward passes, and measuring time."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from time import perf_counter
from typing import Any

import torch

from detcam.detectors.base import Detector


@dataclass
class Passes:
    """The passes in a block, complete when the block ends.

    Attributes:
        forwards: canvases that passed through the whole network; a batch counts once for each canvas.
        backwards: backward passes of any depth, from a head alone to the pixels.
        seconds: the duration of the block.
    """

    forwards: int = 0
    backwards: int = 0
    seconds: float = 0.0


@contextmanager
def count_passes(detector: Detector) -> Iterator[Passes]:
    """Count a detector's passes in a ``with`` block, at its head (or its model) and at ``torch.autograd.grad``."""
    passes = Passes()
    differentiate = torch.autograd.grad

    def grad(*args: Any, **options: Any) -> Any:
        passes.backwards += 1
        return differentiate(*args, **options)

    def forward(_: Any, args: tuple[Any, ...]) -> None:
        passes.forwards += len(args[0] if detector.head is None else args[0][0])

    with ExitStack() as stack:
        counter = detector.model if detector.head is None else detector.head
        stack.callback(counter.register_forward_pre_hook(forward).remove)
        stack.callback(setattr, torch.autograd, "grad", differentiate)
        setattr(torch.autograd, "grad", grad)  # noqa: B010
        start = perf_counter()
        yield passes
        passes.seconds = perf_counter() - start
