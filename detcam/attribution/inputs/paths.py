"""The integral of gradients along a path of photographs, which ends at the photograph itself."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from warnings import warn

import torch
from torch import Tensor

from detcam.attribution.chunks import in_chunks
from detcam.attribution.gradients.pixel_gradients import PixelGradients
from detcam.attribution.runners.scored import Scores
from detcam.errors import MethodError

CHUNK = 4  # points of the path in one forward pass: what bounds the memory
PARTS = 4  # that a step is cut into where it is too long
ROUNDS = 5  # of such cuts at most: the smallest step is 1024 times shorter than the first ones
TOLERANCE = 0.01  # of what a target gains on the path, by which its attribution may miss it
SHARE = 0.2  # of that, by which a single step may miss; some miss upwards and some downwards
MOST = 2000  # gradients on a path; a path that needs more is left as it is, with a warning
FLOOR = 0.1  # of a target's range on the path, which stands for a gain that is smaller


class _Walk:
    """A path, and what the targets of N boxes are at the ends of its steps."""

    def __init__(self, gradients: PixelGradients, path: Callable[[float], Tensor]) -> None:
        self._gradients, self._path = gradients, path
        self._scores = Scores(gradients.task)
        self._known: dict[float, Tensor] = {}

    def look(self, ends: Tensor) -> Tensor:
        """Read the targets at some points of the path, ``[N, S]``."""
        found = torch.cat(list(in_chunks(self._values, ends, CHUNK)), 1)
        self._known.update(zip(ends.tolist(), found.T, strict=True))
        return found

    def _values(self, ends: Tensor) -> Tensor:
        return self._scores(torch.cat([self._path(end) for end in ends.tolist()])).cpu().double()

    def take(self, steps: Tensor) -> tuple[Tensor, Tensor, list[Tensor]]:
        """Steps ``[k, 2]`` from end to end, what the targets gain on them ``[N, k]``, and what gradients say of that,
        ``[k, 3, h, w]`` a box."""
        points = {end: self._path(end) for end in steps.unique().tolist()}
        first, last = (torch.cat([points[end] for end in own]) for own in steps.T.tolist())
        gained = torch.stack([self._known[stop] - self._known[start] for start, stop in steps.tolist()], 1)
        return steps, gained, [each * (last - first) for each in self._gradients((first + last) / 2)]


class _Ledger:
    """What has been attributed to each of N boxes, and which steps have to be cut."""

    def __init__(self, allowed: Tensor) -> None:
        self._allowed = allowed  # [N], by which a step may miss the target's own change
        self.missed = torch.zeros_like(allowed)
        self.totals: list[Tensor] = []
        self._rest: list[list[float]] = []

    def add(self, steps: Tensor, gained: Tensor, attributed: Sequence[Tensor], last: bool) -> None:
        """Take in steps as :meth:`_Walk.take` gives them; the ``last`` ones however far they miss."""
        error = torch.stack([each.sum((1, 2, 3)) for each in attributed]).cpu().double() - gained
        fine = (error.abs() <= self._allowed[:, None]).all(0) | last | ~error.isfinite().all(0)
        self.missed += error[:, fine].sum(1)
        self._rest += steps[~fine].tolist()
        kept = [each[fine.to(each.device)].sum(0, keepdim=True) for each in attributed]
        self.totals = added([self.totals, kept] if self.totals else [kept])

    def cut(self) -> list[Tensor]:
        """The ends of the parts that the steps left over are cut into, ``[PARTS + 1]`` each."""
        rest, self._rest = self._rest, []
        return [torch.linspace(start, stop, PARTS + 1, dtype=torch.float64) for start, stop in rest]


def along(gradients: PixelGradients, path: Callable[[float], Tensor], steps: int, tolerance: float = TOLERANCE
          ) -> list[Tensor]:
    """``sum_i d target / d pixel * (x_i+1 - x_i)``, each gradient halfway between the two: ``[1, 3, h, w]`` a box.

    That is the middle Riemann sum along the polygon through the path's points. Over all pixels it adds up to what the
    target gains from the path's first point to its last. Detectors gain most of it on a short part of the path, where
    even steps would miss by more than the whole gain: steps over which a box's attribution misses the change of its
    target are cut into four, and again, until the sums agree.

    Args:
        gradients: of the boxes, which share the path and its passes.
        path: from 0 (the baseline) to 1 (the photograph) to ``[1, 3, h, w]``.
        steps: how many, evenly, before any is cut.
        tolerance: by which share of a box's gain its attribution may miss it. A large one cuts no step.

    Raises:
        MethodError: there are no steps, or the tolerance is not positive.

    Warns:
        RuntimeWarning: the sums do not agree, however short the steps.
    """
    if steps < 1 or tolerance <= 0:
        raise MethodError(f"steps {steps}, tolerance {tolerance}: expected at least 1 step, and more than 0")
    walk, parts, spent = _Walk(gradients, path), [torch.linspace(0, 1, steps + 1, dtype=torch.float64)], 0
    targets = walk.look(parts[0])
    gain = (targets[:, -1] - targets[:, 0]).abs().maximum(FLOOR * (targets.amax(1) - targets.amin(1)))
    ledger = _Ledger(SHARE * tolerance * gain)
    for number in range(ROUNDS + 1):
        todo = torch.cat([torch.stack([ends[:-1], ends[1:]], 1) for ends in parts])
        spent += len(todo)
        last = number == ROUNDS or spent + PARTS * len(todo) > max(MOST, PARTS * steps)
        for taken in in_chunks(walk.take, todo, CHUNK):
            ledger.add(*taken, last=last)
        parts = ledger.cut()
        if not parts:
            break
        walk.look(torch.cat([ends[1:-1] for ends in parts]))
    share = float((ledger.missed.abs() / gain).nan_to_num().max())
    if share > tolerance:
        warn(f"attributions miss what the targets gain on the path by up to {share:.1%} of it: take more than {steps} "
             "steps", RuntimeWarning, stacklevel=2)
    return ledger.totals


def added(lists: Iterable[Sequence[Tensor]]) -> list[Tensor]:
    """The sums of the lists' first tensors, of their second ones, and so on."""
    totals: list[Tensor] = []
    for each in lists:
        totals = [total + own for total, own in zip(totals, each, strict=True)] if totals else list(each)
    return totals


def copy_by_copy(attributions: Callable[[Tensor], Sequence[Tensor]], pixels: Tensor) -> Iterator[Tensor]:
    """Attributions ``[S, ...]`` a box of copies ``[S, 3, h, w]`` that have to be explained one at a time.

    Args:
        attributions: ``[1, 3, h, w]`` to ``[1, ...]`` a box.
        pixels: the copies.
    """
    return (torch.cat(own) for own in zip(*(attributions(copy) for copy in pixels.split(1)), strict=True))
