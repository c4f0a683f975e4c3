"""The layers of a detector that are worth looking at: one for each change of the map's size, from shallow to deep."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from itertools import groupby
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from detcam.detectors.trunk import outside_shortcuts

if TYPE_CHECKING:
    from detcam.detectors.base import Detector

LEVEL = "level."  # and a number: what the head takes as one of its levels


@dataclass(frozen=True)
class Stage:
    """A layer worth looking at.

    Attributes:
        name: what ``layer=`` takes.
        level: the head's level that its map is the input of; None for the others.
    """

    name: str
    level: int | None = None


@dataclass(frozen=True)
class _Ran:
    name: str
    output: Tensor
    whole: bool  # its input is a map of the same size: what happens inside is its own business


def stages(detector: Detector, pixels: Tensor) -> list[Stage]:
    """One layer for each change of the map's size below the head, in the order in which they run.

    Of the modules outside of residual blocks that run once and give a ``[B, c, h, w]`` map, neighbours of one size make
    a stage, those of a neck apart from the trunk's. Its layer is the module whose output the head takes as a level,
    otherwise its last module. A level that is no module's own output (SSD300-VGG16's first one, which is scaled) is a
    stage of its own, called ``level.0``.

    Args:
        detector: whose layers they are.
        pixels: ``[1, 3, h, w]``, a canvas to run it on.
    """
    ran, levels = _run(detector, pixels)
    runs = Counter(each.name for each in ran)
    wholes = [each.name + "." for each in ran if each.whole]
    trunk = [each for each in ran if runs[each.name] == 1 and not each.name.startswith(tuple(wholes))]
    found: list[tuple[Stage, int]] = []
    names = {id(module): name for name, module in detector.model.named_modules()}
    neck = f"{names[id(detector.neck)]}." if detector.neck is not None else None
    for _, group in groupby(trunk, key=lambda each: (neck and each.name.startswith(neck), each.output.shape[-2:])):
        members = list(group)
        inputs = {level: each for each in members for level, own in enumerate(levels) if each.output is own}
        chosen = [(Stage(each.name, level), each) for level, each in inputs.items()] or [(Stage(members[-1].name),
                                                                                          members[-1])]
        found += [(stage, int(each.output.shape[-1])) for stage, each in chosen]
    for level in set(range(len(levels))) - {stage.level for stage, _ in found}:
        width = int(levels[level].shape[-1])
        after = [place for place, (_, own) in enumerate(found) if own == width]
        found.insert(after[0] + 1 if after else len(found), (Stage(f"{LEVEL}{level}", level), width))
    return [stage for stage, _ in found]


def _run(detector: Detector, pixels: Tensor) -> tuple[list[_Ran], list[Tensor]]:
    """What every module below the head gave in one forward pass, in order, and the head's level maps."""
    ran: list[_Ran] = []
    levels: list[Tensor] = []
    inside = set(detector.head.modules()) if detector.head is not None else set()

    def note(name: str) -> Callable[[nn.Module, Any, Any], None]:
        def hook(_: nn.Module, args: Any, output: Any) -> None:
            if isinstance(output, Tensor) and output.ndim == 4:
                given = args[0] if args and isinstance(args[0], Tensor) else None
                ran.append(_Ran(name, output, given is not None and given.shape[-2:] == output.shape[-2:]))

        return hook

    with ExitStack() as stack:
        for name, module in outside_shortcuts(detector.model).items():
            if name and module not in inside:
                stack.callback(module.register_forward_hook(note(name)).remove)
        if detector.head is not None:
            stack.callback(detector.head.register_forward_pre_hook(lambda _, args: levels.extend(args[0])).remove)
        stack.enter_context(detector.borrowed())
        stack.enter_context(torch.no_grad())
        detector.forward(pixels)
    return ran, levels
