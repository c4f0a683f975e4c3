"""The layers of a detector that are worth looking at: one for each change of the map's size, from shallow to deep."""

from collections import Counter
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from torch import Tensor, nn

from detcam.detectors.layers.edge_layer import outside_shortcuts

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


def stages(model: nn.Module, head: nn.Module | None, neck: nn.Module | None, run: Callable[[], object]
           ) -> list[Stage]:
    """One layer for each change of the map's size below the head, in the order in which they run.

    Of the modules outside of residual blocks that run once and give a ``[B, c, h, w]`` map, neighbours of one size make
    a stage, those of a neck apart from the trunk's. Its layer is the module whose output the head takes as a level,
    otherwise its last module. A level that is no module's own output (SSD300-VGG16's first one, which is scaled) is a
    stage of its own, called ``level.0``.

    Args:
        model: whose layers they are.
        head: the module whose first argument is the list of level maps; None without levels.
        neck: the module that makes fine maps of the trunk's coarse ones, where it is one module of its own.
        run: runs the model once, on a canvas of one photograph.
    """
    ran, levels = _run(model, head, run)
    runs = Counter(each.name for each in ran)
    wholes = [each.name + "." for each in ran if each.whole]
    trunk = [each for each in ran if runs[each.name] == 1 and not each.name.startswith(tuple(wholes))]
    found: list[tuple[Stage, int]] = []
    names = {id(module): name for name, module in model.named_modules()}
    prefix = f"{names[id(neck)]}." if neck is not None else None
    for _, group in groupby(trunk, key=lambda each: (prefix and each.name.startswith(prefix), each.output.shape[-2:])):
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


def _run(model: nn.Module, head: nn.Module | None, run: Callable[[], object]) -> tuple[list[_Ran], list[Tensor]]:
    """What every module below the head gave in one forward pass, in order, and the head's level maps."""
    ran: list[_Ran] = []
    levels: list[Tensor] = []
    inside = set(head.modules()) if head is not None else set()

    def note(name: str) -> Callable[[nn.Module, Any, Any], None]:
        def hook(_: nn.Module, args: Any, output: Any) -> None:
            if isinstance(output, Tensor) and output.ndim == 4:
                given = args[0] if args and isinstance(args[0], Tensor) else None
                ran.append(_Ran(name, output, given is not None and given.shape[-2:] == output.shape[-2:]))

        return hook

    with ExitStack() as stack:
        for name, module in outside_shortcuts(model).items():
            if name and module not in inside:
                stack.callback(module.register_forward_hook(note(name)).remove)
        if head is not None:
            stack.callback(head.register_forward_pre_hook(lambda _, args: levels.extend(args[0])).remove)
        run()
    return ran, levels
