"""A teacher's view of the training pictures: class logits of every cell, and its persons as scored boxes.

The teacher is a torchvision ``SSD`` with sigmoid scores over COCO's ids (1 is the person), such as the Apache-2.0
SSD300-MobileNetV1 of TensorFlow. It sees every picture after it is cropped and before its colours are distorted.
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
LOGIT_RANGE = (-7.0, 4.0)  # below, quantisation noise dominates the teacher's logits


@dataclass(frozen=True)
class TeacherView:
    """What the teacher sees in one picture.

    Attributes:
        class_logits: ``[classes, g, g]`` for every grid: of each cell's best default box, without the background.
        boxes: ``[N, 4]`` xyxy in the picture's pixels: the persons after NMS.
        scores: ``[N]`` of the persons.
    """

    class_logits: list[Tensor]
    boxes: Tensor
    scores: Tensor

    def mirrored(self, side: float) -> "TeacherView":
        """The view of the picture, ``side`` pixels wide, mirrored left to right."""
        left, top, right, bottom = self.boxes.unbind(dim=1)
        boxes = torch.stack([side - right, top, side - left, bottom], dim=1)
        return TeacherView([logits.flip(-1) for logits in self.class_logits], boxes, self.scores)

    def scaled(self, scale: float) -> "TeacherView":
        """The view of the picture resized by ``scale``."""
        return TeacherView(self.class_logits, self.boxes * scale, self.scores)


def load_teacher(module_path: Path, weights: Path) -> SSD:
    """The SSD that the function ``build(weights)`` of a Python file returns, frozen. This runs the file."""
    teacher = function_in(module_path, "build")(str(weights)).eval().requires_grad_(False)
    return teacher.to(memory_format=torch.channels_last)


class Teacher:
    """Runs a teacher on pictures.

    Args:
        model: the SSD.
        least_score: persons with a lower score are dropped: above 0.05 the usual teacher finds 147 in a picture, nearly
            all of them false.
        grids: the numbers of cells along a side of the class maps that are kept.
        device: such as ``"cpu"`` or ``"cuda"``.
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
        """The view of a ``picture``, uint8 ``[3, side, side]`` RGB of the teacher's input size; on the CPU."""
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
        """The class logits of each cell's best default box: ``[classes, g, g]`` for every grid, in half precision."""
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
