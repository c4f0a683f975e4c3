"""The integral of gradients along a path from a baseline to the photograph."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from warnings import warn

import torch
from torch import Tensor

from detcam.attribution.chunks import in_chunks
from detcam.attribution.gradients.pixel_gradients import PixelGradients
from detcam.attribution.runners.scored import Scores
from detcam.errors import MethodError

CHUNK = 4  # points of the path in one forward pass: this limits the memory
PARTS = 4  # a step that is too long is divided into so many
ROUNDS = 5  # divisions at most: the smallest step is 1024 times shorter than the first ones
TOLERANCE = 0.01  # allowed error of an attribution, as a share of the target's change on the path
SHARE = 0.2  # of that, the allowed error of a single step; errors of both signs partly cancel out
MOST = 2000  # gradients on a path; a path that needs more stays as it is, with a warning
FLOOR = 0.1  # of a target's range on the path: the least change that errors are compared with


class _Walk:
    """A path, and the targets of N boxes at the ends of its steps."""

    def __init__(self, gradients: PixelGradients, path: Callable[[float], Tensor]) -> None:
        self._gradients, self._path = gradients, path
        self._scores = Scores(gradients.task)
        self._known: dict[float, Tensor] = {}

    def read(self, ends: Tensor) -> Tensor:
        """Read the targets at points ``[S]`` of the path, ``[N, S]``."""
        targets = torch.cat(list(in_chunks(self._values, ends, CHUNK)), 1)
        self._known.update(zip(ends.tolist(), targets.T, strict=True))
        return targets

    def _values(self, ends: Tensor) -> Tensor:
        return self._scores(torch.cat([self._path(end) for end in ends.tolist()])).cpu().double()

    def take(self, steps: Tensor) -> tuple[Tensor, Tensor, list[Tensor]]:
        """Steps ``[k, 2]`` (start, end), the targets' changes on them ``[N, k]``, and their attributions by gradients,
        ``[k, 3, h, w]`` for each box."""
        points = {end: self._path(end) for end in steps.unique().tolist()}
        first, last = (torch.cat([points[end] for end in ends]) for ends in steps.T.tolist())
        change = torch.stack([self._known[stop] - self._known[start] for start, stop in steps.tolist()], 1)
        return steps, change, [gradient * (last - first) for gradient in self._gradients((first + last) / 2)]


class _Ledger:
    """The attributions of N boxes so far, their errors, and the steps that have to be divided."""

    def __init__(self, allowed: Tensor) -> None:
        self._allowed = allowed  # [N], the allowed error of a step
        self.error = torch.zeros_like(allowed)
        self.totals: list[Tensor] = []
        self._rest: list[list[float]] = []

    def add(self, steps: Tensor, change: Tensor, attributions: Sequence[Tensor], last: bool) -> None:
        """Add steps as :meth:`_Walk.take` returns them; in the ``last`` round whatever their errors are."""
        error = torch.stack([attribution.sum((1, 2, 3)) for attribution in attributions]).cpu().double() - change
        fine = (error.abs() <= self._allowed[:, None]).all(0) | last | ~error.isfinite().all(0)
        self.error += error[:, fine].sum(1)
        self._rest += steps[~fine].tolist()
        kept = [attribution[fine.to(attribution.device)].sum(0, keepdim=True) for attribution in attributions]
        self.totals = added([self.totals, kept] if self.totals else [kept])

    def divided(self) -> list[Tensor]:
        """The steps that are left, divided into parts: the ends of these, ``[PARTS + 1]`` for each step."""
        rest, self._rest = self._rest, []
        return [torch.linspace(start, stop, PARTS + 1, dtype=torch.float64) for start, stop in rest]


def along(gradients: PixelGradients, path: Callable[[float], Tensor], steps: int, tolerance: float = TOLERANCE
          ) -> list[Tensor]:
    """``sum_i d target / d pixel * (x_i+1 - x_i)``, each gradient taken halfway between the two points.

    That is the middle Riemann sum along the polygon through the path's points. Over all pixels it adds up to the change
    of the target from the path's start to its end. A detector's score changes most on a short part of the path, where
    even steps would err by more than the whole change. Steps on which a box's attributions differ from the change of
    its target are therefore divided into four, repeatedly, until they agree.

    Args:
        gradients: of the boxes, which share the path and its passes.
        path: a number from 0 (the baseline) to 1 (the photograph) to canvas pixels ``[1, 3, h, w]``.
        steps: the number of even steps, before any is divided.
        tolerance: how far a box's attributions may differ from the change of its target, as a share of that change. A
            large one divides no step.

    Returns:
        ``[1, 3, h, w]`` canvas pixels for each box.

    Raises:
        MethodError: there are no steps, or the tolerance is not positive.

    Warns:
        RuntimeWarning: the attributions still differ by more after the last division.
    """
    if steps < 1 or tolerance <= 0:
        raise MethodError(f"steps {steps}, tolerance {tolerance}: expected at least 1 step, and more than 0")
    walk, parts, spent = _Walk(gradients, path), [torch.linspace(0, 1, steps + 1, dtype=torch.float64)], 0
    targets = walk.read(parts[0])
    change = (targets[:, -1] - targets[:, 0]).abs().maximum(FLOOR * (targets.amax(1) - targets.amin(1)))
    ledger = _Ledger(SHARE * tolerance * change)
    for round_ in range(ROUNDS + 1):
        todo = torch.cat([torch.stack([ends[:-1], ends[1:]], 1) for ends in parts])
        spent += len(todo)
        last = round_ == ROUNDS or spent + PARTS * len(todo) > max(MOST, PARTS * steps)
        for taken in in_chunks(walk.take, todo, CHUNK):
            ledger.add(*taken, last=last)
        parts = ledger.divided()
        if not parts:
            break
        walk.read(torch.cat([ends[1:-1] for ends in parts]))
    share = float((ledger.error.abs() / change).nan_to_num().max())
    if share > tolerance:
        warn(f"attributions differ from the change of the target by up to {share:.1%} of it: take more than {steps} "
             "steps", RuntimeWarning, stacklevel=2)
    return ledger.totals


def added(lists: Iterable[Sequence[Tensor]]) -> list[Tensor]:
    """The sum of the lists' first tensors, of their second ones, and so on: one list as long as each of them."""
    totals: list[Tensor] = []
    for tensors in lists:
        totals = [total + one for total, one in zip(totals, tensors, strict=True)] if totals else list(tensors)
    return totals


def copy_by_copy(attributions: Callable[[Tensor], Sequence[Tensor]], pixels: Tensor) -> Iterator[Tensor]:
    """The attributions of copies that have to be explained one at a time.

    Args:
        attributions: one copy ``[1, 3, h, w]`` to ``[1, ...]`` for each box.
        pixels: the copies, ``[S, 3, h, w]``.

    Returns:
        ``[S, ...]`` for each box, one after the other.
    """
    return (torch.cat(of_box) for of_box in zip(*(attributions(copy) for copy in pixels.split(1)), strict=True))
