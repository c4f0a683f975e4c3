"""One row of the benchmark: detcam and one peer explain the same boxes of the same model in this process.

`scripts/benchmark.py` runs it, a process a row: `python scripts/benchmark_row.py '{"model": "yolov8n", …}'`.
"""

import sys

if __name__ == "__main__":  # before the other imports, which take seconds
    from detcam.cli.main import run_script

    sys.exit(run_script(__file__))

import json
import resource
import statistics
import tempfile
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import torch
import typer
from torch import Tensor, nn

from detcam.attribution.attribute import attribute
from detcam.attribution.methods.registry import get_method
from detcam.attribution.target import TARGETS
from detcam.detectors.base import Detector
from detcam.detectors.canvas import Canvas
from detcam.detectors.detections import Detections
from detcam.detectors.from_tensors import detections_of
from detcam.detectors.loading.load import load
from detcam.detectors.prediction import Prediction
from detcam.errors import InputError
from detcam.imaging.image import Image, load_image

SSD, YOLO = "ssd300_vgg16", "yolov8n"
APART = 5  # cells between boxes of one level
REPEATS = 5  # of a plain forward pass and of detcam, three of a peer; their medians count
LONGEST = 15.0  # seconds after which nothing is repeated any more
SAMPLES = 8  # SmoothGrad's noisy copies, on both sides
NOISE = 0.15
SETTINGS: dict[str, dict[str, Any]] = {"smoothgrad": {"samples": SAMPLES, "noise": NOISE}, "drise": {"samples": 64}}
LEVEL_MODULES = {SSD: ["backbone.features.22"], YOLO: ["model.15", "model.18", "model.21"]}


@dataclass(frozen=True)
class Case:
    """What one row measures. `boxes_of`: a level's index, `"levels"` (of all levels alike), or `"crowd"`."""

    model: str
    layer: str
    boxes_of: str
    method: str
    boxes: int
    peer: str
    photograph: str
    weights: str | None = None


def build(case: Case) -> tuple[Detector, Any]:
    """The detector, and the model that peers take, whose weights are the same."""
    torch.manual_seed(0)
    if case.model == SSD:
        from torchvision.models.detection import ssd300_vgg16

        model = ssd300_vgg16(weights=None, weights_backbone=None).eval().requires_grad_(False)
        return load(model), model
    from ultralytics import YOLO as Yolo

    model = Yolo(case.weights or "yolov8n.yaml")
    detector = load(model)
    return detector, model


def boxes_to_explain(detector: Detector, prediction: Prediction, canvas: Canvas, case: Case) -> Detections:
    """The highest-scoring rows of one level, `APART`; or in turn of every level; or what suppression leaves over."""
    if case.boxes_of == "crowd":
        return detector.select(prediction, canvas, 0.0)[0][: case.boxes]
    levels = range(len(prediction.levels)) if case.boxes_of == "levels" else [int(case.boxes_of)]
    queues = [_apart(prediction, level) for level in levels]
    chosen: list[int] = []
    while len(chosen) < case.boxes and any(queues):
        chosen += [queue.pop(0) for queue in queues if queue]
    rows = torch.tensor(chosen[: case.boxes])
    scores, labels = prediction.scores[0, rows, 1:].max(1)
    return detections_of(prediction, rows, labels + 1, scores, prediction.boxes[0, rows])


def _apart(prediction: Prediction, number: int) -> list[int]:
    level = prediction.levels[number]
    scores = prediction.scores[0, level.start : level.start + level.rows, 1:].amax(1)
    rows: list[int] = []
    cells: list[tuple[int, int]] = []
    for row in (scores.argsort(descending=True) + level.start).tolist():
        y, x, _ = level.cell(row)
        if all(max(abs(y - other[0]), abs(x - other[1])) >= APART for other in cells):
            rows.append(row)
            cells.append((y, x))
    return rows


class Scores(nn.Module):
    """The network as peers take it: pixels to the class scores of all rows, `[B, A, C]`."""

    def __init__(self, detector: Detector) -> None:
        super().__init__()
        self.model, self.family = detector.model, detector.family

    def forward(self, pixels: Tensor) -> Tensor:
        if self.family == "yolo":
            output: Tensor = self.model(pixels)[0][:, 4:].transpose(1, 2)
            return output
        scores: Tensor = self.model.head(list(self.model.backbone(pixels).values()))["cls_logits"]
        return scores


