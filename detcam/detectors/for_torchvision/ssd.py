"""Adapter for torchvision's SSD and its subclasses."""

from collections import OrderedDict
from collections.abc import Callable
from functools import cached_property, partial

import torch
from torch import Tensor, nn
from torchvision.models.detection.image_list import ImageList
from torchvision.models.detection.ssd import SSD
from torchvision.ops import batched_nms

from detcam.detectors.base import Detector
from detcam.detectors.canvas import Canvas
from detcam.detectors.detections import Detections
from detcam.detectors.for_torchvision.own_detections import model_detections
from detcam.detectors.for_torchvision.transform import canvas_of, clipped, normalised, to_source
from detcam.detectors.from_tensors import detections_of
from detcam.detectors.layers.edge_layer import last_fine_layer
from detcam.detectors.layers.hooks import recorded
from detcam.detectors.layers.stages import Stage
from detcam.detectors.prediction import Level, Prediction, flatten_rows
from detcam.detectors.selection.candidates import every_pair
from detcam.detectors.selection.selection import Selection
from detcam.detectors.selection.steps import Most, Score, Suppression, Top
from detcam.errors import DetectorError, InputError
from detcam.imaging.grid import grid_of_centres
from detcam.imaging.image import Image

BACKBONE_LEVELS = 2  # conv4_3 and fc7 in SSD300-VGG16; the extra layers follow

ACTIVATIONS: dict[str, Callable[[Tensor], Tensor]] = {
    "softmax": partial(torch.softmax, dim=-1),
    "sigmoid": torch.sigmoid,
}


