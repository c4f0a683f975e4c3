"""Adapter for ultralytics YOLO detection models, driven by the installed ``predict``'s own model and settings."""

from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from detcam.detectors.base import Detector
from detcam.detectors.canvas import Canvas
from detcam.detectors.detections import Detections
from detcam.detectors.for_ultralytics.lazy_import import import_ultralytics
from detcam.detectors.for_ultralytics.masks import Masks
from detcam.detectors.for_ultralytics.predictor import architecture_of, last_layer_of_stride_8, private_predictor
from detcam.detectors.from_tensors import detections_of, without_rows
from detcam.detectors.layers.hooks import recorded
from detcam.detectors.prediction import Level, Prediction, flatten_rows
from detcam.detectors.selection.candidates import every_pair
from detcam.detectors.selection.selection import Selection
from detcam.detectors.selection.steps import BestClass, Masked, Most, Score, Step, Suppression, Top, TopOfRows
from detcam.errors import DetectorError, InputError
from detcam.imaging.geometry import Geometry
from detcam.imaging.grid import Grid
from detcam.imaging.image import Image

HEADS = ("one2many", "one2one")
MAX_NMS, CLASS_OFFSET = 30000, 7680.0  # of non_max_suppression: most candidates, canvas pixels between classes
TASKS = {"Detect": "detect", "v10Detect": "detect", "Segment": "segment", "Segment26": "segment", "Pose": "pose",
         "Pose26": "pose"}  # by the head's class
REFUSED = {"OBB": "its boxes are oriented, and have no left, top, right or bottom edge to explain",
           "OBB26": "its boxes are oriented, and have no left, top, right or bottom edge to explain",
           "Classify": "it classifies whole photographs, and finds no boxes"}


@dataclass(frozen=True)
class YoloPrediction(Prediction):
    """A prediction with the network's own output table, on which ultralytics' suppression runs unchanged.

    Attributes:
        output: ``[B, 4 + C + E, A]``, detached: centre, width and height in canvas pixels, scores, and ``E`` mask
            coefficients or keypoint values; of a one-to-one head ``[B, K, 6 + E]``: corners, score and class instead.
        masks: of a segmentation model; None for others.
    """

    output: Tensor = field(kw_only=True)
    masks: Masks | None = field(default=None, kw_only=True)

    def of_image(self, image: int) -> "YoloPrediction":
        masks = None if self.masks is None else self.masks.of_image(image)
        return replace(super().of_image(image), output=self.output[image : image + 1], masks=masks)


