"""Augmentation: a crop, a zoom-out, a mosaic or the whole photograph, resized to a square, with distorted colours.

Masked persons of other photographs can be pasted onto it (Ghiasi 2021).
"""

from collections.abc import Sequence

import torch
from torch import Tensor
from torchvision.transforms import v2
from torchvision.transforms.v2 import functional as F
from torchvision.tv_tensors import BoundingBoxes, Image

from detcam.training.samples import Sample

ZOOM_OUT_SHARE = 0.1  # of the training pictures
CROP_OVERLAPS = [0.0, 0.1, 0.3, 0.5, 0.7, 1.0]  # least share of a crop that a person covers; 1.0 means no crop
PASTED_HEIGHTS = (0.2, 1.8)  # of the picture's height; the legs of the tallest lie outside the picture
PASTED_WIDTHS = (0.6, 1.2)  # of the width that keeps the aspect ratio: photographs are resized to squares too
MOST_PASTED = 3
HIDDEN = 0.7  # a person is dropped once this share of its box is pasted over
SMALLEST_BOX = 4.0  # pixels a side after cropping; smaller ones are dropped


class Augmentation:
    """Turns samples into square training pictures. It draws from torch's global random state alone.

    Args:
        side: of the pictures, pixels.
        mosaic_share: the share of pictures that show four photographs, for small persons and crowded scenes.
        whole_share: the share of the other pictures that show a whole photograph, as the detector will see it. The rest
            are crops and zoom-outs.
        paste_share: the share of all pictures onto which up to three persons of other photographs are pasted.
    """

    def __init__(
        self, side: int, mosaic_share: float = 0.15, whole_share: float = 0.2, paste_share: float = 0.0
    ) -> None:
        self.side, self.mosaic_share, self.whole_share = side, mosaic_share, whole_share
        self.paste_share = paste_share
        self.iou_crop = v2.RandomIoUCrop(0.35, 1.0, 0.6, 1.67, sampler_options=CROP_OVERLAPS, trials=8)
        self.plain_crop = v2.RandomResizedCrop(side, scale=(0.2, 1.0), ratio=(0.6, 1.67))
        self.zoom_out = v2.RandomZoomOut(fill=114, side_range=(1.0, 2.0), p=1.0)
        self.clean = v2.SanitizeBoundingBoxes(min_size=SMALLEST_BOX, labels_getter=None)

    def __call__(self, samples: Sequence[Sample], index: int) -> tuple[Tensor, Tensor]:
        """The picture of ``samples[index]``: uint8 ``[3, side, side]`` RGB, and boxes ``[N, 4]`` xyxy in its pixels."""
        if torch.rand(()).item() < self.mosaic_share:
            others = torch.randint(len(samples), (3,)).tolist()
            picture = self._mosaic([samples[i] for i in (index, *others)])
        else:
            picture = self._single(samples[index], self.side, self.side)
        if self.paste_share and torch.rand(()).item() < self.paste_share:
            for _ in range(int(torch.randint(1, MOST_PASTED + 1, ()))):
                picture = paste(*picture, _any_cutout(samples))
        return picture

    def _single(self, sample: Sample, height: int, width: int) -> tuple[Tensor, Tensor]:
        pixels, boxes = Image(sample.pixels), sample.boxes
        draw = torch.rand(()).item()
        if draw < ZOOM_OUT_SHARE:
            pixels, boxes = self.zoom_out(pixels, boxes)
        elif draw > ZOOM_OUT_SHARE + self.whole_share:
            pixels, boxes = self._crop(pixels, boxes)
        pixels = F.resize(pixels, [height, width], antialias=True)
        boxes = F.resize(boxes, [height, width])
        pixels, boxes = self.clean(pixels, boxes)
        return pixels.as_subclass(Tensor), boxes.as_subclass(Tensor)

    def _crop(self, pixels: Image, boxes: BoundingBoxes) -> tuple[Image, BoundingBoxes]:
        """An IoU crop, which needs at least one person; otherwise an ordinary crop."""
        if not len(boxes):
            return self.plain_crop(pixels, boxes)
        pixels, boxes = self.clean(*self.iou_crop(pixels, boxes))
        return pixels, boxes

    def _mosaic(self, four: Sequence[Sample]) -> tuple[Tensor, Tensor]:
        canvas = torch.empty(3, self.side, self.side, dtype=torch.uint8)
        split_x, split_y = (int(self.side * share) for share in torch.empty(2).uniform_(0.35, 0.65).tolist())
        all_boxes = []
        for i, sample in enumerate(four):
            left, right = (0, split_x) if i % 2 == 0 else (split_x, self.side)
            top, bottom = (0, split_y) if i < 2 else (split_y, self.side)
            pixels, boxes = self._single(sample, bottom - top, right - left)
            canvas[:, top:bottom, left:right] = pixels
            all_boxes.append(boxes + boxes.new_tensor([left, top, left, top]))
        return canvas, torch.cat(all_boxes)


