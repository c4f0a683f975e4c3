"""Adapter for torchvision's Faster R-CNN and its subclasses, Mask and Keypoint R-CNN, explained by their boxes."""

from collections import OrderedDict
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cached_property, partial
from typing import Any

import torch
from torch import Tensor, nn
from torchvision.models.detection.faster_rcnn import FasterRCNN
from torchvision.models.detection.image_list import ImageList
from torchvision.ops import MultiScaleRoIAlign, batched_nms, remove_small_boxes

from detcam.detectors.base import FROZEN, Detector
from detcam.detectors.canvas import Canvas
from detcam.detectors.detections import Detections
from detcam.detectors.for_torchvision.own_detections import model_detections
from detcam.detectors.for_torchvision.padding import content_sizes, mark_padding_border
from detcam.detectors.for_torchvision.roi_head import Proposals, Regions, RoIHead, kept
from detcam.detectors.for_torchvision.roi_prediction import RoIPrediction
from detcam.detectors.for_torchvision.transform import canvas_of, clipped, normalised, to_source
from detcam.detectors.from_tensors import detections_of
from detcam.detectors.layers.edge_layer import last_fine_layer, outside_shortcuts
from detcam.detectors.prediction import Level, Prediction
from detcam.detectors.selection.selection import Selection
from detcam.detectors.selection.steps import Most, Score, Small, Suppression
from detcam.errors import DetectorError
from detcam.imaging.grid import Grid
from detcam.imaging.image import Image

SMALLEST = 1e-2  # canvas pixels: RoIHeads.postprocess_detections drops boxes with a shorter side
PROBE = 64  # canvas pixels: two cells on the coarsest map of a stride-32 backbone
EXTRAS = ("mask_roi_pool", "keypoint_roi_pool")  # without which no masks and no keypoints are made


