"""The photographs that are trained on, decoded in memory."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torchvision.io import ImageReadMode, decode_image
from torchvision.transforms.v2 import functional as F
from torchvision.tv_tensors import BoundingBoxes

from detcam.data import GroundTruth
from detcam.errors import DataError


@dataclass(frozen=True)
class Sample:
    """A decoded photograph: `pixels` uint8 `[3, H, W]` RGB, `boxes` `[N, 4]` xyxy in these pixels."""

    pixels: Tensor
    boxes: BoundingBoxes


def split_photographs(photographs: Sequence[GroundTruth], held_out: int, seed: int
                      ) -> tuple[list[GroundTruth], list[GroundTruth]]:
    """(training, held-out) photographs: a seeded random choice; those with crowds are in neither.

    Raises:
        DataError: there are not so many.
    """
    usable = [each for each in photographs if not each.crowd.any()]
    if not 0 <= held_out < len(usable):
        raise DataError(f"cannot hold out {held_out} of {len(usable)} photographs: --held-out must be smaller")
    order = torch.randperm(len(usable), generator=torch.Generator().manual_seed(seed)).tolist()
    return [usable[i] for i in order[held_out:]], [usable[i] for i in order[:held_out]]


def load_sample(truth: GroundTruth, longest_side: int) -> Sample:
    """Decode a photograph, and shrink it (never enlarge) to at most `longest_side` pixels.

    Raises:
        DataError: it cannot be decoded.
    """
    try:
        pixels = decode_image(str(truth.file), ImageReadMode.RGB, apply_exif_orientation=True)
    except (RuntimeError, ValueError) as error:
        raise DataError(f"{truth.file}: cannot be decoded ({str(error).splitlines()[0]})") from None
    height, width = pixels.shape[-2:]
    boxes = BoundingBoxes(torch.from_numpy(truth.boxes).float(), format="XYXY", canvas_size=(height, width))
    shrink = longest_side / max(height, width)
    if shrink < 1:
        size = [round(height * shrink), round(width * shrink)]
        pixels, boxes = F.resize(pixels, size, antialias=True), F.resize(boxes, size)
    return Sample(pixels, boxes)


def load_samples(photographs: Sequence[GroundTruth], longest_side: int = 416) -> list[Sample]:
    """All photographs decoded in memory: about 0.4 MB each at 416 px."""
    return [load_sample(truth, longest_side) for truth in photographs]
