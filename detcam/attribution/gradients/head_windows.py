"""The head run on small windows around cells: all boxes of a level in one pass, however close together they are.

By the head's structure, what a row says depends on a few cells of its level's map only. A window of as many around the
row's own cell, shifted inwards at the map's border so that the head's padding meets it where it meets the whole map,
gives the row the same outputs and the same gradients as the whole map does.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, fields

import torch
from torch import Tensor, nn

from detcam.attribution.gradients.receptive_window import structural_window
from detcam.attribution.target import Key, Target
from detcam.detectors.base import Detector
from detcam.detectors.prediction import Level, Prediction

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

    def add_to(self, full: Tensor) -> None:
        """Add the gradient to one on the whole map, ``[B, c, H, W]``."""
        (top, left), (height, width) = self.corner, self.values.shape[-2:]
        full[..., top : top + height, left : left + width] += self.values


class HeadWindows:
    """One level's head modules on the windows of N rows, all of them in one batch.

    Args:
        modules: the level's class and box module.
        maps: each row's map of the level, ``[B, c, H, W]``.
        cells: the rows' cells, y and x.
        side: of a window, in cells.
    """

    def __init__(self, modules: Sequence[nn.Module], maps: Sequence[Tensor], cells: Sequence[tuple[int, int]],
                 side: int) -> None:
        self._modules, self._batch = modules, len(maps[0])
        height, width = (int(size) for size in maps[0].shape[-2:])
        h, w = min(side, height), min(side, width)
        self.corners = [(_first(y, h, height), _first(x, w, width)) for y, x in cells]
        self._own = [(y - top, x - left) for (y, x), (top, left) in zip(cells, self.corners, strict=True)]
        cut = [each.detach()[..., top : top + h, left : left + w]
               for each, (top, left) in zip(maps, self.corners, strict=True)]
        self.values = torch.stack(cut).requires_grad_(True)  # [N, B, c, h, w]
        self._outputs: dict[int, Tensor] = {}

    def read(self, which: int, index: int) -> Tensor:
        """What a module says at the cell of one row, ``[B, n]``, on the graph."""
        if which not in self._outputs:
            outputs = self._modules[which](self.values.flatten(0, 1).contiguous()).unflatten(0, (-1, self._batch))
            y, x = torch.tensor(self._own, device=outputs.device).unbind(1)
            rows = torch.arange(len(outputs), device=outputs.device)
            self._outputs[which] = outputs[rows, :, :, y, x]  # [N, B, n], picked at once: each pick would cost a copy
        return self._outputs[which][index]


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
                    target: Target, images: Sequence[slice]) -> list[LocalGradient | None]:
    """Each box's gradient at its own level's input to the head; None where the head's structure is not known.

    Args:
        detector: whose head it is.
        prediction: what the head said about the whole maps.
        inputs: the levels' maps ``[B, c, H, W]``.
        keys: row and label of each box.
        target: what is differentiated.
        images: the images of the batch that each box is asked about, as many for every box.
    """
    found: list[LocalGradient | None] = [None] * len(keys)
    levels = [prediction.level_of(row) for row, _ in keys]
    for number in dict.fromkeys(levels if target.local else ()):
        members = [index for index, own in enumerate(levels) if own == number]
        side = _side(detector, number)
        if side is None:
            continue
        level: Level = prediction.levels[number]
        maps = [inputs[number][images[index]] for index in members]
        cells = [level.cell(keys[index][0])[:2] for index in members]
        windows = HeadWindows(detector.head_modules(number), maps, cells, side)
        gradients = _in_windows(prediction, windows, target, [(keys[index], images[index]) for index in members])
        for index, values, corner in zip(members, gradients, windows.corners, strict=False):
            found[index] = LocalGradient(number, values, corner)
    return found


def _side(detector: Detector, number: int) -> int | None:
    windows = [structural_window(module) for module in detector.head_modules(number)]
    known = [window for window in windows if window is not None]
    return max(known) if known and len(known) == len(windows) else None


def _in_windows(prediction: Prediction, windows: HeadWindows, target: Target, asked: Sequence[tuple[Key, slice]]
                ) -> Sequence[Tensor]:
    """The gradient of each row in its window; none at all where the windows say something else than the whole maps."""
    plain = {each.name: getattr(prediction, each.name) for each in fields(Prediction)}
    rows = [RowPrediction(**plain, windows=windows, index=index) for index in range(len(asked))]
    here = torch.stack([target.read(row, *key) for row, (key, _) in zip(rows, asked, strict=True)])
    there = torch.stack([target.read(prediction, *key)[images] for key, images in asked])
    if not here.requires_grad or not torch.allclose(here, there, rtol=AGREEMENT, atol=AGREEMENT):
        return ()
    return torch.autograd.grad(here.sum(), windows.values)[0].unbind()
