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
PROBE_SIZE = 64  # canvas pixels a side: two cells on the coarsest map of a stride-32 backbone
FINE = 8  # the stride of the backbone layer at which the evidence for an edge is measured
EXTRAS = ("mask_roi_pool", "keypoint_roi_pool")  # without which no masks and no keypoints are made


class RCNNDetector(Detector):
    """A live ``torchvision.models.detection.FasterRCNN``, explained in place and left as it was found.

    Its rows are pairs of a proposal and a class (:class:`RoIPrediction`). The proposals are constants of every
    gradient, as they are in training: why the region proposal network proposes a region is not explained.

    Args:
        model: the model, in any mode, on any device.
        class_names: label to class name, from label 1 on; label 0 is the background.
        name: what messages and provenance call it.
        architecture: what models with other weights share with it; None takes the name of the model's class.

    Raises:
        DetectorError: it is no Faster R-CNN, or its box head is not made like torchvision's own.
    """

    family = "rcnn"
    rows = FROZEN

    def __init__(self, model: FasterRCNN, class_names: dict[int, str] | None = None, name: str = "rcnn",
                 architecture: str | None = None) -> None:
        if not isinstance(model, FasterRCNN):
            raise DetectorError(f"{name}: expected a torchvision Faster R-CNN, got {type(model).__name__}")
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
        self._frozen: Proposals | None = None
        self._propose_again = False

    @property
    def head(self) -> RoIHead:
        return self._head

    @cached_property
    def n_levels(self) -> int:
        with self.borrowed(), torch.no_grad():
            maps = self._maps(self.blank_canvas())
        return sum(name in self._head.pool.featmap_names for name in maps)

    def blank_canvas(self) -> Tensor:
        """Black pixels ``[1, 3, 64, 64]``, fewer than a photograph's: the transform enlarges small photographs."""
        return torch.zeros(1, 3, PROBE_SIZE, PROBE_SIZE, device=self.device, dtype=self.dtype)

    @property
    def neck(self) -> nn.Module | None:
        return getattr(self.model.backbone, "fpn", None)

    @cached_property
    def edge_layer(self) -> str:
        """The last layer of the backbone with a cell every 8 pixels: ``backbone.body.layer2`` in ResNets.

        The rule was carried over from YOLO, and not measured on two-stage detectors.
        """
        neck = set() if self.neck is None else set(self.neck.modules())
        layers = {f"backbone.{name}": module for name, module in outside_shortcuts(self.model.backbone).items()
                  if name and module not in neck}

        def run() -> float:
            self._maps(self.blank_canvas())
            return PROBE_SIZE / FINE

        with self.borrowed(), torch.no_grad():
            return last_fine_layer(layers, run) or "auto"

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
        """In the block every forward pass takes the proposals of ``prediction``, so that rows keep their meaning.

        Args:
            prediction: of the unchanged canvas, or of a batch of them.
            rows: False lets the network propose regions on every copy; only the photograph's size on the canvas is
                taken from ``prediction``.

        Raises:
            DetectorError: from a forward pass of another canvas size, or of another number of photographs.
        """
        assert isinstance(prediction, RoIPrediction)
        before = self._frozen, self._propose_again
        try:
            self._frozen, self._propose_again = prediction.proposals, not rows
            yield
        finally:
            self._frozen, self._propose_again = before

    def forward(self, pixels: Tensor) -> RoIPrediction:
        tensors = normalised(self.model.transform, pixels)
        frozen = self._frozen_for(pixels)
        sizes = content_sizes(tensors) if frozen is None else list(frozen.sizes)
        features = self._maps(tensors)
        maps = [feature for name, feature in features.items() if name in self._head.pool.featmap_names]
        proposals = None if self._propose_again else frozen
        return self._prediction(self._head(maps, features, ImageList(tensors, sizes), proposals))

    def _maps(self, tensors: Tensor) -> "OrderedDict[str, Tensor]":
        """The backbone's maps ``[B, c, h, w]`` of normalised canvases ``[B, 3, h, w]``, by name."""
        maps = self.model.backbone(tensors)
        return OrderedDict([("0", maps)]) if isinstance(maps, Tensor) else maps

    def _frozen_for(self, pixels: Tensor) -> Proposals | None:
        """The frozen proposals, for each of some canvases ``[B, 3, h, w]``; None where none are frozen.

        Raises:
            DetectorError: they belong to another canvas size, or to another number of photographs.
        """
        if self._frozen is None:
            return None
        batch, size = len(pixels), (int(pixels.shape[-2]), int(pixels.shape[-1]))
        if size != self._frozen.canvas or len(self._frozen.boxes) not in (1, batch):
            raise DetectorError(f"{self.name}: the proposals of {len(self._frozen.boxes)} photographs on a canvas of "
                                f"{self._frozen.canvas} are frozen, and do not fit {batch} photographs on a canvas of "
                                f"{size}; leave frozen_proposals() first")
        return self._frozen.on(batch)

    def _prediction(self, regions: Regions) -> RoIPrediction:
        coder = self.model.roi_heads.box_coder
        batch, count, classes = regions.logits.shape
        boxes = regions.proposals.boxes
        decoded = coder.decode_single(regions.deltas.flatten(0, 1).flatten(1), boxes.reshape(-1, 4))
        decoded = decoded.view(batch, count, classes, 4)[:, :, 1:]
        probabilities = regions.logits.softmax(-1)
        levels = tuple(Level(feature, feature, 0, 0, Grid((1 / scale, 1 / scale)))
                       for feature, scale in zip(regions.maps.values(), regions.proposals.pooling[0], strict=True))

        def decode(raw: Tensor, proposals: Tensor) -> Tensor:
            decoded: Tensor = coder.decode_single(raw, proposals)
            return decoded

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
        """The steps of :meth:`select` on image 0. What no proposal covers has no row: which anchors the region proposal
        network dropped, and why, is not told."""
        assert isinstance(prediction, RoIPrediction)
        heads, boxes = self.model.roi_heads, clipped(prediction.boxes[0], canvas.geometries[0])
        return Selection(prediction.of_image(0).pairs, (
            Score(min_score), Small(boxes, SMALLEST), Suppression(boxes, heads.nms_thresh),
            Most(heads.detections_per_img)))

    def library_detections(self, image: Image, min_score: float) -> Detections:
        """What the model itself reports above a score: boxes in source pixels, no rows (-1), no masks and keypoints."""
        settings = {"score_thresh": min_score, **dict.fromkeys(EXTRAS)}
        with kept(self._head.pool):
            return model_detections(self, image, self.model.roi_heads, settings)
