"""Channel methods: what a layer's channels do for the boxes, asked by forward passes that all boxes share."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import grid_sample

from detcam.attribution.chunks import in_chunks
from detcam.attribution.gradients.tape import Tape
from detcam.attribution.heatmap import Heatmap
from detcam.attribution.layers.names import AUTO, DEPTH, layers_of
from detcam.attribution.runners.layer import fused
from detcam.attribution.target import Key, Target
from detcam.attribution.task import Task, heatmap_of
from detcam.detectors.base import Detector
from detcam.detectors.layers.stages import LEVEL
from detcam.imaging.grid import Grid

CHUNK = 8  # changed copies in one forward pass: what bounds the memory


def channel_maps(task: Task) -> list[Heatmap]:
    """From one forward pass, and one more for each channel of each layer, whatever the number of boxes there.

    ``"depth"`` means the box's own level alone, as ``"auto"`` does: with the channels of all its layers a photograph
    would cost several times as much.
    """
    detector, geometry = task.detector, task.canvas.geometries[0]
    wanted = [layers_of(detector, _own_level(task.layer), level) for level in task.detections.levels.tolist()]
    names = list(dict.fromkeys(name for own in wanted for name in own))
    with ExitStack() as stack:
        tape = task.tape or stack.enter_context(Tape(detector, task.canvas.pixels, names))
        grids = {name: tape.grid(name) for name in names}
        activations = {name: tape.activations[name].detach()[0] for name in names}
        clean = [task.target.read(tape.prediction, *key)[0].detach() for key in task.keys]
    found: list[dict[str, Heatmap]] = [{} for _ in wanted]
    for name in names:
        members = [index for index, own in enumerate(wanted) if name in own]
        channels = LayerChannels(activations[name], torch.stack([clean[index] for index in members]), name,
                                 grids[name], [task.keys[index] for index in members], task.canvas.pixels, detector,
                                 task.target)
        with detector.borrowed(), torch.no_grad():
            values = task.method.function(channels)
        for index, each in zip(members, values, strict=True):
            found[index][name] = heatmap_of(each, grids[name], geometry, name,
                                            signed=task.target.sign_meanings is not None)
    return [fused({name: maps[name] for name in own}) for maps, own in zip(found, wanted, strict=True)]


def _own_level(layer: str | Sequence[str]) -> list[str]:
    return [AUTO if name == DEPTH else name for name in ([layer] if isinstance(layer, str) else layer)]


@dataclass(frozen=True)
class LayerChannels:
    """A layer's :class:`~detcam.attribution.method.Channels`.

    Attributes:
        activations, clean: as there.
        layer: its name.
        grid: where its cells lie on the canvas.
        keys: row and label of each box.
        pixels: ``[1, 3, h, w]``, the photograph's canvas.
        detector: what is explained.
        target: what is read of each box.
    """

    activations: Tensor
    clean: Tensor
    layer: str
    grid: Grid
    keys: Sequence[Key]
    pixels: Tensor
    detector: Detector
    target: Target

    def through(self, chosen: Tensor) -> Tensor:
        def masked(chunk: Tensor) -> Tensor:
            maps = enlarged(self.activations[chunk], self.grid, self.pixels.shape[-2:])
            lowest, highest = maps.amin((1, 2), keepdim=True), maps.amax((1, 2), keepdim=True)
            masks = torch.where(highest > lowest, (maps - lowest) / (highest - lowest), 0)
            return self._read(self.pixels * masks[:, None])

        return torch.cat(list(in_chunks(masked, chosen, CHUNK)), 1)

    def without(self, chosen: Tensor) -> Tensor:
        def ablated(chunk: Tensor) -> Tensor:
            def silence(output: Tensor) -> Tensor:
                output = output.clone()
                output[torch.arange(len(chunk), device=output.device), chunk] = 0
                return output

            with changed(self.detector, self.layer, silence):
                return self._read(self.pixels.expand(len(chunk), -1, -1, -1))

        return torch.cat(list(in_chunks(ablated, chosen, CHUNK)), 1)

    def _read(self, pixels: Tensor) -> Tensor:
        prediction = self.detector.forward(pixels)
        return torch.stack([self.target.read(prediction, *key) for key in self.keys])


def enlarged(maps: Tensor, grid: Grid, size: Sequence[int]) -> Tensor:
    """Maps ``[S, h, w]`` at the pixels of a canvas of ``size`` (height, width), bilinear between their cells' middles.

    Beyond the outermost middles a map goes on as it is there.
    """
    def places(pixels: int, axis: int) -> Tensor:
        """The pixels' middles, from -1 to 1 over the cells of the map."""
        middles = torch.arange(pixels, device=maps.device, dtype=maps.dtype) + 0.5
        return 2 * (middles - grid.origin[axis]) / (grid.stride[axis] * maps.shape[-1 - axis]) - 1

    y, x = torch.meshgrid(places(size[0], 1), places(size[1], 0), indexing="ij")
    where = torch.stack([x, y], -1).expand(len(maps), -1, -1, -1)
    return grid_sample(maps[:, None], where, mode="bilinear", padding_mode="border", align_corners=False)[:, 0]


@contextmanager
def changed(detector: Detector, layer: str, change: Callable[[Tensor], Tensor]) -> Iterator[None]:
    """In the block ``change`` is put onto a layer's output, ``[B, c, h, w]``, for what comes after it."""
    def on_head(_: nn.Module, args: tuple[Any, ...]) -> tuple[Any, ...]:
        maps, number = list(args[0]), int(layer.removeprefix(LEVEL))
        maps[number] = change(maps[number])
        return (maps, *args[1:])

    if layer.startswith(LEVEL) and detector.head is not None:
        hook = detector.head.register_forward_pre_hook(on_head)
    else:
        hook = detector.model.get_submodule(layer).register_forward_hook(lambda _, __, output: change(output))
    try:
        yield
    finally:
        hook.remove()