class SSDDetector(Detector):
    """A live ``torchvision.models.detection.ssd.SSD``, explained in place and left as it was found.

    Args:
        model: the SSD, in any mode, on any device.
        class_names: label to class name, from label 1 on; label 0 is the background.
        name: what messages and provenance call it.
        architecture: what models with other weights share with it; None takes the name of the model's class.
        score_activation: how the model turns its logits into scores: ``"softmax"`` (torchvision) or ``"sigmoid"``.

    Raises:
        DetectorError: the model is no SSD, or its head has no ``module_list`` with a module a level.
        InputError: there is no such score activation.
    """

    family = "ssd"

    def __init__(self, model: SSD, class_names: dict[int, str] | None = None, name: str = "ssd",
                 architecture: str | None = None, score_activation: str = "softmax") -> None:
        if not isinstance(model, SSD):
            raise DetectorError(f"{name}: expected a torchvision SSD, got {type(model).__name__}")
        if score_activation not in ACTIVATIONS:
            raise InputError(f"score activation {score_activation!r}: expected one of {', '.join(ACTIVATIONS)}")
        for part in ("classification_head", "regression_head"):
            if not hasattr(getattr(model.head, part, None), "module_list"):
                raise DetectorError(f"{name}: expected an SSD head with a {part}.module_list, one module a level")
        self.model = model
        self.name = name
        self.architecture = architecture or type(model).__name__
        self.score_activation = score_activation
        count = int(model.head.classification_head.num_columns)
        self.class_names = class_names or {label: f"class {label}" for label in range(1, count)}

    @property
    def head(self) -> nn.Module:
        return self.model.head

    @property
    def n_levels(self) -> int:
        return len(self._class_modules)

    @property
    def rivals(self) -> dict[int, str]:
        """Every label with its name, and the background of a softmax (column 0), which a sigmoid does not read."""
        count = int(self.model.head.classification_head.num_columns)
        labels = {label: self.class_names.get(label, f"class {label}") for label in range(1, count)}
        return {0: "background", **labels} if self.score_activation == "softmax" else labels

    @property
    def _class_modules(self) -> nn.ModuleList:
        return self.model.head.classification_head.module_list

    @property
    def _box_modules(self) -> nn.ModuleList:
        return self.model.head.regression_head.module_list

    def head_modules(self, level: int) -> tuple[nn.Module, ...]:
        return self._class_modules[level], self._box_modules[level]

    @cached_property
    def edge_layer(self) -> str:
        """The last backbone module that is finer than every level of the head: conv3_3 in SSD300-VGG16, and the
        last expansion to 40 cells in SSDlite320-MobileNetV3.

        At a level's own input the evidence says no more about the true error than the box's size (docs/measurements).
        """
        layers = {f"backbone.{name}": module for name, module in self.model.backbone.named_modules() if name}
        width, height = self.model.transform.fixed_size
        pixels = torch.zeros(1, 3, height, width, device=self.device, dtype=self.dtype)

        def run() -> float:
            maps = self.model.backbone(pixels)
            maps = [maps] if isinstance(maps, Tensor) else maps.values()
            return 1 + max(int(level.shape[-1]) for level in maps)

        with self.borrowed(), torch.no_grad():
            return last_fine_layer(layers, run) or "auto"

    def in_depth(self, stage: Stage) -> bool:
        """Whether a stage is no level's input, or one of the first two levels', on which the coarser levels rest."""
        return stage.level is None or stage.level < BACKBONE_LEVELS

    @property
    def mismatch_hint(self) -> str:
        other = next(name for name in ACTIVATIONS if name != self.score_activation)
        return (f"if the model's scores come from a {other}, set score_activation={other!r} "
                f"(--score-activation {other}); otherwise its postprocess_detections differs in a way that "
                "detcam cannot follow")

    def canvas(self, image: Image) -> Canvas:
        with self.borrowed():
            return canvas_of(self.model.transform, image, next(self.model.parameters()).detach())

    def forward(self, pixels: Tensor) -> Prediction:
        tensors = normalised(self.model.transform, pixels)
        modules = [*self._class_modules, *self._box_modules]
        with recorded(modules) as outputs:
            features = self.model.backbone(tensors)
            features = features if isinstance(features, OrderedDict) else OrderedDict([("0", features)])
            maps = list(features.values())
            self.model.head(maps)
        size = (int(pixels.shape[-2]), int(pixels.shape[-1]))
        anchors = self.model.anchor_generator(ImageList(tensors, [size] * len(tensors)), maps)[0].to(self.dtype)
        count = len(self._class_modules)
        return self._prediction(outputs[:count], outputs[count:], anchors)

    def _prediction(self, logits: list[Tensor], regressions: list[Tensor], anchors: Tensor) -> Prediction:
        columns = int(self.model.head.classification_head.num_columns)
        per_cell = [values.shape[1] // columns for values in logits]
        levels, start = [], 0
        for values, regression, n in zip(logits, regressions, per_cell, strict=True):
            height, width = values.shape[-2:]
            boxes = anchors[start : start + height * width * n].view(height, width, n, 4)
            centres = (boxes[..., :2] + boxes[..., 2:]).mean(2) / 2
            grid = grid_of_centres(centres[0, :, 0].tolist(), centres[:, 0, 1].tolist())
            levels.append(Level(values, regression, n, start, grid))
            start += height * width * n
        activate = ACTIVATIONS[self.score_activation]
        with torch.no_grad():
            scores = activate(flatten_rows([values.detach() for values in logits], per_cell))
            raw = flatten_rows([values.detach() for values in regressions], per_cell)
            boxes = torch.stack([self.model.box_coder.decode_single(one, anchors) for one in raw])

        def decode(outputs: Tensor, rows: Tensor) -> Tensor:
            return self.model.box_coder.decode_single(outputs, anchors[rows])

        return Prediction(boxes, scores, tuple(levels), activate, decode)

    def select(self, prediction: Prediction, canvas: Canvas, min_score: float) -> list[Detections]:
        selected = []
        for image, geometry in enumerate(canvas.geometries):
            boxes = clipped(prediction.boxes[image], geometry)
            rows, labels = self._candidates(prediction.scores[image], min_score)
            scores = prediction.scores[image][rows, labels]
            kept = batched_nms(boxes[rows], scores, labels, self.model.nms_thresh)
            kept = kept[: self.model.detections_per_img]
            rows, labels, scores = rows[kept], labels[kept], scores[kept]
            selected.append(detections_of(prediction, rows, labels, scores, to_source(boxes[rows], geometry)))
        return selected

    def selection(self, prediction: Prediction, canvas: Canvas, min_score: float) -> Selection:
        scores, labels = prediction.scores[0], tuple(range(1, prediction.scores.shape[-1]))
        boxes = clipped(prediction.boxes[0], canvas.geometries[0])
        return Selection(every_pair(scores, labels), (
            Score(min_score), Top(self.model.topk_candidates, labels), Suppression(boxes, self.model.nms_thresh),
            Most(self.model.detections_per_img)))

    def _candidates(self, scores: Tensor, min_score: float) -> tuple[Tensor, Tensor]:
        """Rows and labels above the threshold, at most ``topk_candidates`` a class; class 0 is the background."""
        rows, labels = [], []
        for label in range(1, scores.shape[-1]):
            above = torch.where(scores[:, label] > min_score)[0]
            best = scores[above, label].topk(min(self.model.topk_candidates, len(above)))[1]
            rows.append(above[best])
            labels.append(torch.full_like(best, label))
        return torch.cat(rows), torch.cat(labels)

    def library_detections(self, image: Image, min_score: float) -> Detections:
        return model_detections(self, image, self.model, {"score_thresh": min_score})
