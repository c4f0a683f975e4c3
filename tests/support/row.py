"""One row of a tiny detector in float64, as other libraries want it: a module from pixels to a logit."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from detcam.attribution.attribute import attribute
from detcam.attribution.heatmap import Heatmap
from detcam.attribution.methods.registry import get_method
from detcam.attribution.target import TARGETS
from detcam.attribution.task import Task, keys_of
from detcam.detectors.base import Detector
from detcam.detectors.canvas import Canvas
from detcam.detectors.detections import Detections
from detcam.imaging.image import Image
from support.tiny import photograph, tiny_detector

IMAGE = Image(photograph(3), "rectangles")


class RowModule(nn.Module):
    """Pixels ``[S, 3, h, w]`` to the logit of one row, ``[S, 1]``."""

    def __init__(self, detector: Detector, key: tuple[int, int]) -> None:
        super().__init__()
        self.detector, self.model, self.key = detector, detector.model, key

    def forward(self, pixels: Tensor) -> Tensor:
        return self.detector.forward(pixels).logit(*self.key)[:, None]


@dataclass(frozen=True)
class Scene:
    """A detector, a photograph and its boxes."""

    detector: Detector
    canvas: Canvas
    boxes: Detections

    def module(self, box: int = 0) -> RowModule:
        return RowModule(self.detector, keys_of(self.boxes)[box]).eval()

    def gradient(self, pixels: Tensor, box: int = 0) -> Tensor:
        """By autograd alone, ``[S, 3, h, w]``."""
        pixels = pixels.detach().clone().requires_grad_(True)
        return torch.autograd.grad(self.module(box)(pixels).sum(), pixels)[0]

    def logits(self, pixels: Tensor) -> NDArray[np.float64]:
        """Of every box, ``[N]``."""
        with torch.no_grad():
            prediction = self.detector.forward(pixels)
        return np.array([float(prediction.logit(*key)[0]) for key in keys_of(self.boxes)])

    def maps(self, method: str, layer: Any = "auto", seed: int = 0, **settings: Any) -> list[Heatmap]:
        return attribute(self.detector, self.canvas, self.boxes, get_method(method, **settings), layer,
                         TARGETS["logit"], seed)

    def map(self, method: str, **settings: Any) -> NDArray[np.float32]:
        """The first box's."""
        return self.alone().maps(method, **settings)[0].values

    def alone(self, box: int = 0) -> "Scene":
        return Scene(self.detector, self.canvas, self.boxes[[box]])

    def task(self, method: str, layer: str = "auto") -> Task:
        return Task(self.detector, self.canvas, self.boxes, get_method(method), layer, TARGETS["logit"], 0)

    def call(self, images: NDArray[np.floating], call_model_args: Any = None, expected_keys: Any = None
             ) -> dict[str, NDArray[np.float64]]:
        """What PAIR's saliency package calls: images ``[S, h, w, 3]`` to the first box's gradients."""
        pixels = torch.from_numpy(np.asarray(images)).permute(0, 3, 1, 2).to(self.canvas.pixels)
        return {"INPUT_OUTPUT_GRADIENTS": self.gradient(pixels).permute(0, 2, 3, 1).numpy()}

    @property
    def rgb(self) -> NDArray[np.float64]:
        """The canvas ``[h, w, 3]``."""
        return self.canvas.pixels[0].permute(1, 2, 0).double().numpy()


def scene_of(family: str, boxes: int = 3, change: Callable[[Any], object] = lambda model: None) -> Scene:
    """The best boxes of a tiny detector, of different rows; ``change`` is made to its model first."""
    detector: Detector = tiny_detector(family)
    change(detector.model.double())
    for weight in detector.model.parameters():
        weight.requires_grad_(False)
    canvas = detector.canvas(IMAGE)
    with torch.no_grad():
        found = detector.select(detector.forward(canvas.pixels), canvas, 0.25)[0]
    return Scene(detector, canvas, found[:boxes])


def agree(mine: NDArray[np.floating], theirs: NDArray[np.floating] | Tensor, share: float = 1e-5) -> None:
    """Equal, but for a share of the largest value."""
    theirs = np.asarray(theirs)
    assert np.abs(theirs).max() > 0
    np.testing.assert_allclose(mine, theirs, rtol=0, atol=share * np.abs(theirs).max())