class YOLODetector(Detector):
    """An ultralytics detection model: the private, fused, frozen copy that ``predict`` itself would run.

    Segmentation and pose models are explained by their boxes, which are ``predict``'s own; their masks and keypoints
    are not explained. (A box whose mask is empty is no detection: ``predict`` drops it.)

    Args:
        model: the ``DetectionModel`` (from a checkpoint or a live ``YOLO``); it is copied and left as it is.
        overrides: the settings that ``predict`` would use, such as ``imgsz``.
        name: what messages and provenance call it.
        head: ``"one2many"`` or ``"one2one"``; None follows what the installed ``predict`` does.
        imgsz: the canvas in pixels: its longer side, or height and width; None takes the checkpoint's.
        device: where to run.

    Raises:
        DetectorError: the model is no detection model, or it has no such head.
        InputError: ``head`` is neither of the two.
    """

    family = "yolo"

    def __init__(self, model: Any, overrides: dict[str, Any] | None = None, name: str = "yolo",
                 head: str | None = None, imgsz: int | tuple[int, int] | None = None, device: str = "cpu") -> None:
        import_ultralytics()

        last = model.model[-1] if hasattr(model, "model") else None
        task = _task(last if last is not None else model, name)
        if head not in (None, *HEADS):
            raise InputError(f"head {head!r}: expected one of {', '.join(HEADS)}")
        if head == "one2one" and getattr(last, "one2one_cv2", None) is None:
            raise DetectorError(f"{name} has no one-to-one head: leave out head, or set head='one2many'")
        settings = {"task": task} | ({} if head is None else {"nms": None if head == "one2many" else False})
        predictor = private_predictor(_predictor(task), model, overrides, imgsz, device, settings)
        if head == "one2many" and predictor.model.end2end:
            raise DetectorError(f"{name}: its one-to-many head was removed when it was fused; only one2one is left")
        self._predictor = predictor
        self.model = predictor.model.model
        self.name = name
        self.architecture = architecture_of(model, "yolo")
        self.class_names = {int(label): str(class_name) for label, class_name in self.model.names.items()}

    @property
    def end2end(self) -> bool:
        """Whether the one-to-one head, which needs no suppression, is the one that is run and explained."""
        return bool(self._predictor.model.end2end)

    @property
    def head(self) -> Any:
        return self.model.model[-1]

    @property
    def n_levels(self) -> int:
        return int(self.head.nl)

    def head_modules(self, level: int) -> tuple[nn.Module, ...]:
        branch = self.head.one2one if self.end2end else self.head.one2many
        return branch["cls_head"][level], branch["box_head"][level]

    @cached_property
    def edge_layer(self) -> str:
        """The last backbone layer of stride 8: ``model.4`` in most, 6 in YOLOv3, 22 in YOLOv9e."""
        self.head.shape = None
        return last_layer_of_stride_8(self.model, next(self.model.parameters()))

    def canvas(self, image: Image) -> Canvas:
        letterboxed = self._predictor.pre_transform([image.rgb])[0]  # to which the channels' order means nothing
        pixels = torch.from_numpy(np.ascontiguousarray(letterboxed.transpose(2, 0, 1)))
        height, width = letterboxed.shape[:2]
        gain = min(height / image.height, width / image.width)  # as LetterBox and scale_boxes round it
        inner = [max(round(side * gain), 1) for side in (image.height, image.width)]
        geometry = Geometry(
            source=(image.height, image.width),
            canvas=(height, width),
            scale=(inner[1] / image.width, inner[0] / image.height),
            offset=(round((width - inner[1]) / 2 - 0.1), round((height - inner[0]) / 2 - 0.1)),
        )
        return Canvas(pixels[None].to(self.device, self.dtype) / 255, (geometry,))

    def forward(self, pixels: Tensor) -> YoloPrediction:
        self.head.shape = None  # anchors cached by an earlier canvas, or in inference mode, must not be used again
        count = self.n_levels
        classes, boxes = zip(*(self.head_modules(level) for level in range(count)), strict=True)
        with recorded([*classes, *boxes]) as outputs:
            output, raw = self.model(pixels)
        levels, start = [], 0
        for i in range(count):
            stride = float(self.head.stride[i])
            level = Level(outputs[i], outputs[count + i], 1, start, Grid((stride, stride)))
            levels.append(level)
            start += level.rows
        masks = None
        if isinstance(output, tuple):
            output, prototypes = output
            branch = raw.get("one2one" if self.end2end else "one2many", raw)
            size = int(pixels.shape[-2]), int(pixels.shape[-1])
            masks = Masks(prototypes.detach(), branch["mask_coefficient"].detach(), size)
        return self._prediction(tuple(levels), output.detach(), masks)

    def _prediction(self, levels: tuple[Level, ...], output: Tensor, masks: Masks | None) -> YoloPrediction:
        anchors, strides = anchor_points(levels)

        def decode(raw: Tensor, rows: Tensor) -> Tensor:
            distances = self._bins(raw)[1] if self.head.reg_max > 1 else raw
            centre, stride = anchors[rows], strides[rows, None]
            return torch.cat([centre - distances[:, :2] * stride, centre + distances[:, 2:] * stride], 1)

        def spread(raw: Tensor, rows: Tensor) -> Tensor:
            probabilities, mean = self._bins(raw)
            bins = torch.arange(self.head.reg_max, device=raw.device, dtype=raw.dtype)
            variance = (probabilities * (bins - mean[..., None]) ** 2).sum(-1)
            return variance.sqrt() * strides[rows, None]

        with torch.no_grad():
            scores = flatten_rows([level.logits.detach() for level in levels], [1] * len(levels)).sigmoid()
            raw = flatten_rows([level.regression.detach() for level in levels], [1] * len(levels))
            every_row = torch.arange(raw.shape[1], device=raw.device)
            boxes = torch.stack([decode(one, every_row) for one in raw])
        return YoloPrediction(boxes, scores, levels, torch.sigmoid, decode,
                              spread if self.head.reg_max > 1 else None, output=output, masks=masks)

    def _bins(self, raw: Tensor) -> tuple[Tensor, Tensor]:
        """Probabilities of each edge's distance from the cell's centre ``[N, 4, reg_max]`` (DFL), and the means
        ``[N, 4]`` in cells, from raw box outputs ``[N, 4 * reg_max]``."""
        probabilities = raw.view(len(raw), 4, -1).softmax(-1)
        bins = torch.arange(self.head.reg_max, device=raw.device, dtype=raw.dtype)
        return probabilities, (probabilities * bins).sum(-1)

    def select(self, prediction: Prediction, canvas: Canvas, min_score: float) -> list[Detections]:
        from ultralytics.utils.nms import non_max_suppression

        assert isinstance(prediction, YoloPrediction)
        args = self._predictor.args
        kept, indices = non_max_suppression(prediction.output, min_score, args.iou, None, args.agnostic_nms,
                                            max_det=args.max_det, nc=self.head.nc, end2end=self.end2end,
                                            return_idxs=True)
        if self.end2end:
            ranked = self.head.get_topk_index(prediction.scores, self.head.max_det)[2]
            indices = [ranked[image][places] for image, places in enumerate(indices)]
        selected = []
        for image, geometry in enumerate(canvas.geometries):
            table, rows, (height, width) = kept[image], indices[image].view(-1).long(), geometry.source
            if prediction.masks is not None:
                filled = prediction.masks.filled(image, rows, table[:, :4])
                table, rows = table[filled], rows[filled]
            inside = geometry.to_source(table[:, :4].double().cpu().numpy()).clip(0, [width, height, width, height])
            boxes = torch.from_numpy(inside)
            selected.append(detections_of(prediction, rows, table[:, 5].long(), table[:, 4], boxes))
        return selected

    def selection(self, prediction: Prediction, canvas: Canvas, min_score: float) -> Selection:
        assert isinstance(prediction, YoloPrediction)
        args = self._predictor.args
        scores = prediction.scores[0] if self.end2end else prediction.output[0, 4 : 4 + self.head.nc].T
        pairs = every_pair(scores, range(scores.shape[-1]))
        masks, rows_boxes = prediction.masks, prediction.boxes[0]
        last: tuple[Step, ...] = (Most(args.max_det),)
        if masks is not None:
            last = (*last, Masked(lambda rows: masks.filled(0, rows, rows_boxes[rows])))
        if self.end2end:
            top = min(self.head.max_det, len(scores))
            first: tuple[Step, ...] = (BestClass(), Top(top)) if self.head.agnostic_nms else (TopOfRows(top),)
            return Selection(pairs, (*first, Score(min_score), *last))
        middle, size = prediction.output[0, :2].T, prediction.output[0, 2:4].T
        boxes = torch.cat([middle - size / 2, middle + size / 2], 1)
        return Selection(pairs, (
            BestClass(), Score(min_score), Top(MAX_NMS, if_more=True),
            Suppression(boxes, args.iou, 0 if args.agnostic_nms else CLASS_OFFSET), *last))

    def library_detections(self, image: Image, min_score: float) -> Detections:
        self._predictor.args.conf = min_score
        reported = self._predictor(source=np.ascontiguousarray(image.rgb[..., ::-1]))[0].boxes
        self.head.shape = None
        return without_rows(reported.xyxy, reported.cls.long(), reported.conf)


