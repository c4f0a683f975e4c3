"""One forward pass with chosen layers held for differentiation, and the backward passes from each box."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from typing import Any

import torch
from torch import Tensor, nn

from detcam.attribution.gradients.head_windows import LocalGradient, local_gradients
from detcam.attribution.target import Key, Target
from detcam.detectors.base import Detector
from detcam.detectors.layers.stages import LEVEL
from detcam.detectors.prediction import Prediction
from detcam.errors import LayerError, near
from detcam.imaging.grid import Grid

PIXELS = "pixels"


class Tape:
    """Records layers of a detector in one forward pass; the model is as it was found when the block ends.

    The weights are frozen. The shallowest recorded layer (or the pixels) becomes the leaf of the graph, so nothing
    below it is differentiated. Head level inputs are called ``level.0``, ``level.1``, …; other layers by their
    module names; ``pixels`` is the canvas itself.

    Args:
        detector: what is explained.
        pixels: ``[B, 3, h, w]`` RGB in 0..1.
        layers: the names to record.

    Raises:
        LayerError: an unknown layer, one that ran twice, or whose output is no ``[B, c, h, w]`` map.
    """

    prediction: Prediction

    def __init__(self, detector: Detector, pixels: Tensor, layers: Sequence[str]) -> None:
        self._detector = detector
        self._pixels = pixels
        self._layers = list(dict.fromkeys(layers))
        self._stack = ExitStack()
        self.activations: dict[str, Tensor] = {}
        self._inputs: list[Tensor] = []  # of the head, level by level

    def __enter__(self) -> "Tape":
        with self._stack:  # leaves everything as found if the forward raises
            self._stack.enter_context(self._detector.borrowed())
            self._stack.enter_context(torch.enable_grad())
            pixels = self._pixels
            if PIXELS in self._layers:
                pixels = self._keep(PIXELS, pixels)
            with ExitStack() as hooks:
                for hook in self._hooks():
                    hooks.callback(hook.remove)
                self.prediction = self._detector.forward(pixels)
            missing = [name for name in self._layers if name not in self.activations]
            if missing:
                raise LayerError(f"layer {missing[0]!r} did not run in a forward pass of {self._detector.name}")
            self._stack = self._stack.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()
        self.activations.clear()
        self._inputs.clear()

    def _keep(self, name: str, value: Tensor) -> Tensor:
        """Hold ``value`` for differentiation; what goes on is a copy, so that in-place activations cannot touch it."""
        if name in self.activations:
            raise LayerError(f"layer {name!r} runs twice in one forward pass: name the modules around it instead")
        held = value if value.requires_grad else value.detach().requires_grad_(True)
        self.activations[name] = held
        return held.clone()

    def _hooks(self) -> list[Any]:
        modules = dict(self._detector.model.named_modules())
        hooks = []
        for name in self._layers:
            if name == PIXELS or name.startswith(LEVEL):
                continue
            if name not in modules:
                raise LayerError(f"{self._detector.name} has no layer {name!r}: "
                                 f"{near(name, self._detector.layer_names())}")
            hooks.append(modules[name].register_forward_hook(self._module_hook(name)))
        if self._detector.head is not None:
            hooks.append(self._detector.head.register_forward_pre_hook(self._level_hook()))
        return hooks

    def _module_hook(self, name: str) -> Callable[[nn.Module, Any, Any], Tensor]:
        def hook(module: nn.Module, _: Any, output: Any) -> Tensor:
            if not isinstance(output, Tensor) or output.ndim != 4:
                raise LayerError(f"layer {name!r} ({type(module).__name__}) gives no [B, c, h, w] map to explain")
            return self._keep(name, output)

        return hook

    def _level_hook(self) -> Callable[[nn.Module, tuple[Any, ...]], tuple[Any, ...]]:
        wanted = [name for name in self._layers if name.startswith(LEVEL)]

        def hook(_: nn.Module, args: tuple[Any, ...]) -> tuple[Any, ...]:
            maps = list(args[0])
            for name in wanted:
                index = name.removeprefix(LEVEL)
                if not index.isdigit() or int(index) >= len(maps):
                    raise LayerError(f"{self._detector.name} has no layer {name!r}: its levels are level.0 to "
                                     f"level.{len(maps) - 1}")
                maps[int(index)] = self._keep(name, maps[int(index)])
            self._inputs = list(maps)
            return (maps, *args[1:])

        return hook

    def gradients(self, layer: str, keys: Sequence[Key], target: Target, images: Sequence[int] | None = None
                  ) -> Iterator[Tensor | None]:
        """:meth:`gradients_at` for one layer."""
        return (found[0] for found in self.gradients_at([layer], keys, target, images))

    def gradients_at(self, layers: Sequence[str], keys: Sequence[Key], target: Target,
                     images: Sequence[int] | None = None) -> Iterator[list[Tensor | None]]:
        """Gradients of each box's target, one a layer; None where no path leads from the layer to the box.

        One box at a time, so that a hundred boxes take no more memory than one. The head's share of it is one pass for
        all boxes of a level where its structure allows that. What lies between the layers and the level is one pass a
        box, shared by boxes of one level that follow each other and are in different images of the batch.

        Args:
            layers: some that were recorded.
            keys: row and label of each box.
            target: what is differentiated.
            images: each box's image in the batch, for gradients ``[1, c, h, w]``. None asks every image about every
                box (noisy copies of one photograph), for gradients ``[B, c, h, w]``.
        """
        whole = [slice(None)] * len(keys)
        slices = whole if images is None else [slice(image, image + 1) for image in images]
        local = self._local(layers, keys, target, slices)
        for members in self._together(keys, images):
            shared = self._shared(layers, [keys[i] for i in members], target, [slices[i] for i in members],
                                  [local[i] for i in members])
            for index in members:
                yield [None if each is None else each[slices[index]] for each in shared]

    def _together(self, keys: Sequence[Key], images: Sequence[int] | None) -> list[list[int]]:
        """Indices of boxes in runs that share a pass."""
        if images is None:
            return [[index] for index in range(len(keys))]
        groups: list[list[int]] = []
        for index, (row, _) in enumerate(keys):
            last = groups[-1] if groups else []
            same = last and self.prediction.level_of(keys[last[0]][0]) == self.prediction.level_of(row)
            if same and images[index] not in [images[other] for other in last]:
                last.append(index)
            else:
                groups.append([index])
        return groups

    def _local(self, layers: Sequence[str], keys: Sequence[Key], target: Target, images: Sequence[slice]
               ) -> Sequence[LocalGradient | None]:
        """The boxes' gradients at their levels' inputs; none without a head, or if a layer is in it."""
        named = [layer for layer in layers if layer != PIXELS and not layer.startswith(LEVEL)]
        head = set(self._detector.head.modules()) if self._detector.head is not None else None
        if head is None or any(self._detector.model.get_submodule(name) in head for name in named):
            return [None] * len(keys)
        return local_gradients(self._detector, self.prediction, self._inputs, keys, target, images)

    def _shared(self, layers: Sequence[str], keys: Sequence[Key], target: Target, images: Sequence[slice],
                local: Sequence[LocalGradient | None]) -> list[Tensor | None]:
        """Gradients ``[B, c, h, w]`` of boxes of one level in different images, or of one box in all of them."""
        known = [each for each in local if each is not None]
        if len(known) < len(keys):
            values = [target.read(self.prediction, *key)[own].sum() for key, own in zip(keys, images, strict=True)]
            return self._through(torch.stack(values).sum(), layers)
        number = known[0].level
        maps = self._inputs[number]
        full = torch.zeros_like(maps)
        for each, own in zip(known, images, strict=True):
            each.add_to(full[own])
        below = iter(self._through(maps, [layer for layer in layers if not layer.startswith(LEVEL)], full))
        return [(full if layer == f"{LEVEL}{number}" else None) if layer.startswith(LEVEL) else next(below)
                for layer in layers]

    def _through(self, value: Tensor, layers: Sequence[str], weights: Tensor | None = None) -> list[Tensor | None]:
        """The (weighted) value's gradients at layers, from one backward pass."""
        if not value.requires_grad or not layers:
            return [None] * len(layers)
        held = [self.activations[layer] for layer in layers]
        return list(torch.autograd.grad(value, held, weights, retain_graph=True, allow_unused=True))

    def grid(self, layer: str) -> Grid:
        """Where a layer's cells lie on the canvas.

        Pixels are their own grid; a map with as many cells as one of the head's levels lies on that level's grid
        (SSD300's 38 cells cover 304 px, its 5 cells 320). Elsewhere the stride is the power of two whose cells, rounded
        up, cover the canvas, exactly or with one cell of padding to spare (after YOLOv3-tiny's ZeroPad2d), and
        otherwise the canvas over the cells.
        """
        if layer == PIXELS:
            return Grid((1.0, 1.0))
        height, width = (int(side) for side in self.activations[layer].shape[-2:])
        if layer.startswith(LEVEL):
            return self.prediction.levels[int(layer.removeprefix(LEVEL))].grid
        for level in self.prediction.levels:
            if level.shape == (height, width):
                return level.grid
        canvas_height, canvas_width = self._pixels.shape[-2:]
        return Grid((_stride(canvas_width, width), _stride(canvas_height, height)))


def _stride(canvas: int, cells: int) -> float:
    power = 1
    while -(-canvas // power) > cells:
        power *= 2
    fits = cells > 1 and cells - -(-canvas // power) in (0, 1)
    return float(power) if fits else canvas / cells
