"""What pixel methods ask: the gradients of a photograph's boxes at the pixels of its copies."""

from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import nullcontext

import torch
from torch import Tensor

from detcam.attribution.gradients.guided import guided_activations
from detcam.attribution.gradients.tape import PIXELS, Tape
from detcam.attribution.task import Task
from detcam.detectors.canvas import Canvas

Attributions = Callable[[Tensor], Iterator[Tensor]]
"""Copies of a canvas ``[S, 3, h, w]`` to an attribution of each, one box after the other, ``[S, ...]`` each."""


class PixelGradients:
    """The gradients of N boxes' targets, for pixel methods to call.

    Attributes:
        task: the boxes, and what is asked about them.
    """

    def __init__(self, task: Task) -> None:
        self.task = task
        self._asked: Generator[Tensor, None, None] | None = None

    @property
    def canvas(self) -> Canvas:
        """The photograph as it is."""
        return self.task.canvas

    def __len__(self) -> int:
        return len(self.task.detections)

    def __call__(self, pixels: Tensor, boxes: Sequence[int] | None = None, guided: bool = False) -> Iterator[Tensor]:
        """One box after the other: ``d target / d pixel`` on every copy, ``[S, 3, h, w]``, from one forward pass.

        A question ends the one before it: its iterator gives no more.

        Args:
            pixels: copies ``[S, 3, h, w]`` of the canvas; every box's own row is read on each.
            boxes: the indices of those that are asked about; None for all.
            guided: let positive gradients alone through the activations, as Guided Backpropagation does.
        """
        self.close()
        self._asked = self._each(pixels, range(len(self)) if boxes is None else boxes, guided)
        return self._asked

    def close(self) -> None:
        """Give the model back as it was found, where an iterator was left before its end."""
        if self._asked is not None:
            self._asked.close()
            self._asked = None

    def _each(self, pixels: Tensor, boxes: Sequence[int], guided: bool) -> Generator[Tensor, None, None]:
        keys = [self.task.keys[box] for box in boxes]
        with guided_activations() if guided else nullcontext(), Tape(self.task.detector, pixels, [PIXELS]) as tape:
            for gradient in tape.gradients(PIXELS, keys, self.task.target):
                yield torch.zeros_like(pixels) if gradient is None else gradient