def anchor_points(levels: tuple[Level, ...]) -> tuple[Tensor, Tensor]:
    """The centre ``(x, y)`` of every row's cell, ``[A, 2]``, and the stride of its level, ``[A]``, in canvas pixels."""
    centres, strides = [], []
    for level in levels:
        height, width = level.shape
        y, x = torch.meshgrid(torch.arange(height), torch.arange(width), indexing="ij")
        stride = level.grid.stride[0]
        centres.append((torch.stack([x.flatten(), y.flatten()], 1) + 0.5) * stride)
        strides.append(torch.full((height * width,), stride))
    like = levels[0].logits
    return torch.cat(centres).to(like), torch.cat(strides).to(like)


def _task(head: Any, name: str) -> str:
    """The task of a model with such a head, as ultralytics calls it.

    Raises:
        DetectorError: the model finds no upright boxes.
    """
    kind = type(head).__name__
    if kind in TASKS and type(head).__module__ == "ultralytics.nn.modules.head":
        return TASKS[kind]
    why = f": {REFUSED[kind]}" if kind in REFUSED else ""
    raise DetectorError(f"{name}: expected a YOLO detection model with a Detect, Segment or Pose head, got {kind}{why}")


def _predictor(task: str) -> Any:
    """Ultralytics' class of predictors for a task."""
    from ultralytics.models import yolo

    return {"detect": yolo.detect.DetectionPredictor, "segment": yolo.segment.SegmentationPredictor,
            "pose": yolo.pose.PosePredictor}[task]
