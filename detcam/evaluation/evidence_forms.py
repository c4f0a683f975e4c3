"""Other forms of the evidence on an edge than the one that detcam shows, to see whether any of them knows more.

`scripts/measure_evidence.py` compares them. Each form makes one number of a layer's activations and the gradients of
the edge's decoded coordinate there, ``[S, c, h, w]`` each, on ``S`` copies of the photograph.
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
RING = 0.25  # of the box's width and height around it


@dataclass(frozen=True)
class Form:
    """One way to make a number of activations and gradients.

    Attributes:
        copies: of which copies of the photograph.
        number: ``(A, G, near)`` to a number; ``near [h, w]`` are the cells in the box and a quarter around it.
    """

    copies: str
    number: Callable[[Tensor, Tensor, Tensor], Tensor]


def _conflict(a: Tensor, g: Tensor, near: Tensor) -> Tensor:
    """The smaller of what pulls out and what pulls in."""
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
"""The first is what detcam shows."""

Scale = Callable[[NDArray[np.float64], NDArray[np.float64]], NDArray[np.float64]]
SCALES: dict[str, Scale] = {
    "over width or height": lambda values, lengths: values / lengths,
    "as it is": lambda values, lengths: values,
    "over the root of the area": lambda values, lengths: values / np.sqrt(lengths[:, :1] * lengths[:, 1:2]),
    "over the box's mean edge": lambda values, lengths: values / values.mean(1, keepdims=True).clip(1e-12),
}
"""Numbers ``[N, 4]`` and the boxes' widths and heights on the canvas ``[N, 4]`` to numbers; the first is detcam's."""


def copies_of(canvas: Canvas, seed: int) -> dict[str, Tensor]:
    """The copies of a photograph that forms look at, ``[S, 3, h, w]`` each."""
    generator = torch.Generator().manual_seed(seed)
    noise = torch.randn((NOISY_COPIES, *canvas.pixels.shape[1:]), generator=generator, dtype=canvas.pixels.dtype)
    return {CLEAN: canvas.pixels, NOISY: canvas.pixels + NOISE * noise.to(canvas.pixels.device),
            FOCUS: from_blur(canvas, FOCUS_STEPS)}


def evidence_in_forms(detector: Detector, canvas: Canvas, detections: Detections, layer: str | None = None,
                      forms: Mapping[str, Form] = FORMS, seed: int = 0) -> dict[str, NDArray[np.float64]]:
    """Every form of the evidence on every edge of every detection, ``[N, 4]``, in canvas pixels, in no scale yet.

    Args:
        detector: what is explained.
        canvas: one photograph.
        detections: its detections.
        layer: where the evidence is taken; None is the detector's own ``edge_layer``.
        forms: name to form.
        seed: where the noise starts from.
    """
    layer = layer or detector.edge_layer
    found = {name: np.zeros((len(detections), 4)) for name in forms}
    boxes = canvas.geometries[0].to_canvas(detections.boxes)
    levels = detections.levels.tolist()
    for kind, pixels in copies_of(canvas, seed).items():
        own = {name: form for name, form in forms.items() if form.copies == kind}
        if not own:
            continue
        with Tape(detector, pixels, layers_of_all(detector, layer, levels)) as tape:
            for index, column, name, gradient in _gradients(tape, detector, detections, layer):
                activations = tape.activations[name].detach()
                near = _near(boxes[index], tape.grid(name), activations)
                for word, form in own.items():
                    found[word][index, column] = float(form.number(activations, gradient, near))
    return found


def _gradients(tape: Tape, detector: Detector, detections: Detections, layer: str
               ) -> Iterator[tuple[int, int, str, Tensor]]:
    """Detection, edge, layer and the edge's gradient there, one after the other."""
    for index, (key, level) in enumerate(zip(keys_of(detections), detections.levels.tolist(), strict=True)):
        name = layers_of(detector, layer, level)[0]
        for column, edge in enumerate(EDGES):
            gradient = next(tape.gradients(name, [key], TARGETS[edge]))
            if gradient is not None:
                yield index, column, name, gradient


def _near(box: NDArray[np.float64], grid: Grid, maps: Tensor) -> Tensor:
    """The cells whose centres lie in the box (canvas pixels) or a quarter of it around, ``[h, w]``."""
    height, width = maps.shape[-2:]
    x = grid.origin[0] + grid.stride[0] * (np.arange(width) + 0.5)
    y = grid.origin[1] + grid.stride[1] * (np.arange(height) + 0.5)
    margin = RING * edge_lengths(box[None])[0]
    inside = np.outer((y > box[1] - margin[1]) & (y < box[3] + margin[3]),
                      (x > box[0] - margin[0]) & (x < box[2] + margin[2]))
    return torch.from_numpy(inside).to(maps.device)
