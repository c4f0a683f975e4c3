"""What torchvision's RetinaNet and FCOS share: a feature pyramid, and one head that runs over every level of it."""

import math
from abc import abstractmethod
from collections import OrderedDict
from functools import cached_property
from typing import Any

import torch
from torch import Tensor, nn
from torchvision.models.detection.image_list import ImageList

from detcam.detectors.base import Detector
from detcam.detectors.canvas import Canvas
from detcam.detectors.detections import Detections
from detcam.detectors.for_torchvision.own_detections import model_detections
from detcam.detectors.for_torchvision.transform import canvas_of, clipped, normalised, to_source
from detcam.detectors.from_tensors import detections_of
from detcam.detectors.layers.edge_layer import last_fine_layer, outside_shortcuts
from detcam.detectors.layers.hooks import recorded
from detcam.detectors.prediction import Level, Prediction
from detcam.detectors.selection.candidates import Pairs, every_pair
from detcam.detectors.selection.selection import Selection
from detcam.detectors.selection.steps import Most, Score, Step, Suppression, TopOfLevels
from detcam.errors import DetectorError
from detcam.imaging.grid import Grid
from detcam.imaging.image import Image

PROBE_SIZE = 128  # canvas pixels a side: the finest levels of a pyramid still differ in size


class DenseDetector(Detector):
    """A live RetinaNet or FCOS of torchvision's, explained in place and left as it was found.

    Every column of the class logits is a class that the library may report, column 0 too: there is no background among
    them. torchvision's own weights never use label 0, which their list of names calls background.

    Args:
        model: the detector, in any mode, on any device.
        class_names: label to class name, from label 1 on; None for ``class 0``, ``class 1``, ….
        name: what messages and provenance call it.
        architecture: what models with other weights share with it; None takes the name of the model's class.

    Raises:
        DetectorError: its head is not made of torchvision's parts.
    """

    parts: tuple[tuple[str, str], ...]
    """The head's modules that give a level's maps: class logits, box outputs, then others."""

    def __init__(self, model: Any, class_names: dict[int, str] | None = None, name: str = "",
                 architecture: str | None = None) -> None:
        for branch, module in self.parts:
            if not isinstance(getattr(getattr(model.head, branch, None), module, None), nn.Module):
                raise DetectorError(f"{name or self.family}: expected a {type(model).__name__} head with a "
                                    f"{branch}.{module}, one module for all levels")
        self.model = model
        self.name = name or self.family
        self.architecture = architecture or type(model).__name__
        given = None if class_names is None else {0: "background", **class_names}
        self.class_names = {label: (given or {}).get(label, f"class {label}") for label in range(self.columns)}

    @property
    def columns(self) -> int:
        """``C``: how many class logits a row has."""
        return int(self.model.head.classification_head.num_classes)

    @property
    def head(self) -> nn.Module:
        head: nn.Module = self.model.head
        return head

    @property
    def neck(self) -> nn.Module | None:
        fpn: nn.Module | None = getattr(self.model.backbone, "fpn", None)
        return fpn

    @property
    def n_levels(self) -> int:
        return len(self.model.anchor_generator.num_anchors_per_location())

    @cached_property
    def edge_layer(self) -> str:
        """Below a feature pyramid the backbone's last module that is as fine as the finest level
        (``backbone.body.layer2`` of a ResNet), as for YOLO; without one the last that is finer, as for SSD.

        A rule that was carried over from those two, and not measured here.
        """
        prefix = "backbone.body" if self.neck is not None and hasattr(self.model.backbone, "body") else "backbone"
        backbone = self.model.get_submodule(prefix)
        layers = {f"{prefix}.{name}": module for name, module in outside_shortcuts(backbone).items() if name}
        pixels = torch.zeros(1, 3, PROBE_SIZE, PROBE_SIZE, device=self.device, dtype=self.dtype)

        def run() -> float:
            finest = max(int(level.shape[-1]) for level in self._features(pixels))
            return finest if prefix != "backbone" else 1 + finest

        with self.borrowed(), torch.no_grad():
            return last_fine_layer(layers, run) or "auto"

    def canvas(self, image: Image) -> Canvas:
        with self.borrowed():
            return canvas_of(self.model.transform, image, next(self.model.parameters()).detach())

    def _features(self, tensors: Tensor) -> list[Tensor]:
        """The levels' maps ``[B, c, h, w]`` for normalised canvases ``[B, 3, h, w]``."""
        features = self.model.backbone(tensors)
        features = features if isinstance(features, OrderedDict) else OrderedDict([("0", features)])
        return list(features.values())

    def forward(self, pixels: Tensor) -> Prediction:
        tensors = normalised(self.model.transform, pixels)
        modules = [getattr(getattr(self.model.head, branch), module) for branch, module in self.parts]
        with recorded(modules, self.n_levels) as outputs:
            features = self._features(tensors)
            self.model.head(features)
        count = self.n_levels
        logits, regressions, *others = (outputs[first : first + count] for first in range(0, len(outputs), count))
        size = (int(pixels.shape[-2]), int(pixels.shape[-1]))
        anchors = self.model.anchor_generator(ImageList(tensors, [size] * len(tensors)), features)[0].to(self.dtype)
        levels, start = [], 0
        for values, regression in zip(logits, regressions, strict=True):
            shape = int(values.shape[-2]), int(values.shape[-1])
            level = Level(values, regression, values.shape[1] // self.columns, start, pyramid_grid(size, shape))
            levels.append(level)
            start += level.rows
        return self._prediction(tuple(levels), anchors, others)

    @abstractmethod
    def _prediction(self, levels: tuple[Level, ...], anchors: Tensor, others: list[list[Tensor]]) -> Prediction:
        """The prediction, with scores and boxes of all rows.

        Args:
            levels: their class logits and box outputs.
            anchors: ``[A, 4]`` xyxy canvas pixels.
            others: the maps of each further one of ``parts``, one a level.
        """

    def select(self, prediction: Prediction, canvas: Canvas, min_score: float) -> list[Detections]:
        selected = []
        for image, geometry in enumerate(canvas.geometries):
            scores, boxes = prediction.scores[image], clipped(prediction.boxes[image], geometry)
            rows, labels = torch.where(scores > min_score)
            above = Pairs(rows, labels, scores[rows, labels])
            kept = Selection(above, self._steps(prediction, boxes, min_score)).kept()
            source = to_source(boxes[kept.rows], geometry)
            selected.append(detections_of(prediction, kept.rows, kept.labels, kept.scores, source))
        return selected

    def selection(self, prediction: Prediction, canvas: Canvas, min_score: float) -> Selection:
        scores, boxes = prediction.scores[0], clipped(prediction.boxes[0], canvas.geometries[0])
        return Selection(every_pair(scores, range(scores.shape[-1])), self._steps(prediction, boxes, min_score))

    def _steps(self, prediction: Prediction, boxes: Tensor, min_score: float) -> tuple[Step, ...]:
        starts = tuple(level.start for level in prediction.levels)
        return (Score(min_score), TopOfLevels(self.model.topk_candidates, starts=starts),
                Suppression(boxes, self.model.nms_thresh), Most(self.model.detections_per_img))

    def library_detections(self, image: Image, min_score: float) -> Detections:
        return model_detections(self, image, self.model, {"score_thresh": min_score})


def pyramid_grid(canvas: tuple[int, int], shape: tuple[int, int]) -> Grid:
    """Where a pyramid level's cells lie on the canvas: cell ``x`` is centred at ``x * stride``.

    That is the centre of its receptive field (odd kernels, padded by half) and of torchvision's anchors. The stride
    here is the convolutions' power of two. The anchors' stride is the canvas over the cells, rounded down, which is
    less where a level was rounded up (114 px instead of 128 for the 7 cells of RetinaNet's last level on 800 px).

    Args:
        canvas: its height and width, in pixels.
        shape: the level's height and width, in cells.
    """
    power = 1.0
    while any(math.ceil(side / power) > cells for side, cells in zip(canvas, shape, strict=True)):
        power *= 2
    return Grid((power, power), (-power / 2, -power / 2))
