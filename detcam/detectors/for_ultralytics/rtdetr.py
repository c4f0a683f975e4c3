"""Adapter for ultralytics RT-DETR models, driven by the installed ``predict``'s own model and settings."""

from functools import cached_property
from typing import Any

import numpy as np
import torch
from torch import Tensor

from detcam.detectors.canvas import Canvas
from detcam.detectors.detections import Detections
from detcam.detectors.for_ultralytics.lazy_import import import_ultralytics
from detcam.detectors.for_ultralytics.predictor import architecture_of, last_layer_of_stride_8, private_predictor
from detcam.detectors.from_tensors import without_rows
from detcam.detectors.layers.hooks import recorded
from detcam.detectors.prediction import Prediction
from detcam.detectors.queries import Queries, QueryDetector, QueryPrediction, query_prediction
from detcam.detectors.selection.candidates import every_pair
from detcam.detectors.selection.selection import Selection
from detcam.detectors.selection.steps import Most, Score, Top
from detcam.errors import DetectorError
from detcam.imaging.geometry import Geometry
from detcam.imaging.image import Image


class RTDETRDetector(QueryDetector):
    """An ultralytics RT-DETR (Zhao et al. 2023): the private, fused, frozen copy that ``predict`` itself would run.

    The decoder's queries are the encoder's best cells, others for every input. A row is a query; rows are counted level
    by level, and in each from the first cell to the last, not by the encoder's score, whose rounding would swap them. A
    query's level and cell are those of its encoder cell, though its gradient reaches every level.

    Args:
        model: the ``RTDETRDetectionModel`` (from a checkpoint or a live ``RTDETR``); it is copied and left as it is.
        overrides: the settings that ``predict`` would use, such as ``imgsz``.
        name: what messages and provenance call it.
        imgsz: the canvas in pixels: its longer side, or height and width; None takes the checkpoint's.
        device: where to run.

    Raises:
        DetectorError: the model is no RT-DETR.
    """

    family = "rtdetr"

    def __init__(self, model: Any, overrides: dict[str, Any] | None = None, name: str = "rtdetr",
                 imgsz: int | tuple[int, int] | None = None, device: str = "cpu") -> None:
        import_ultralytics()
        from ultralytics.models.rtdetr.predict import RTDETRPredictor
        from ultralytics.nn.modules.head import RTDETRDecoder

        last = model.model[-1] if hasattr(model, "model") else None
        if type(last) is not RTDETRDecoder:
            raise DetectorError(f"{name}: expected an RT-DETR with an RTDETRDecoder, "
                                f"got {type(last if last is not None else model).__name__}")
        self._predictor = private_predictor(RTDETRPredictor, model, overrides, imgsz, device, {})
        self.model = self._predictor.model.model
        self.name = name
        self.architecture = architecture_of(model, "rtdetr")
        self.class_names = {int(label): str(class_name) for label, class_name in self.model.names.items()}

    @property
    def head(self) -> Any:
        return self.model.model[-1]

    @property
    def n_levels(self) -> int:
        return int(self.head.nl)

    @cached_property
    def edge_layer(self) -> str:
        """The last backbone layer of stride 8: ``model.3`` in RT-DETR-L."""
        self._forget()
        return last_layer_of_stride_8(self.model, next(self.model.parameters()))

    def canvas(self, image: Image) -> Canvas:
        """The photograph stretched to the canvas, whatever its shape: pixels ``[1, 3, h, w]``, RGB in 0..1."""
        stretched = self._predictor.pre_transform([image.rgb])[0]  # to which the channels' order means nothing
        pixels = torch.from_numpy(np.ascontiguousarray(stretched.transpose(2, 0, 1)))
        height, width = stretched.shape[:2]
        geometry = Geometry((image.height, image.width), (height, width), (width / image.width, height / image.height))
        return Canvas(pixels[None].to(self.device, self.dtype) / 255, (geometry,))

    def _forget(self) -> None:
        """Drop the anchors that the head has cached: they may be of another canvas, dtype or mode."""
        self.head.shapes = []

    def forward(self, pixels: Tensor) -> QueryPrediction:
        self._forget()
        maps: list[tuple[int, int]] = []
        hook = self.head.register_forward_pre_hook(
            lambda _, args: maps.extend((int(level.shape[-2]), int(level.shape[-1])) for level in args[0]))
        try:
            with recorded([self.head.enc_score_head]) as encoder:
                boxes, logits = self.model(pixels)[1][:2]
        finally:
            hook.remove()
        queries = self._in_order(logits[0], boxes[0], encoder[0].detach(), maps)
        return query_prediction(queries, maps, (int(pixels.shape[-2]), int(pixels.shape[-1])), torch.sigmoid)

    @staticmethod
    def _in_order(logits: Tensor, boxes: Tensor, encoder: Tensor, maps: list[tuple[int, int]]) -> Queries:
        """The queries in the order of the encoder's cells.

        Args:
            logits: ``[B, Q, C]`` class logits, in the decoder's order.
            boxes: ``[B, Q, 4]`` centre x and y, width and height as shares of the canvas, in the same order.
            encoder: ``[B, cells, C]`` class logits of all cells.
            maps: height and width of each level, in cells.
        """
        chosen = encoder.amax(-1).topk(logits.shape[1], dim=1)[1]  # as RTDETRDecoder chooses them
        places, order = chosen.sort(1)
        image = torch.arange(len(order), device=order.device)[:, None]
        sizes = torch.tensor(maps, device=order.device)
        ends = sizes.prod(1).cumsum(0)
        levels = torch.bucketize(places, ends, right=True)
        within, widths = places - (ends - sizes.prod(1))[levels], sizes[levels, 1]
        cells = torch.stack([within // widths, within % widths], -1)
        return Queries(logits[image, order], boxes[image, order], levels, cells)

    def _selection(self, prediction: Prediction, image: int, min_score: float) -> Selection:
        """The best pairs of query and class, as many as there are queries: one query may be detected as two classes."""
        scores = prediction.scores[image]
        return Selection(every_pair(scores, range(scores.shape[-1])), (
            Top(min(self.head.num_queries, scores.numel())), Score(min_score), Most(self._predictor.args.max_det)))

    def library_detections(self, image: Image, min_score: float) -> Detections:
        self._predictor.args.conf = min_score
        reported = self._predictor(source=np.ascontiguousarray(image.rgb[..., ::-1]))[0].boxes
        self._forget()
        return without_rows(reported.xyxy, reported.cls.long(), reported.conf)