def peer_job(case: Case, detector: Detector, model: Any, canvas: Canvas, found: Detections, photo: Image
             ) -> Callable[[], None] | None:
    """What the peer does for the same boxes, one after the other, as its documentation has it."""
    if case.peer == "ultralytics":
        return partial(_visualize, model, photo)
    scores = Scores(detector)
    pixels = canvas.pixels.clone().requires_grad_(True)  # with frozen weights, peers need it
    layers = [] if case.method == "smoothgrad" else _modules(case, detector, found)
    keys = list(zip(found.rows.tolist(), found.labels.tolist(), strict=True))
    if case.peer == "grad-cam":
        return partial(_grad_cam, case.method, scores, pixels, layers, keys)
    if case.peer == "captum":
        return partial(_captum, case.method, scores, pixels, layers, keys)
    return None


def _modules(case: Case, detector: Detector, found: Detections) -> list[nn.Module]:
    """The module at which each box is explained."""
    names = LEVEL_MODULES[case.model]
    return [detector.model.get_submodule(names[level] if case.layer == "auto" else case.layer)
            for level in found.levels.tolist()]


def _grad_cam(method: str, scores: nn.Module, pixels: Tensor, layers: list[nn.Module], keys: list[tuple[int, int]]
              ) -> None:
    from pytorch_grad_cam import AblationCAM, GradCAM, HiResCAM, ScoreCAM

    kind = {"gradcam": GradCAM, "hirescam": HiResCAM, "scorecam": ScoreCAM, "ablationcam": AblationCAM}[method]
    for layer, (row, label) in zip(layers, keys, strict=True):
        with kind(model=scores, target_layers=[layer]) as cam:
            cam(input_tensor=pixels, targets=[lambda output, row=row, label=label: output[row, label]])


def _captum(method: str, scores: nn.Module, pixels: Tensor, layers: list[nn.Module], keys: list[tuple[int, int]]
            ) -> None:
    from captum.attr import LayerGradCam, LayerGradientXActivation, NoiseTunnel, Saliency

    if method == "smoothgrad":
        for key in keys:
            NoiseTunnel(Saliency(scores)).attribute(pixels, nt_type="smoothgrad", nt_samples=SAMPLES, stdevs=NOISE,
                                                    target=key, abs=False)
        return
    kind = {"gradcam": LayerGradCam, "hirescam": LayerGradientXActivation}[method]
    for layer, key in zip(layers, keys, strict=True):
        kind(scores, layer).attribute(pixels, target=key)


def _visualize(model: Any, photo: Image) -> None:
    with tempfile.TemporaryDirectory() as folder:
        model.predict(np.ascontiguousarray(photo.rgb[..., ::-1]), visualize=True, project=folder, verbose=False)


def measure(case: Case) -> dict[str, Any]:
    """Times in forward passes, and how far the process's memory rose above that of a plain forward pass."""
    photo = load_image(case.photograph)
    detector, model = build(case)
    canvas = detector.canvas(photo)
    with torch.no_grad(), detector.borrowed():
        found = boxes_to_explain(detector, detector.forward(canvas.pixels), canvas, case)
    method = get_method(case.method, **SETTINGS.get(case.method, {}))

    def ours() -> None:
        attribute(detector, canvas, found, method, case.layer, TARGETS["logit"])

    scores = Scores(detector)

    def forward() -> None:
        with torch.no_grad():
            scores(canvas.pixels)

    with detector.borrowed():
        for _ in range(2):
            forward()
        plain = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        ours()
        forwards: list[float] = []
        own: list[float] = []
        while len(own) < REPEATS and sum(own) < LONGEST:
            forwards.append(_seconds(forward))
            own.append(_seconds(ours))
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        job = peer_job(case, detector, model, canvas, found, photo)
        theirs = _peer_seconds(job) if job else None
    unit, own_seconds = statistics.median(forwards), statistics.median(own)
    return asdict(case) | {
        "photograph": Path(case.photograph).name, "weights": case.weights and Path(case.weights).name,
        "boxes": len(found), "seconds": round(own_seconds, 4), "forward_seconds": round(unit, 4),
        "forwards": round(own_seconds / unit, 2), "peer_forwards": theirs and round(theirs / unit, 2),
        "ratio": theirs and round(own_seconds / theirs, 3), "peak_mib": round((peak - plain) / 1024, 1),
    }


def _seconds(job: Callable[[], None]) -> float:
    started = time.perf_counter()
    job()
    return time.perf_counter() - started


def _peer_seconds(job: Callable[[], None]) -> float:
    times = [_seconds(job)]
    if times[0] < LONGEST / 3:
        times = [_seconds(job)]  # the first one was cold
    while len(times) < 3 and sum(times) < LONGEST:
        times.append(_seconds(job))
    return statistics.median(times)


def main(case: Annotated[str, typer.Argument(help="The row as JSON, as scripts/benchmark.py gives it.")]) -> None:
    """Measure one row of the benchmark and print it as JSON."""
    try:
        asked = Case(**json.loads(case))
    except (ValueError, TypeError) as error:
        raise InputError(f"{case!r}: not a row of the benchmark ({error})") from None
    print(json.dumps(measure(asked)))
