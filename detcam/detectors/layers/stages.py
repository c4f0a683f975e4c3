"""The layers of a detector that are worth looking at: one for each change of the map's size, from shallow to deep."""

from collections import Counter
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from torch import Tensor, nn

from detcam.detectors.layers.edge_layer import outside_shortcuts

LEVEL = "level."  # and the level's index: what the head takes as one of its levels


@dataclass(frozen=True)
class Stage:
    """A layer worth looking at.

    Attributes:
        name: what ``layer=`` takes.
        level: the index of the head's level that takes its map; None where none does.
    """

    name: str
    level: int | None = None


@dataclass(frozen=True)
class _Run:
    """A module that ran, and its map ``[B, c, h, w]``; ``whole`` where its input is a map of the same size."""

    name: str
    output: Tensor
    whole: bool


def stages(model: nn.Module, head: nn.Module | None, neck: nn.Module | None, run: Callable[[], object]
           ) -> list[Stage]:
    """One layer for each change of the map's size below the head, in the order in which they run.

    Looked at are modules outside of residual blocks that run once and give a ``[B, c, h, w]`` map; what lies inside of
    a module that takes a map and gives one of the same size is left out. Neighbours of one size make a stage, those of
    a neck apart from the backbone's. Its layer is the module whose output the head takes as a level, otherwise its last
    module. A level that is no module's output (SSD300-VGG16's first one, which is scaled) is a stage of its own, called
    ``level.0``.

    Args:
        model: whose layers they are.
        head: the module whose first argument is the list of the levels' maps ``[B, c, h, w]``; None without levels.
        neck: the module that makes fine maps from the backbone's coarse ones, where it is one module; None otherwise.
        run: runs the model once, on a canvas of one photograph.
    """
    ran, levels = _runs(model, head, run)
    times = Counter(one.name for one in ran)
    wholes = tuple(f"{one.name}." for one in ran if one.whole)
    once = [one for one in ran if times[one.name] == 1 and not one.name.startswith(wholes)]
    names = {id(module): name for name, module in model.named_modules()}
    prefix = f"{names[id(neck)]}." if neck is not None else None
    widths: list[tuple[Stage, int]] = []  # each stage with its map's width in cells
    for _, group in groupby(once, key=lambda one: (prefix and one.name.startswith(prefix), one.output.shape[-2:])):
        neighbours = list(group)
        inputs = {level: one for one in neighbours for level, taken in enumerate(levels) if one.output is taken}
        last = neighbours[-1]
        chosen = [(Stage(one.name, level), one) for level, one in inputs.items()] or [(Stage(last.name), last)]
        widths += [(stage, int(one.output.shape[-1])) for stage, one in chosen]
    for level in set(range(len(levels))) - {stage.level for stage, _ in widths}:
        width = int(levels[level].shape[-1])
        same = [i for i, (_, other) in enumerate(widths) if other == width]
        widths.insert(same[0] + 1 if same else len(widths), (Stage(f"{LEVEL}{level}", level), width))
    return [stage for stage, _ in widths]


def _runs(model: nn.Module, head: nn.Module | None, run: Callable[[], object]) -> tuple[list[_Run], list[Tensor]]:
    """The modules below the head that gave a map in one forward pass, in order, and the maps that the head took."""
    ran: list[_Run] = []
    levels: list[Tensor] = []
    inside = set(head.modules()) if head is not None else set()

    def note(name: str) -> Callable[[nn.Module, Any, Any], None]:
        def hook(_: nn.Module, args: Any, output: Any) -> None:
            if isinstance(output, Tensor) and output.ndim == 4:
                taken = args[0] if args and isinstance(args[0], Tensor) else None
                ran.append(_Run(name, output, taken is not None and taken.shape[-2:] == output.shape[-2:]))

        return hook

    with ExitStack() as stack:
        for name, module in outside_shortcuts(model).items():
            if name and module not in inside:
                stack.callback(module.register_forward_hook(note(name)).remove)
        if head is not None:
            stack.callback(head.register_forward_pre_hook(lambda _, args: levels.extend(args[0])).remove)
        run()
    return ran, levels
