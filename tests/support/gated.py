"""Gated detectors: of any family, and blind but for one patch of the canvas.

What the first convolution is given is multiplied by a mask, so that no score depends on anything outside the patch. All
that runs up to a chosen layer loses its biases: where nothing of the patch arrives, the layer's map is zero. So the
place of a true heat is known, at the pixels exactly, at the layer to its receptive field.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from detcam.attribution.gradients.tape import Tape
from detcam.attribution.heatmap import Heatmap
from detcam.attribution.target import TARGETS
from detcam.attribution.task import keys_of
from detcam.detectors.base import Detector
from detcam.detectors.canvas import Canvas
from detcam.detectors.detections import Detections
from detcam.imaging.image import Image
from support.tiny import photograph

PATCH = (0.5, 0.4, 0.72, 0.68)  # of the canvas: left, top, right, bottom
BOXES = 30  # of the best ones, the one that rests most on the layer is explained


@dataclass(frozen=True)
class Gated:
    """A detector that sees one patch, and a box of its own that rests on it.

    Attributes:
        detector: with the mask on its model.
        canvas: a photograph with contrast everywhere.
        box: one detection.
        layer: the name of a layer without anything outside the patch's receptive field.
        patch: xyxy, canvas pixels.
    """

    detector: Detector
    canvas: Canvas
    box: Detections
    layer: str
    patch: tuple[int, int, int, int]

    def touched(self, heatmap: Heatmap, margin: float) -> NDArray[np.bool_]:
        """The cells that touch the patch, grown by a margin in canvas pixels."""
        x, y = heatmap.cell_edges()
        left, top, right, bottom = self.patch
        return np.outer((y[1:] > top - margin) & (y[:-1] < bottom + margin),
                        (x[1:] > left - margin) & (x[:-1] < right + margin))

    def share(self, heatmap: Heatmap, margin: float) -> float:
        """Share of the absolute heat in those cells."""
        heat = np.abs(heatmap.values)
        return float(heat[self.touched(heatmap, margin)].sum() / heat.sum())


def gated(detector: Detector, layer: str) -> Gated:
    """Blind a detector in place but for the patch."""
    canvas = detector.canvas(Image(photograph(1), "rectangles"))
    height, width = canvas.geometries[0].canvas
    patch = tuple(round(share * side) for share, side in zip(PATCH, (width, height, width, height), strict=True))
    model = detector.model
    first = next(module for module in model.modules() if isinstance(module, nn.Conv2d) and module.in_channels == 3)
    mask = torch.zeros(1, 1, height, width)
    mask[..., patch[1] : patch[3], patch[0] : patch[2]] = 1

    def blind(_: nn.Module, args: tuple[Any, ...]) -> tuple[Any, ...]:
        if args[0].shape[-2:] != mask.shape[-2:]:
            return args  # a blank canvas, on which the detector counts its levels
        return (args[0] * mask.to(args[0]), *args[1:])

    first.register_forward_pre_hook(blind)
    _without_biases(_run_before(detector, canvas.pixels, layer))
    return Gated(detector, canvas, _box(detector, canvas, layer), layer, patch)  # type: ignore[arg-type]


def _run_before(detector: Detector, pixels: Tensor, layer: str) -> list[nn.Module]:
    """The modules that run before the layer has its output, and the layer."""
    ran: list[nn.Module] = []
    over: list[bool] = []

    def note(name: str) -> Callable[..., None]:
        def hook(module: nn.Module, *_: Any) -> None:
            if not over:
                ran.append(module)
            if name == layer:
                over.append(True)

        return hook

    hooks = [module.register_forward_hook(note(name)) for name, module in detector.model.named_modules() if name]
    with detector.borrowed(), torch.no_grad():
        detector.forward(pixels)
    for hook in hooks:
        hook.remove()
    return ran


def _without_biases(modules: list[nn.Module]) -> None:
    with torch.no_grad():
        for module in modules:
            for name in ("bias", "running_mean"):
                value = getattr(module, name, None)
                if isinstance(value, Tensor):
                    value.zero_()


def _box(detector: Detector, canvas: Canvas, layer: str) -> Detections:
    """The detection whose logit rests most on the layer."""
    with Tape(detector, canvas.pixels, [layer]) as tape:
        found = detector.select(tape.prediction, canvas, 0.01)[0][:BOXES]
        rests = [0.0 if gradient is None else float((gradient[0] * tape.activations[layer].detach()[0]).abs().sum())
                 for gradient in tape.gradients(layer, keys_of(found), TARGETS["logit"])]
    assert max(rests) > 0, "no box rests on the patch"
    return found[[int(np.argmax(rests))]]