def _any_cutout(samples: Sequence[Sample]) -> Tensor | None:
    """A random masked person, RGBA uint8 ``[4, h, w]``, of a random photograph that has any; None if none has."""
    with_cutouts = [sample for sample in samples if sample.cutouts]
    if not with_cutouts:
        return None
    sample = with_cutouts[int(torch.randint(len(with_cutouts), ()))]
    return sample.cutouts[int(torch.randint(len(sample.cutouts), ()))]


def paste(pixels: Tensor, boxes: Tensor, cutout: Tensor | None) -> tuple[Tensor, Tensor]:
    """Paste a person at a random size and position; up to a quarter on each side and the lower half may be cut off.

    Args:
        pixels: uint8 ``[3, side, side]`` RGB.
        boxes: ``[N, 4]`` xyxy in these pixels.
        cutout: the person, RGBA uint8 ``[4, h, w]``; None changes nothing.

    Returns:
        The new pixels, and the boxes of all persons that are still visible, the pasted one last.
    """
    if cutout is None:
        return pixels, boxes
    side = pixels.shape[-1]
    height = int(side * torch.empty(()).uniform_(*PASTED_HEIGHTS).item())
    squeeze = torch.empty(()).uniform_(*PASTED_WIDTHS).item()
    width = min(int(side * PASTED_HEIGHTS[1]), max(1, int(height * cutout.shape[2] / cutout.shape[1] * squeeze)))
    person = F.resize(cutout if torch.rand(()).item() < 0.5 else cutout.flip(-1), [height, width], antialias=True)
    left = int(torch.randint(-(width // 4), max(side - width * 3 // 4, 1), ()))
    top = int(torch.randint(-(height // 8), max(side - height // 2, 1), ()))
    shown = person[:, max(-top, 0) : side - top, max(-left, 0) : side - left]
    rows = slice(max(top, 0), max(top, 0) + shown.shape[1])
    columns = slice(max(left, 0), max(left, 0) + shown.shape[2])
    alpha = torch.zeros(1, side, side)
    alpha[:, rows, columns] = F.gaussian_blur(shown[3:].float() / 255, [3, 3])
    painted = torch.zeros_like(pixels)
    painted[:, rows, columns] = shown[:3]
    mixed = (painted * alpha + pixels * (1 - alpha)).round().to(torch.uint8)
    covered = [_mean_in(alpha[0], box) for box in boxes]
    seen = torch.tensor([share < HIDDEN for share in covered], dtype=torch.bool)
    solid = (alpha[0] > 0.5).nonzero()
    if not len(solid):
        return mixed, boxes[seen]
    (first, left), (last, right) = solid.amin(0).tolist(), (solid.amax(0) + 1).tolist()
    return mixed, torch.cat([boxes[seen], boxes.new_tensor([[left, first, right, last]])])


def _mean_in(alpha: Tensor, box: Tensor) -> float:
    left, top, right, bottom = (int(value) for value in box.round().tolist())
    return float(alpha[top : max(bottom, top + 1), left : max(right, left + 1)].mean())


COLOURS = v2.Compose([v2.ColorJitter(0.35, 0.35, 0.35), v2.RandomGrayscale(0.05)])


def colours(pixels: Tensor) -> Tensor:
    """The photometric distortion of one picture, uint8 ``[3, H, W]``. The teacher sees the picture without it."""
    distorted: Tensor = COLOURS(pixels)
    return distorted
