"""Adapter for image classifiers: a single box, all that the network sees, under its likeliest classes."""

from collections import Counter
from collections.abc import Callable
from contextlib import ExitStack
from functools import cached_property
from typing import Any

import torch
from PIL import Image as PilImage
from torch import Tensor, nn

from detcam.detectors.base import CLASS_TARGETS, CLASSIFY, Detector
from detcam.detectors.canvas import Canvas
from detcam.detectors.classifiers.preprocessing import ClassifierInput
from detcam.detectors.detections import Detections
from detcam.detectors.from_tensors import detections_of, without_rows
from detcam.detectors.layers.stages import Stage
from detcam.detectors.prediction import Prediction
from detcam.detectors.table_prediction import TablePrediction, table_prediction
from detcam.errors import DetectorError, InputError, LayerError
from detcam.imaging.geometry import Geometry
from detcam.imaging.image import Image

TOP = 5  # classes that are explained
POOLING = (nn.MaxPool2d, nn.AvgPool2d, nn.AdaptiveMaxPool2d, nn.AdaptiveAvgPool2d)
IDLE = (nn.Dropout, nn.Identity)  # in evaluation mode they hand on what they get
ASPECT = 1.5  # factor between a map's and the canvas's aspect ratio at most: [B, h, w, c] is no map [B, c, h, w]


