"""The batch of every step: a function of the seed and the step alone, so that a resumed training is exact.

A crop and the teacher's view of it cost more than a training step on a small canvas. Each is therefore used in several
passes through the data set, randomly mirrored and with new colours every time.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torchvision.transforms.v2 import functional as F

from detcam.training.augment import Augmentation, colours
from detcam.training.samples import Sample
from detcam.training.teacher import Teacher, TeacherView

PICTURE_SIDE = 300  # pixels; the teacher's input, from which smaller canvases are made


@dataclass(frozen=True)
class TrainingPicture:
    """One training picture.

    Attributes:
        pixels: uint8 ``[3, side, side]`` RGB.
        boxes: ``[N, 4]`` xyxy in its pixels.
        view: what the teacher sees in it; None without a teacher.
    """

    pixels: Tensor
    boxes: Tensor
    view: TeacherView | None

    def mirrored(self) -> "TrainingPicture":
        """The picture and its teacher's view, mirrored left to right."""
        side = self.pixels.shape[-1]
        view = None if self.view is None else self.view.mirrored(side)
        return TrainingPicture(self.pixels.flip(-1), mirror_boxes(self.boxes, side), view)


@dataclass(frozen=True)
class TrainingBatch:
    """The pictures of one step.

    Attributes:
        pixels: float ``[B, 3, side, side]`` RGB in 0..1.
        boxes: the annotated boxes of each picture, ``[N, 4]`` xyxy in its pixels.
        views: what the teacher sees in each picture; None without a teacher.
    """

    pixels: Tensor
    boxes: list[Tensor]
    views: list[TeacherView] | None


def mirror_boxes(boxes: Tensor, width: float) -> Tensor:
    """Boxes ``[N, 4]`` xyxy of a picture ``width`` pixels wide, mirrored left to right, ``[N, 4]``."""
    return torch.stack([width - boxes[:, 2], boxes[:, 1], width - boxes[:, 0], boxes[:, 3]], dim=1)


def derived_seed(seed: int, *numbers: int) -> int:
    """A separate seed for every purpose, step and picture: a multiplicative hash (Knuth 6.4)."""
    for number in numbers:
        seed = ((seed ^ number) * 6364136223846793005 + 1442695040888963407) % 2**63
    return seed


ORDER, CROP, STEP = range(3)  # purposes


class BatchMaker:
    """Makes the batch of a step: draws its pictures, augments them, and runs the teacher on them.

    It reseeds torch's global random state.

    Args:
        samples: the training photographs.
        side: of the pictures, pixels.
        batch: pictures in a step.
        seed: of everything random.
        teacher: None makes no views.
        augmentation: None resizes the whole photographs.
        crop_uses: passes through the data set that share one crop of every photograph.
    """

    def __init__(
        self,
        samples: Sequence[Sample],
        side: int,
        batch: int,
        seed: int,
        teacher: Teacher | None = None,
        augmentation: Augmentation | None = None,
        crop_uses: int = 1,
    ) -> None:
        self.samples, self.side, self.batch, self.seed = samples, side, batch, seed
        self.teacher, self.augmentation, self.crop_uses = teacher, augmentation, crop_uses
        self.generation, self.pictures = 0, dict[int, TrainingPicture]()

    def places(self, step: int) -> list[tuple[int, int]]:
        """The (epoch, sample index) of each picture of a step. Every epoch has its own seeded order."""
        chosen = []
        for position in range(step * self.batch, (step + 1) * self.batch):
            epoch, place = divmod(position, len(self.samples))
            generator = torch.Generator().manual_seed(derived_seed(self.seed, ORDER, epoch))
            chosen.append((epoch, int(torch.randperm(len(self.samples), generator=generator)[place])))
        return chosen

    def __call__(self, step: int) -> TrainingBatch:
        """The batch of a step, from 0."""
        pictures = [self._picture(index, epoch // self.crop_uses) for epoch, index in self.places(step)]
        torch.manual_seed(derived_seed(self.seed, STEP, step))
        if self.augmentation is not None:
            pictures = [picture.mirrored() if torch.rand(()).item() < 0.5 else picture for picture in pictures]
        pixels = [colours(picture.pixels) if self.augmentation is not None else picture.pixels for picture in pictures]
        views = [picture.view for picture in pictures if picture.view is not None]
        return TrainingBatch(torch.stack(pixels).float() / 255, [picture.boxes for picture in pictures], views or None)

    def _picture(self, index: int, generation: int) -> TrainingPicture:
        """The picture of sample ``index`` in this generation of crops. Earlier generations are dropped."""
        if generation > self.generation:
            self.generation, self.pictures = generation, {}
        if generation < self.generation:
            return self._make(index, generation)
        if index not in self.pictures:
            self.pictures[index] = self._make(index, generation)
        return self.pictures[index]

    def _make(self, index: int, generation: int) -> TrainingPicture:
        torch.manual_seed(derived_seed(self.seed, CROP, generation, index))
        pixels, boxes = self._crop(index)
        scale = self.side / PICTURE_SIDE
        # One picture at a time: in a batch, the last bit of its result could depend on the others.
        view = None if self.teacher is None else self.teacher(pixels).scaled(scale)
        if self.side != PICTURE_SIDE:
            pixels = F.resize(pixels, [self.side, self.side], antialias=True)
        return TrainingPicture(pixels, boxes * scale, view)

    def _crop(self, index: int) -> tuple[Tensor, Tensor]:
        if self.augmentation is not None:
            return self.augmentation(self.samples, index)
        sample = self.samples[index]
        pixels = F.resize(sample.pixels, [PICTURE_SIDE, PICTURE_SIDE], antialias=True)
        return pixels, F.resize(sample.boxes, [PICTURE_SIDE, PICTURE_SIDE]).as_subclass(Tensor)
