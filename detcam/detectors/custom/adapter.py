"""Adapter for a model of any architecture whose user says how it predicts."""

from collections.abc import Sequence
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn
from torchvision.ops import batched_nms

from detcam.detectors.base import Detector
from detcam.detectors.canvas import Canvas
from detcam.detectors.custom.canvas_fit import fitted_canvas
from detcam.detectors.custom.signatures import ACTIVATIONS, Detect, Predict
from detcam.detectors.detections import Detections
from detcam.detectors.finite import refuse_bad_prediction, refuse_bad_weights
from detcam.detectors.from_tensors import detections_of, without_rows
from detcam.detectors.layers.stages import Stage
from detcam.detectors.prediction import Prediction
from detcam.detectors.selection.candidates import every_pair
from detcam.detectors.selection.selection import Selection
from detcam.detectors.selection.steps import Most, Score, Suppression
from detcam.detectors.table_prediction import TablePrediction, table_prediction
from detcam.errors import DetectorError
from detcam.imaging.image import Image


class CustomDetector(Detector):
    """A model whose user says how it predicts; :func:`adapt` makes one and says what its arguments mean.

    Rows are the indices of its ``A`` outputs. Detections are every class of every row above the threshold, boxes
    clipped to the photograph, after a non-maximum suppression within each class, at most ``max_boxes`` of them.
    """

    family = "custom"

    def __init__(self, model: nn.Module, predict: Predict, names: dict[int, str], canvas_size: tuple[int, int],
                 layers: Sequence[str], name: str, fit: str, fill: float, antialias: bool, score_activation: str,
                 background: int | None, nms_iou: float, max_boxes: int, detect: Detect | None) -> None:
        self.model, self.name, self.architecture = model, name, type(model).__name__
        self.class_names = names
        self._predict, self._detect = predict, detect
        self._size, self._layers = canvas_size, tuple(layers)
        self._bring = partial(fitted_canvas, size=canvas_size, fit=fit, fill=fill, antialias=antialias)
        self._activate, self._background = ACTIVATIONS[score_activation], background
        self._nms_iou, self._max_boxes = nms_iou, max_boxes

    @property
    def head(self) -> None:
        return None

    @property
    def n_levels(self) -> int:
        return 0

    def auto_layer(self, level: int) -> str:
        """The last of the layers that may be explained."""
        return self._layers[-1]

    @property
    def edge_layer(self) -> str:
        """The first of the layers: evidence at a fine map agrees best with the true error (docs/measurements)."""
        return self._layers[0]

    def stages(self, pixels: Tensor) -> list[Stage]:
        return [Stage(layer) for layer in self._layers]

    def layer_names(self) -> list[str]:
        return list(self._layers)

    @property
    def depth_layers(self) -> tuple[Stage, ...]:
        """No layers: which ones of this model make a better map together was never measured."""
        return ()

    @property
    def rivals(self) -> dict[int, str]:
        background = {} if self._background is None else {self._background: "background"}
        return background | self.class_names

    @property
    def mismatch_hint(self) -> str:
        return "compare the canvas, predict, the score activation and nms_iou with what the model's own detection does"

    def canvas(self, image: Image) -> Canvas:
        pixels, geometry = self._bring(image)
        return Canvas(pixels.to(self.device, self.dtype), (geometry,))

    def forward(self, pixels: Tensor) -> TablePrediction:
        boxes, logits = _checked(self._predict(self.model, pixels), self.name, len(pixels), max(self.rivals))
        return table_prediction(logits, boxes, self._activate)

    def select(self, prediction: Prediction, canvas: Canvas, min_score: float) -> list[Detections]:
        labels = torch.tensor(sorted(self.class_names), device=prediction.scores.device)
        selected = []
        for image, geometry in enumerate(canvas.geometries):
            inside = self._inside(prediction.boxes[image], canvas, image)
            rows, columns = torch.where(prediction.scores[image][:, labels] > min_score)
            above, scores = labels[columns], prediction.scores[image][rows, labels[columns]]
            kept = batched_nms(inside[rows], scores, above, self._nms_iou)[: self._max_boxes]
            boxes = torch.from_numpy(geometry.to_source(inside[rows[kept]].double().cpu().numpy()))
            selected.append(detections_of(prediction, rows[kept], above[kept], scores[kept], boxes))
        return selected

    @staticmethod
    def _inside(boxes: Tensor, canvas: Canvas, image: int) -> Tensor:
        """Boxes ``[A, 4]`` xyxy canvas pixels, clipped to the photograph of an image of the batch."""
        x1, y1, x2, y2 = canvas.geometries[image].content.tolist()
        low, high = boxes.new_tensor([x1, y1, x1, y1]), boxes.new_tensor([x2, y2, x2, y2])
        return boxes.clamp(low, high)

    def selection(self, prediction: Prediction, canvas: Canvas, min_score: float) -> Selection:
        boxes = self._inside(prediction.boxes[0], canvas, 0)
        return Selection(every_pair(prediction.scores[0], sorted(self.class_names)), (
            Score(min_score), Suppression(boxes, self._nms_iou), Most(self._max_boxes)))

    def check(self, image: Image, prediction: Prediction, canvas: Canvas) -> None:
        """As for every detector; without the model's own ``detect`` there is nothing to compare with."""
        if self._detect is not None:
            super().check(image, prediction, canvas)
            return
        refuse_bad_weights(self.model, self.name)
        refuse_bad_prediction(self, image.name, prediction, canvas.pixels)

    def library_detections(self, image: Image, min_score: float) -> Detections:
        if self._detect is None:
            raise DetectorError(f"{self.name}: the model's own detections are not known; adapt() takes a function for "
                                "them as detect=")
        with self.borrowed(), torch.no_grad():
            boxes, labels, scores = map(torch.as_tensor, self._detect(self.model, image.rgb))
        kept = scores > min_score
        return without_rows(boxes[kept].reshape(-1, 4), labels[kept], scores[kept])


def _checked(answer: Any, name: str, batch: int, last: int) -> tuple[Tensor, Tensor]:
    """Boxes ``[B, A, 4]`` and logits ``[B, A, C]`` from what ``predict`` returned.

    Args:
        answer: what it returned.
        name: what messages call the detector.
        batch: ``B``.
        last: the highest column, ``C - 1``.

    Raises:
        DetectorError: it is something else; the message says what came.
    """
    expected = f"{name}: expected predict to return boxes [{batch}, A, 4] and logits [{batch}, A, {last + 1}], got "
    tensors = [part for part in answer if isinstance(part, Tensor)] if isinstance(answer, (tuple, list)) else []
    if len(tensors) != 2 or len(answer) != 2:
        raise DetectorError(f"{expected}{type(answer).__name__}")
    boxes, logits = tensors
    rows = boxes.shape[1] if boxes.ndim == 3 else -1
    if boxes.shape != (batch, rows, 4) or logits.shape != (batch, rows, last + 1):
        raise DetectorError(f"{expected}{list(boxes.shape)} and {list(logits.shape)}")
    return boxes, logits
