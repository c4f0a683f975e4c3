"""A teacher's view of the training pictures: dense class scores, and its persons as scored boxes.

The teacher is a torchvision `SSD` with sigmoid scores over COCO's ids (1 is the person), such as the Apache-2.0
SSD300-MobileNetV1 of TensorFlow. It sees every picture after cropping and before its colours are distorted.
"""

from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor
from torchvision.models.detection.image_list import ImageList
from torchvision.models.detection.ssd import SSD
from torchvision.ops import clip_boxes_to_image, nms

from detcam.detectors.loading.python_file import function_in

PERSON = 1
NMS_IOU = 0.5
LOGIT_RANGE = (-7.0, 4.0)  # quantisation noise dominates the teacher's logits below


@dataclass(frozen=True)
class TeacherView:
    """What the teacher sees in one picture.

    `class_logits`: a `[classes, g, g]` map for every grid, the best default box of every cell, without background.
    `boxes` `[N, 4]` xyxy in the picture's pixels and `scores` `[N]`: its persons, after suppression.
    """

    class_logits: list[Tensor]
    boxes: Tensor
    scores: Tensor

    def mirrored(self, side: float) -> "TeacherView":
        """The view of the picture, `side` pixels wide, with left and right swapped."""
        left, top, right, bottom = self.boxes.unbind(dim=1)
        boxes = torch.stack([side - right, top, side - left, bottom], dim=1)
        return TeacherView([logits.flip(-1) for logits in self.class_logits], boxes, self.scores)

    def scaled(self, scale: float) -> "TeacherView":
        """The view of the picture resized by `scale`."""
        return TeacherView(self.class_logits, self.boxes * scale, self.scores)


def load_teacher(module_path: Path, weights: Path) -> SSD:
    """The SSD that `build(weights)` of a Python file makes, frozen."""
    teacher = function_in(module_path, "build")(str(weights)).eval().requires_grad_(False)
    return teacher.to(memory_format=torch.channels_last)


class Teacher:
    """Runs a teacher on pictures.

    Persons that it scores lower than `least_score` are not handed out: this one has 147 a picture above 0.05, nearly
    all of them nothing. `grids` are the cells a side of the score maps that it hands out.
    """

    def __init__(
        self, model: SSD, least_score: float = 0.5, grids: tuple[int, ...] = (19, 10, 5, 3), device: str = "cpu"
    ) -> None:
        self.least_score = least_score
        self.model, self.grids, self.device = model.to(device), grids, torch.device(device)
        self.mean = torch.tensor(model.transform.image_mean, device=device).view(1, 3, 1, 1)
        self.std = torch.tensor(model.transform.image_std, device=device).view(1, 3, 1, 1)

    @torch.no_grad()
    def __call__(self, picture: Tensor) -> "TeacherView":
        """Look at a `picture`, uint8 `[3, side, side]` at the teacher's own input size. Answers on the CPU."""
        pixels = (picture[None].to(self.device).float() / 255 - self.mean) / self.std
        pixels = pixels.contiguous(memory_format=torch.channels_last)
        with torch.autocast(self.device.type, torch.bfloat16):
            features = list(self.model.backbone(pixels).values())
            outputs = self.model.head(features)
        logits, deltas = outputs["cls_logits"][0].float(), outputs["bbox_regression"][0].float()
        size = (int(picture.shape[-2]), int(picture.shape[-1]))
        anchors = self.model.anchor_generator(ImageList(pixels, [size]), features)[0]
        boxes, scores = self._persons(logits, deltas, anchors, size)
        return TeacherView(self._maps(logits, features), boxes.cpu(), scores.cpu())

    def _persons(self, logits: Tensor, deltas: Tensor, anchors: Tensor, size: tuple[int, int]) -> tuple[Tensor, Tensor]:
        scores = logits[:, PERSON].sigmoid()
        seen = scores > self.least_score
        scores, boxes = scores[seen], self.model.box_coder.decode_single(deltas[seen], anchors[seen])
        boxes = clip_boxes_to_image(boxes, size)
        kept = nms(boxes, scores, NMS_IOU)
        return boxes[kept], scores[kept]

    def _maps(self, logits: Tensor, features: list[Tensor]) -> list[Tensor]:
        """The rows of every wanted grid, the best default box a cell: `[classes, g, g]` in half precision."""
        maps, start = [], 0
        per_cell = self.model.anchor_generator.num_anchors_per_location()
        for feature, boxes in zip(features, per_cell, strict=True):
            height, width = feature.shape[-2:]
            rows = logits[start : start + height * width * boxes, 1:]
            start += height * width * boxes
            if height in self.grids:
                best = rows.unflatten(0, (height, width, boxes)).amax(dim=2)
                maps.append(best.permute(2, 0, 1).clamp(*LOGIT_RANGE).half().cpu())
        return maps
