"""Gradients of a row by other ways than the tape: finite differences in float64, and modules for peer libraries."""

from typing import Any

import torch
from torch import Tensor, nn

from detcam.attribution.gradients.tape import PIXELS
from detcam.attribution.target import Target
from detcam.detectors.base import Detector
from detcam.detectors.prediction import flatten_rows
from detcam.imaging.image import Image
from support.tiny import photograph, tiny_detector

IMAGE = Image(photograph(3), "rectangles")


def in_float64(family: str) -> Detector:
    detector: Detector = tiny_detector(family)
    detector.model.double()
    return detector


def middle_layer(detector: Detector) -> str:
    return detector.edge_layer


def values_with_added(detector: Detector, layer: str, added: Tensor, key: tuple[int, int], targets: dict[str, Target]
                      ) -> dict[str, float]:
    """Every target after ``added`` is put onto a layer's output, with nothing but plain hooks."""
    pixels = detector.canvas(IMAGE).pixels
    hook: Any = None
    if layer == PIXELS:
        pixels = pixels + added
    elif layer.startswith("level."):
        number = int(layer[-1])

        def on_head(_: nn.Module, args: Any) -> Any:
            return ([each + added if index == number else each for index, each in enumerate(args[0])],)

        hook = detector.head.register_forward_pre_hook(on_head)
    else:
        hook = detector.model.get_submodule(layer).register_forward_hook(lambda _, __, output: output + added)
    with torch.no_grad():
        prediction = detector.forward(pixels)
    if hook is not None:
        hook.remove()
    return {name: float(target.read(prediction, *key)) for name, target in targets.items()}


class Rows(nn.Module):
    """A detector as a function from pixels to the logits of all rows ``[B, A, C]``, as other libraries want it."""

    def __init__(self, detector: Detector) -> None:
        super().__init__()
        self.detector = detector
        self.model = detector.model

    def forward(self, pixels: Tensor) -> Tensor:
        levels = self.detector.forward(pixels).levels
        return flatten_rows([level.logits for level in levels], [level.per_cell for level in levels])
