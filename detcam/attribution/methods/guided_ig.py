"""Guided Integrated Gradients (Kapishnikov et al. 2021, section 4 and algorithm 1)."""

from collections.abc import Iterator

import torch
from torch import Generator, Tensor

from detcam.attribution.gradients.pixel_gradients import PixelGradients
from detcam.attribution.inputs.baselines import baseline_of
from detcam.attribution.inputs.paths import copy_by_copy
from detcam.attribution.progress import report
from detcam.errors import MethodError

STEPS = 200  # this, and the next two: the authors' code
FRACTION = 0.25
DISTANCE = 0.02
CLOSE = 1e-9  # relative; a path that is so near to where a step should end has arrived


def guided_ig(gradients: PixelGradients, pixels: Tensor, generator: Generator, steps: int = STEPS,
              fraction: float = FRACTION, distance: float = DISTANCE, baseline: str = "black") -> Iterator[Tensor]:
    """Integrated gradients along a path that moves pixels with small gradients first, ``[S, 3, h, w]`` a box.

    The map is the signed sum over the colours. With steps short enough it adds up, over all pixels, to
    ``target(x) - target(baseline)``; with the authors' 200 it does not on a detector, which gains most of it on a few
    of them (on the detector that ships a person's map missed the gain by 1.9 times the gain).

    Every box has a path of its own, so boxes share no forward pass. The path is the authors' code's: instead of the
    paper's anchor points, no value may be further from the straight line than ``distance``.

    Args:
        gradients: of the boxes.
        pixels: ``[S, 3, h, w]`` RGB in 0..1, each with paths of its own.
        generator: not used.
        steps: gradients on a path.
        fraction: of the values that move at a time.
        distance: how far a value may be ahead or behind, as a share of the path; 0 is Integrated Gradients.
        baseline: where paths begin, one of :data:`detcam.attribution.inputs.baselines.STARTS`.

    Raises:
        MethodError: a setting is out of range, or there is no such baseline.
    """
    if steps < 1 or not 0 < fraction <= 1 or not 0 <= distance <= 1:
        raise MethodError(f"steps {steps}, fraction {fraction}, distance {distance}: expected at least 1 step, and 0 < "
                          "fraction <= 1 and 0 <= distance <= 1")
    start = baseline_of(gradients.canvas, baseline)

    def guided(copy: Tensor) -> list[Tensor]:
        found = []
        for box in range(len(gradients)):
            path = _Path(start, copy)
            for step in range(steps):
                gradient = next(gradients(path.here.to(copy), [box]))
                path.advance(gradient.to(path.here), (step + 1) / steps, fraction, distance)
                report(box * steps + step + 1, len(gradients) * steps)
            found.append(path.attribution.to(copy))
        return found

    return copy_by_copy(guided, pixels)


class _Path:
    """Where a path from ``start`` to ``end`` has got to, and what has been attributed on the way, in float64."""

    def __init__(self, start: Tensor, end: Tensor) -> None:
        device = "cpu" if end.device.type == "mps" else end.device  # mps knows no float64
        self.start, self.end = (each.to(device, torch.float64) for each in (start, end))
        self.here = self.start.clone()
        self.attribution = torch.zeros_like(self.here)
        self._length = self._left()

    def _left(self) -> float:
        return float((self.end - self.here).abs().sum())

    def _at(self, share: float) -> Tensor:
        return self.start + share * (self.end - self.start)

    def advance(self, gradient: Tensor, share: float, fraction: float, distance: float) -> None:
        """Move so many values on, those with the smallest gradients first, that ``1 - share`` of the way is left.

        Args:
            gradient: ``[1, 3, h, w]`` where the path is.
            share: of the whole way, in the sum of all values' absolute changes.
            fraction: of the values that move at a time.
            distance: how far a value may be ahead or behind the straight line.
        """
        low, high = max(share - distance, 0.0), min(share + distance, 1.0)
        least, most, goal = self._at(low), self._at(high), self._length * (1 - share)
        way = self.end - self.start
        before, magnitude = self.here, gradient.abs()
        self.here = torch.where((self.here - self.start) * way.sign() < low * way.abs(), least, self.here)
        while self._left() - goal > CLOSE * max(1.0, self._length):
            rank = magnitude.masked_fill(self.here == most, torch.inf)
            bound = rank.flatten().kthvalue(int(fraction * (rank.numel() - 1)) + 1).values
            moving = (rank <= bound) & rank.isfinite()  # all that can still move, where they are fewer than that
            possible = float(((most - self.here).abs() * moving).sum())
            if possible == 0:
                break
            part = min(1.0, (self._left() - goal) / possible)
            target = most if part == 1.0 else self.here + part * (most - self.here)
            self.here = torch.where(moving, target, self.here)
        self.attribution += (self.here - before) * gradient