class ClassifierDetector(Detector):
    """An image classifier, explained in place and left as it was found.

    Its detections are its ``top_k`` likeliest classes, which share a row (0) and a box: the part of the photograph that
    its own preprocessing shows it.

    Args:
        model: the network, from normalised pixels ``[B, 3, h, w]`` to logits ``[B, C]``.
        view: its preprocessing.
        class_names: column to class name; None calls them ``class 0`` and so on.
        name: what messages and provenance call it.
        architecture: what models with other weights share with it; None takes the name of the model's class.
        top_k: how many classes are detections.

    Raises:
        InputError: ``top_k`` is not at least 1, or the names are not as many as the logits.
        DetectorError: the network does not answer with logits.
    """

    family = "classifier"
    task = CLASSIFY
    min_score = 0.0

    def __init__(self, model: nn.Module, view: ClassifierInput, class_names: dict[int, str] | None = None,
                 name: str = "classifier", architecture: str | None = None, top_k: int = TOP) -> None:
        if top_k < 1:
            raise InputError(f"top_k {top_k}: expected at least 1")
        self.model, self.name, self.architecture = model, name, architecture or type(model).__name__
        self._view, self._top = view, top_k
        self.class_names = {}
        with self.borrowed(), torch.no_grad():
            count = self.forward(self.blank()).scores.shape[-1]
        if class_names is not None and sorted(class_names) != list(range(count)):
            raise InputError(f"{name} has {count} classes, and class_names names {len(class_names)}: expected one for "
                             "each, in the order of the logits, from label 0 on")
        self.class_names = class_names or {label: f"class {label}" for label in range(count)}

    @property
    def head(self) -> None:
        return None

    @property
    def n_levels(self) -> int:
        return 0

    @property
    def targets(self) -> tuple[str, ...]:
        return CLASS_TARGETS

    def blank(self) -> Tensor:
        """Black pixels ``[1, 3, h, w]``, RGB in 0..1."""
        return torch.zeros(1, 3, *self._view.crop, device=self.device, dtype=self.dtype)

    def auto_layer(self, level: int) -> str:
        """The layer of the last map before the network pools it over the whole photograph.

        CAM is exact there where a linear layer follows the pooling (ResNet), or nothing does (SqueezeNet, whose map
        this is after the last ReLU).
        """
        return self._ran[-1]

    @cached_property
    def _ran(self) -> tuple[str, ...]:
        """Modules with a map of more than one cell, in the order in which they run, up to :meth:`auto_layer`."""
        outputs: list[tuple[str, nn.Module, Tensor]] = []
        height, width = self._view.crop

        def note(name: str) -> Callable[[nn.Module, Any, Any], None]:
            def hook(module: nn.Module, _: Any, output: Any) -> None:
                if isinstance(output, Tensor) and output.ndim == 4 and output[0, 0].numel() > 1:
                    outputs.append((name, module, output))

            return hook

        with ExitStack() as stack:
            for name, module in self.model.named_modules():
                if name:
                    stack.callback(module.register_forward_hook(note(name)).remove)
            stack.enter_context(self.borrowed())
            stack.enter_context(torch.no_grad())
            self.model(self._view.normalised(self.blank()))
        pooled = {id(output) for _, module, output in outputs if isinstance(module, POOLING)}
        runs = Counter(name for name, _, _ in outputs)
        maps = [name for name, module, output in outputs if id(output) not in pooled and runs[name] == 1
                and not isinstance(module, IDLE)
                and 1 / ASPECT <= (output.shape[-1] / output.shape[-2]) / (width / height) <= ASPECT]
        if not maps:
            raise LayerError(f"{self.name}: no layer gives a map [B, c, h, w] to explain; pixel methods need none")
        ran = [name for name, _, _ in outputs]
        return tuple(ran[: ran.index(maps[-1]) + 1])  # of those that share a map the last: it is done in place by then

    def stages(self, pixels: Tensor) -> list[Stage]:
        """The stages up to :meth:`auto_layer`, and that layer."""
        *before, last = self._ran
        return [stage for stage in super().stages(pixels) if stage.name in before] + [Stage(last)]

    @property
    def depth_layers(self) -> tuple[Stage, ...]:
        """No layers: fused maps were measured on detectors, and CAM is exact at the last map alone."""
        return ()

    def canvas(self, image: Image) -> Canvas:
        pixels, geometry = self._view.canvas(image)
        return Canvas(pixels.to(self.device, self.dtype), (geometry,))

    def forward(self, pixels: Tensor) -> TablePrediction:
        logits = self.model(self._view.normalised(pixels))
        if not isinstance(logits, Tensor) or logits.ndim != 2:
            got = list(logits.shape) if isinstance(logits, Tensor) else type(logits).__name__
            raise DetectorError(f"{self.name}: expected logits [B, C] from a classifier, got {got}")
        height, width = pixels.shape[-2:]
        box = pixels.new_tensor([0, 0, width, height]).expand(len(pixels), 1, 4)
        return table_prediction(logits[:, None], box, lambda values: values.softmax(-1))

    def select(self, prediction: Prediction, canvas: Canvas, min_score: float) -> list[Detections]:
        selected = []
        for scores, geometry in zip(prediction.scores[:, 0], canvas.geometries, strict=True):
            best, labels = scores.topk(min(self._top, len(scores)))
            kept = best >= min_score  # 0, the default, drops none: a probability may be rounded to it
            box = seen_box(geometry).expand(int(kept.sum()), 4)
            rows = torch.zeros(len(box), dtype=torch.long)
            selected.append(detections_of(prediction, rows, labels[kept], best[kept], box))
        return selected

    def library_detections(self, image: Image, min_score: float) -> Detections:
        """The likeliest classes after the library's own transforms, run as one."""
        pixels = self._view.whole(PilImage.fromarray(image.rgb))[None].to(self.device, self.dtype)
        with self.borrowed(), torch.no_grad():
            scores, labels = self.model(pixels).softmax(-1)[0].topk(min(self._top, len(self.class_names)))
        kept = scores >= min_score
        geometry = self._view.canvas(image)[1]
        return without_rows(seen_box(geometry).expand(int(kept.sum()), 4), labels[kept], scores[kept])


def seen_box(geometry: Geometry) -> Tensor:
    """The part of the photograph that lies on the canvas, xyxy source pixels ``[4]``."""
    height, width = geometry.canvas
    whole = geometry.to_source(torch.tensor([0.0, 0.0, width, height], dtype=torch.float64).numpy())
    high = [geometry.source[1], geometry.source[0]] * 2
    return torch.from_numpy(whole.clip(0, high))
