"""Alternative forms of the evidence on an edge, to see whether one correlates better with the edge's error.

`scripts/measure_evidence.py` compares them with the form that detcam shows. Each form is a number computed from a
layer's activations and the gradients of the edge's decoded coordinate, ``[S, c, h, w]`` each, on ``S`` copies of the
photograph.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from detcam.attribution.gradients.tape import Tape
from detcam.attribution.inputs.baselines import from_blur
from detcam.attribution.layers.names import layers_of, layers_of_all
from detcam.attribution.target import TARGETS
from detcam.attribution.task import keys_of
from detcam.detectors.base import Detector
from detcam.detectors.canvas import Canvas
from detcam.detectors.detections import Detections
from detcam.imaging.boxes import EDGES, edge_lengths
from detcam.imaging.grid import Grid

CLEAN, NOISY, FOCUS = "clean", "noisy", "coming into focus"
NOISE = 0.15  # of the pixel range, as SmoothGrad's; few copies, for the cost
NOISY_COPIES, FOCUS_STEPS = 4, 4
RING = 0.25  # of the box's width and height, on each side


@dataclass(frozen=True)
class Form:
    """A number computed from activations and gradients.

    Attributes:
        copies: the copies of the photograph: :data:`CLEAN`, :data:`NOISY` or :data:`FOCUS`.
        number: activations ``[S, c, h, w]``, gradients ``[S, c, h, w]`` and ``near [h, w]`` (True for cells in the box
            and a quarter of its size around it) to the number.
    """

    copies: str
    number: Callable[[Tensor, Tensor, Tensor], Tensor]


def _conflict(a: Tensor, g: Tensor, near: Tensor) -> Tensor:
    """The smaller of the evidence for moving the edge outward and for moving it inward."""
    product = (a * g).sum(1)
    return torch.minimum(product.clamp(min=0).sum(), -product.clamp(max=0).sum())


FORMS = {
    "sum |G A|": Form(CLEAN, lambda a, g, near: (a * g).abs().sum()),
    "sum |G|": Form(CLEAN, lambda a, g, near: g.abs().sum()),
    "sum |G (A - mean A)|": Form(CLEAN, lambda a, g, near: ((a - a.mean((2, 3), keepdim=True)) * g).abs().sum()),
    "sum |sum_k G A| (HiResCAM)": Form(CLEAN, lambda a, g, near: (a * g).sum(1).abs().sum()),
    "smaller sign of HiResCAM": Form(CLEAN, _conflict),
    "sum relu(G) A (LayerCAM)": Form(CLEAN, lambda a, g, near: (a * g.clamp(min=0)).abs().sum()),
    "sum |mean(G) A| (Grad-CAM)": Form(CLEAN, lambda a, g, near: (a * g.mean((2, 3), keepdim=True)).sum(1).abs().sum()),
    "root of sum (G A)^2": Form(CLEAN, lambda a, g, near: (a * g).square().sum().sqrt()),
    "sum |G A| in and near the box": Form(CLEAN, lambda a, g, near: ((a * g).abs() * near).sum()),
    "sum |G A| away from the box": Form(CLEAN, lambda a, g, near: ((a * g).abs() * ~near).sum()),
    "mean of sum |G A| over noise": Form(NOISY, lambda a, g, near: (a * g).abs().sum() / len(a)),
    "sum |mean of G A over noise|": Form(NOISY, lambda a, g, near: (a * g).mean(0).abs().sum()),
    "variance of G A over noise": Form(NOISY, lambda a, g, near: (a * g).var(0).sum().sqrt()),
    "sum |conductance|": Form(FOCUS, lambda a, g, near: (g[1:] * a.diff(dim=0)).sum(0).abs().sum()),
}
"""The first form is the one that detcam shows."""

_Scale = Callable[[NDArray[np.float64], NDArray[np.float64]], NDArray[np.float64]]
SCALES: dict[str, _Scale] = {
    "over width or height": lambda values, lengths: values / lengths,
    "as it is": lambda values, lengths: values,
    "over the root of the area": lambda values, lengths: values / np.sqrt(lengths[:, :1] * lengths[:, 1:2]),
    "over the box's mean edge": lambda values, lengths: values / values.mean(1, keepdims=True).clip(1e-12),
}
"""Numbers ``[N, 4]`` and the edges' lengths in canvas pixels ``[N, 4]`` to scaled numbers; the first is detcam's."""


def copies_of(canvas: Canvas, seed: int) -> dict[str, Tensor]:
    """The copies of a photograph by name, ``[S, 3, h, w]`` each.

    Args:
        canvas: one photograph.
        seed: of the noise.
    """
    generator = torch.Generator().manual_seed(seed)
    noise = torch.randn((NOISY_COPIES, *canvas.pixels.shape[1:]), generator=generator, dtype=canvas.pixels.dtype)
    return {CLEAN: canvas.pixels, NOISY: canvas.pixels + NOISE * noise.to(canvas.pixels.device),
            FOCUS: from_blur(canvas, FOCUS_STEPS)}


def evidence_in_forms(detector: Detector, canvas: Canvas, detections: Detections, layer: str | None = None,
                      forms: Mapping[str, Form] = FORMS, seed: int = 0) -> dict[str, NDArray[np.float64]]:
    """Every form of the evidence on every edge of every detection, not scaled.

    Args:
        detector: what is explained.
        canvas: one photograph.
        detections: its detections.
        layer: the layer of the evidence; None is the detector's own ``edge_layer``.
        forms: by name.
        seed: of the noise.

    Returns:
        float64 ``[N, 4]`` for each form: left, top, right, bottom, canvas pixels.

    Raises:
        LayerError: the detector has no such layer.
    """
    layer = layer or detector.edge_layer
    numbers = {name: np.zeros((len(detections), 4)) for name in forms}
    boxes = canvas.geometries[0].to_canvas(detections.boxes)
    levels = detections.levels.tolist()
    for kind, pixels in copies_of(canvas, seed).items():
        of_copies = {name: form for name, form in forms.items() if form.copies == kind}
        if not of_copies:
            continue
        with Tape(detector, pixels, layers_of_all(detector, layer, levels)) as tape:
            for i, column, layer_name, gradient in _gradients(tape, detector, detections, layer):
                activations = tape.activations[layer_name].detach()
                near = _near(boxes[i], tape.grid(layer_name), activations)
                for name, form in of_copies.items():
                    numbers[name][i, column] = float(form.number(activations, gradient, near))
    return numbers


def _gradients(tape: Tape, detector: Detector, detections: Detections, layer: str
               ) -> Iterator[tuple[int, int, str, Tensor]]:
    """The gradient of every edge of every detection: index of the detection, column of the edge, layer, gradient."""
    for i, (key, level) in enumerate(zip(keys_of(detections), detections.levels.tolist(), strict=True)):
        name = layers_of(detector, layer, level)[0]
        for column, edge in enumerate(EDGES):
            gradient = next(tape.gradients(name, [key], TARGETS[edge]))
            if gradient is not None:
                yield i, column, name, gradient


def _near(box: NDArray[np.float64], grid: Grid, maps: Tensor) -> Tensor:
    """The cells whose centres lie in a box ``[4]`` (canvas pixels) or a quarter of its size around it, ``[h, w]``."""
    height, width = maps.shape[-2:]
    x = grid.origin[0] + grid.stride[0] * (np.arange(width) + 0.5)
    y = grid.origin[1] + grid.stride[1] * (np.arange(height) + 0.5)
    margin = RING * edge_lengths(box[None])[0]
    inside = np.outer((y > box[1] - margin[1]) & (y < box[3] + margin[3]),
                      (x > box[0] - margin[0]) & (x < box[2] + margin[2]))
    return torch.from_numpy(inside).to(maps.device)
