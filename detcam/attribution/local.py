"""The head run on small windows around cells: all boxes of a level in one pass, however close together they are.

By the head's structure, what a row says depends on a few cells of its level's map only. A window of as many around the
row's own cell, shifted inwards at the map's border so that the head's padding meets it where it meets the whole map,
gives the row the same outputs and the same gradients as the whole map does.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, fields

import torch
from torch import Tensor, nn

from detcam.attribution.target import Target
from detcam.attribution.windows import structural_window
from detcam.detectors.base import Detector
from detcam.detectors.prediction import Level, Prediction

Key = tuple[int, int]  # row, label
AGREEMENT = 1e-2  # relative; a head whose windows say something else than the whole map does more than its modules say
CLASS, BOX = 0, 1  # the places of a level's modules in `Detector.head_modules`


@dataclass(frozen=True)
class LocalGradient:
    """A gradient at a level's map that is zero outside a window.

    Attributes:
        level: the index of the level.
        values: ``[B, c, h, w]``, the window.
        corner: the window's first cell, y and x.
    """

    level: int
    values: Tensor
    corner: tuple[int, int]

    def on(self, maps: Tensor) -> Tensor:
        """The gradient on the whole map: ``[B, c, H, W]``, as ``maps`` is."""
        full = torch.zeros_like(maps)
        (top, left), (height, width) = self.corner, self.values.shape[-2:]
        full[..., top : top + height, left : left + width] = self.values
        return full


class HeadWindows:
    """One level's head modules on the windows of N rows, all of them in one batch.

    Args:
        modules: the level's class and box module.
        maps: the level's map ``[B, c, H, W]``.
        cells: the rows' cells, y and x.
        side: of a window, in cells.
    """

    def __init__(self, modules: Sequence[nn.Module], maps: Tensor, cells: Sequence[tuple[int, int]], side: int) -> None:
        self._modules, self._batch = modules, len(maps)
        shape = [min(side, int(size)) for size in maps.shape[-2:]]
        self.corners = [
            (_first(y, shape[0], int(maps.shape[-2])), _first(x, shape[1], int(maps.shape[-1]))) for y, x in cells
        ]
        self._own = [(y - top, x - left) for (y, x), (top, left) in zip(cells, self.corners, strict=True)]
        cut = [maps.detach()[..., top : top + shape[0], left : left + shape[1]] for top, left in self.corners]
        self.values = torch.stack(cut).requires_grad_(True)  # [N, B, c, h, w]
        self._outputs: dict[int, Tensor] = {}

    def read(self, which: int, index: int) -> Tensor:
        """What a module says at the cell of one row, ``[B, n]``, on the graph."""
        if which not in self._outputs:
            batch = self.values.flatten(0, 1).contiguous()
            self._outputs[which] = self._modules[which](batch).unflatten(0, (-1, self._batch))
        y, x = self._own[index]
        return self._outputs[which][index, :, :, y, x]


def _first(cell: int, side: int, cells: int) -> int:
    """Where a window around a cell begins, so that it lies within the map."""
    return min(max(cell - side // 2, 0), cells - side)


@dataclass(frozen=True)
class RowPrediction(Prediction):
    """A prediction that reads one row, and no other, from the row's own window."""

    windows: HeadWindows = field(kw_only=True)
    index: int = field(kw_only=True)

    def class_logits(self, row: int) -> Tensor:
        return self._read_own(CLASS, row)

    def box_outputs(self, row: int) -> Tensor:
        return self._read_own(BOX, row)

    def _read_own(self, which: int, row: int) -> Tensor:
        level = self.levels[self.level_of(row)]
        outputs, place = self.windows.read(which, self.index), level.cell(row)[2]
        width = outputs.shape[1] // level.per_cell
        return outputs[:, place * width : (place + 1) * width]


def local_gradients(detector: Detector, prediction: Prediction, inputs: Sequence[Tensor], keys: Sequence[Key],
                    target: Target) -> list[LocalGradient | None]:
    """Each box's gradient at its own level's input to the head; None where the head's structure is not known.

    Args:
        detector: whose head it is.
        prediction: what the head said about the whole maps.
        inputs: the levels' maps ``[B, c, H, W]``.
        keys: row and label of each box.
        target: what is differentiated.
    """
    found: list[LocalGradient | None] = [None] * len(keys)
    levels = [prediction.level_of(row) for row, _ in keys]
    if not target.local:
        return found
    for number in dict.fromkeys(levels):
        members = [index for index, own in enumerate(levels) if own == number]
        side = _side(detector, number)
        if side is None:
            continue
        for index, gradient in zip(members, _of_level(detector, prediction, inputs[number], number, side,
                                                      [keys[index] for index in members], target), strict=True):
            found[index] = gradient
    return found


def _side(detector: Detector, number: int) -> int | None:
    windows = [structural_window(module) for module in detector.head_modules(number)]
    known = [window for window in windows if window is not None]
    return max(known) if len(known) == len(windows) else None


def _of_level(detector: Detector, prediction: Prediction, maps: Tensor, number: int, side: int, keys: Sequence[Key],
              target: Target) -> list[LocalGradient | None]:
    level: Level = prediction.levels[number]
    windows = HeadWindows(detector.head_modules(number), maps, [level.cell(row)[:2] for row, _ in keys], side)
    plain = {each.name: getattr(prediction, each.name) for each in fields(Prediction)}
    values = [
        target.read(RowPrediction(**plain, windows=windows, index=index), *key) for index, key in enumerate(keys)
    ]
    whole = [target.read(prediction, *key) for key in keys]
    here, there = torch.stack(values), torch.stack(whole)
    if not here.requires_grad or not torch.allclose(here, there, rtol=AGREEMENT, atol=AGREEMENT):
        return [None] * len(keys)
    gradients = torch.autograd.grad(here.sum(), windows.values)[0]
    return [LocalGradient(number, values, corner) for values, corner in zip(gradients, windows.corners, strict=True)]
