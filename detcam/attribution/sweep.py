"""One box at many layers, from shallow to deep: which layers there are, and the box's map at each of them."""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from itertools import groupby
from typing import Any

import torch
from torch import Tensor, nn

from detcam.attribution.attribute import keys_of, layer_map, layers_of
from detcam.attribution.heatmap import Heatmap
from detcam.attribution.methods import Method
from detcam.attribution.methods.table import PIXEL
from detcam.attribution.tape import LEVEL, Tape
from detcam.attribution.target import Target, settled
from detcam.detectors.base import Canvas, Detector
from detcam.detectors.detections import Detections
from detcam.errors import MethodError


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
class Sweep:
    """One method's maps of every detection at many layers.

    Attributes:
        method: the method's name.
        channels: how many channels each layer has; layers stand in the order in which the network runs them.
        levels: of which level of the head a layer's map is the input.
        heatmaps: for each detection its map at each of those layers; empty for detections that were not asked for.
    """

    method: str
    channels: dict[str, int]
    levels: dict[str, int]
    heatmaps: tuple[dict[str, Heatmap], ...]

    def __getitem__(self, index: Sequence[int]) -> "Sweep":
        """The maps of some of the detections."""
        return Sweep(self.method, self.channels, self.levels, tuple(self.heatmaps[i] for i in index))


@dataclass(frozen=True)
class _Ran:
    name: str
    output: Tensor
    whole: bool  # its input is a map of the same size: what happens inside is its own business


def stages(detector: Detector, canvas: Canvas) -> list[Stage]:
    """One layer for each change of the map's size below the head, in the order in which they run.

    Of the modules that run once and give a ``[B, c, h, w]`` map, neighbours of one size make a stage. Its layer is the
    module whose output the head takes as a level, otherwise its last module. A level that is no module's own output
    (SSD300-VGG16's first one, which is scaled) is a stage of its own, called ``level.0``.
    """
    ran, levels = _run(detector, canvas)
    runs = Counter(each.name for each in ran)
    wholes = [each.name + "." for each in ran if each.whole]
    trunk = [each for each in ran if runs[each.name] == 1 and not each.name.startswith(tuple(wholes))]
    found: list[tuple[Stage, int]] = []
    for _, group in groupby(trunk, key=lambda each: tuple(each.output.shape[-2:])):
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


def _run(detector: Detector, canvas: Canvas) -> tuple[list[_Ran], list[Tensor]]:
    """What every module below the head gave in one forward pass, in order, and the head's level maps."""
    ran: list[_Ran] = []
    levels: list[Tensor] = []
    inside = set(detector.head.modules())

    def note(name: str) -> Callable[[nn.Module, Any, Any], None]:
        def hook(_: nn.Module, args: Any, output: Any) -> None:
            if isinstance(output, Tensor) and output.ndim == 4:
                given = args[0] if args and isinstance(args[0], Tensor) else None
                ran.append(_Ran(name, output, given is not None and given.shape[-2:] == output.shape[-2:]))

        return hook

    with ExitStack() as stack:
        for name, module in detector.model.named_modules():
            if name and module not in inside:
                stack.callback(module.register_forward_hook(note(name)).remove)
        stack.callback(detector.head.register_forward_pre_hook(lambda _, args: levels.extend(args[0])).remove)
        stack.enter_context(detector.borrowed())
        stack.enter_context(torch.no_grad())
        detector.forward(canvas.pixels)
    return ran, levels


def sweep_of(detector: Detector, canvas: Canvas, detections: Detections, method: Method, target: Target,
             layers: Sequence[str] | None = None, only: Sequence[int] | None = None) -> Sweep:
    """A method's maps of each detection at many layers, from one forward pass and one backward pass a detection.

    Args:
        detector: what is explained.
        canvas: one photograph.
        detections: its boxes.
        method: a layer method.
        target: what is explained about each box.
        layers: their names, from shallow to deep; None takes :func:`stages`, which costs one more forward pass.
        only: the indices of the detections that are wanted; None for all.

    Raises:
        LayerError: an unknown layer, or one that gives no map.
        MethodError: the method explains pixels and knows no layers.
    """
    if method.kind == PIXEL:
        raise MethodError(f"method {method.name!r} explains pixels, and a sweep needs a method that explains layers, "
                          "such as 'hirescam'")
    if layers is None:
        chosen = stages(detector, canvas)
    else:
        chosen = [Stage(name, int(name.removeprefix(LEVEL)) if name.startswith(LEVEL) else None)
                  for name in layers_of(detector, layers, 0)]
    names = [stage.name for stage in chosen]
    keys, wanted = keys_of(detections), set(range(len(detections)) if only is None else only)
    target = settled(target, detector, canvas, keys) if wanted else target
    heatmaps: list[dict[str, Heatmap]] = []
    with Tape(detector, canvas.pixels, names) as tape:
        for index, key in enumerate(keys):
            maps = _maps(tape, names, key, target, method, canvas) if index in wanted else ()
            heatmaps.append({heatmap.layer: heatmap for heatmap in maps})
        channels = {name: int(tape.activations[name].shape[1]) for name in names}
    levels = {stage.name: stage.level for stage in chosen if stage.level is not None}
    return Sweep(method.name, channels, levels, tuple(heatmaps))


def _maps(tape: Tape, names: Sequence[str], key: tuple[int, int], target: Target, method: Method,
          canvas: Canvas) -> Iterator[Heatmap]:
    """A detection's map at every layer, from one backward pass."""
    held = [tape.activations[name] for name in names]
    value = target.read(tape.prediction, *key).sum()
    gradients: Sequence[Tensor | None] = [None] * len(held)
    if value.requires_grad:
        gradients = torch.autograd.grad(value, held, retain_graph=True, allow_unused=True)
    for name, activations, gradient in zip(names, held, gradients, strict=True):
        own = None if gradient is None else gradient[0]
        yield layer_map(method, activations.detach()[0], own, tape.grid(name), canvas.geometries[0], name)