class RCNNDetector(Detector):
    """A live ``torchvision.models.detection.FasterRCNN``, explained in place and left as it was found.

    Its rows are pairs of a proposal and a class (:class:`RoIPrediction`). The proposals are constants of every
    gradient, as they are in training: what made the region proposal network propose a region is another question.

    Args:
        model: the model, in any mode, on any device.
        class_names: class index to word; index 0 is the background.
        name: what to call it in messages and provenance.
        architecture: what it shares with other weights of its kind.

    Raises:
        DetectorError: it is no Faster R-CNN, or its box head is not made like torchvision's own.
    """

    family = "rcnn"
    rows = FROZEN

    def __init__(self, model: FasterRCNN, class_names: dict[int, str] | None = None, name: str = "rcnn",
                 architecture: str | None = None) -> None:
        if not isinstance(model, FasterRCNN):
            raise DetectorError(f"expected a torchvision Faster R-CNN, got {type(model).__name__}")
        heads: Any = model.roi_heads
        if not isinstance(heads.box_roi_pool, MultiScaleRoIAlign):
            raise DetectorError(f"{name}: expected a MultiScaleRoIAlign as box_roi_pool, got "
                                f"{type(heads.box_roi_pool).__name__}")
        if not isinstance(getattr(heads.box_predictor, "cls_score", None), nn.Linear):
            raise DetectorError(f"{name}: expected a box_predictor with a linear cls_score, as FastRCNNPredictor's")
        self.model = model
        self.name = name
        self.architecture = architecture or type(model).__name__
        self._count = int(heads.box_predictor.cls_score.out_features)
        self.class_names = class_names or {label: f"class {label}" for label in range(1, self._count)}
        self._head = RoIHead(model.rpn, heads, self.borrowed)
        self._held: Proposals | None = None
        self._anew = False

    @property
    def head(self) -> RoIHead:
        return self._head

    @cached_property
    def n_levels(self) -> int:
        with self.borrowed(), torch.no_grad():
            found = self._maps(self.blank_canvas())
        return sum(name in self._head.pool.featmap_names for name in found)

    def blank_canvas(self) -> Tensor:
        """Smaller than any photograph's: the transform would enlarge a small one."""
        return torch.zeros(1, 3, PROBE, PROBE, device=self.device, dtype=self.dtype)

    @property
    def neck(self) -> nn.Module | None:
        return getattr(self.model.backbone, "fpn", None)

    @cached_property
    def edge_layer(self) -> str:
        """The last layer of the trunk with a cell every 8 pixels: ``backbone.body.layer2`` in ResNets.

        This is the rule for YOLO, carried over: on no two-stage detector has it been measured which layer knows best.
        """
        neck = set() if self.neck is None else set(self.neck.modules())
        trunk = {f"backbone.{name}": module for name, module in outside_shortcuts(self.model.backbone).items()
                 if name and module not in neck}

        def run() -> float:
            self._maps(self.blank_canvas())
            return PROBE / 8

        with self.borrowed(), torch.no_grad():
            return last_fine_layer(trunk, run) or "auto"

    @property
    def rivals(self) -> dict[int, str]:
        names = {label: self.class_names.get(label, f"class {label}") for label in range(1, self._count)}
        return {0: "background", **names}

    def canvas(self, image: Image) -> Canvas:
        with self.borrowed():
            return mark_padding_border(self.model.transform, canvas_of(self.model.transform, image, self._weight))

    @property
    def _weight(self) -> Tensor:
        weight: Tensor = next(self.model.parameters())
        return weight

    @contextmanager
    def frozen_proposals(self, prediction: Prediction, rows: bool = True) -> Iterator[None]:
        """In the block the proposals of ``prediction`` are replayed; with ``rows=False`` they are found anew, on a
        canvas whose photograph is as large as it was there.

        Raises:
            DetectorError: from a forward pass of another canvas size, or of another number of photographs.
        """
        assert isinstance(prediction, RoIPrediction)
        before = self._held, self._anew
        try:
            self._held, self._anew = prediction.proposals, not rows
            yield
        finally:
            self._held, self._anew = before

    def forward(self, pixels: Tensor) -> RoIPrediction:
        tensors = normalised(self.model.transform, pixels)
        held = self._replayed(pixels)
        sizes = content_sizes(tensors) if held is None else list(held.sizes)
        features = self._maps(tensors)
        maps = [each for name, each in features.items() if name in self._head.pool.featmap_names]
        return self._prediction(self._head(maps, features, ImageList(tensors, sizes), None if self._anew else held))

    def _maps(self, tensors: Tensor) -> "OrderedDict[str, Tensor]":
        """The backbone's maps ``[B, c, h, w]`` of normalised canvases, by name."""
        found = self.model.backbone(tensors)
        return OrderedDict([("0", found)]) if isinstance(found, Tensor) else found

    def _replayed(self, pixels: Tensor) -> Proposals | None:
        """What is held, for each of some canvases ``[B, 3, h, w]``."""
        if self._held is None:
            return None
        batch, size = len(pixels), (int(pixels.shape[-2]), int(pixels.shape[-1]))
        if size != self._held.canvas or len(self._held.boxes) not in (1, batch):
            raise DetectorError(f"{self.name}: proposals of {len(self._held.boxes)} photographs on a canvas of "
                                f"{self._held.canvas} are held, which {batch} on one of {size} cannot replay; leave "
                                "holding() first")
        return self._held.on(batch)

    def _prediction(self, regions: Regions) -> RoIPrediction:
        coder = self.model.roi_heads.box_coder
        batch, count, classes = regions.logits.shape
        boxes = regions.proposals.boxes
        decoded = coder.decode_single(regions.deltas.flatten(0, 1).flatten(1), boxes.reshape(-1, 4))
        decoded = decoded.view(batch, count, classes, 4)[:, :, 1:]
        probabilities = regions.logits.softmax(-1)
        levels = tuple(Level(each, each, 0, 0, Grid((1 / scale, 1 / scale)))
                       for each, scale in zip(regions.maps.values(), regions.proposals.pooling[0], strict=True))

        def decode(raw: Tensor, own: Tensor) -> Tensor:
            found: Tensor = coder.decode_single(raw, own)
            return found

        return RoIPrediction(decoded.reshape(batch, -1, 4), probabilities[..., 1:].reshape(batch, -1, 1), levels,
                             partial(torch.softmax, dim=-1), decode, probabilities=probabilities, regions=regions)

    def select(self, prediction: Prediction, canvas: Canvas, min_score: float) -> list[Detections]:
        assert isinstance(prediction, RoIPrediction)
        heads, selected = self.model.roi_heads, []
        for image, geometry in enumerate(canvas.geometries):
            alone = prediction.of_image(image)
            pairs, boxes = alone.pairs, clipped(alone.boxes[0], geometry)
            pairs = pairs[torch.where(pairs.scores > min_score)[0]]
            pairs = pairs[remove_small_boxes(boxes[pairs.rows], SMALLEST)]
            best = batched_nms(boxes[pairs.rows], pairs.scores, pairs.labels, heads.nms_thresh)
            pairs = pairs[best[: heads.detections_per_img]]
            selected.append(detections_of(alone, pairs.rows, pairs.labels, pairs.scores,
                                          to_source(boxes[pairs.rows], geometry)))
        return selected

    def selection(self, prediction: Prediction, canvas: Canvas, min_score: float) -> Selection:
        """As in the base class. What no proposal covers has no row: which anchors the region proposal network dropped,
        and why, is not told."""
        assert isinstance(prediction, RoIPrediction)
        heads, boxes = self.model.roi_heads, clipped(prediction.boxes[0], canvas.geometries[0])
        return Selection(prediction.of_image(0).pairs, (
            Score(min_score), Small(boxes, SMALLEST), Suppression(boxes, heads.nms_thresh),
            Most(heads.detections_per_img)))

    def library_detections(self, image: Image, min_score: float) -> Detections:
        """As in the base class; the model is spared its masks and keypoints, of which the boxes know nothing."""
        settings = {"score_thresh": min_score, **dict.fromkeys(EXTRAS)}
        with kept(self._head.pool):
            return model_detections(self, image, self.model.roi_heads, settings)
