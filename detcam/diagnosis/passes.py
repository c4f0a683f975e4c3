"""How many forward and backward passes something takes, and how long."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from time import perf_counter
from typing import Any

from torch import Tensor

from detcam.detectors.base import Detector


@dataclass
class Passes:
    """What was counted; a pass of a batch counts once for each canvas of it.

    Attributes:
        forwards: canvases that went through the head.
        backwards: canvases that a gradient of a class score went back through, as deep as it had to go.
        seconds: from the block's beginning to its end.
    """

    forwards: int = 0
    backwards: int = 0
    seconds: float = 0.0


@contextmanager
def counted(detector: Detector) -> Iterator[Passes]:
    """Count a detector's passes in the block, by hooks on the modules that give the class scores of each level."""
    passes = Passes()

    def backward(gradient: Tensor) -> None:
        passes.backwards += len(gradient)

    def forward(level: int) -> Any:
        def hook(_: Any, __: Any, output: Tensor) -> None:
            passes.forwards += len(output) if level == 0 else 0
            if output.requires_grad:
                output.register_hook(backward)

        return hook

    with ExitStack() as stack:
        for level in range(detector.n_levels):
            stack.callback(detector.head_modules(level)[0].register_forward_hook(forward(level)).remove)
        start = perf_counter()
        yield passes
        passes.seconds = perf_counter() - start
