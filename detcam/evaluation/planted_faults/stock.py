"""What pictures are composed from: persons cut out along their masks, and backgrounds without persons.

Training takes ``persons_train``, whose photographs the two other parts never see; ``persons_eval`` is shared between
``calibrate`` and ``report`` by photograph.
"""

import os
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from detcam.datasets.formats import read_data_set
from detcam.datasets.ground_truth import GroundTruth
from detcam.errors import DataError
from detcam.evaluation.planted_faults.cache import cache_folder, code_key, made_once
from detcam.imaging.image import load_image

PARTS = ("train", "calibrate", "report")
TALLEST = 96  # pixels: the side of the square that a cut-out is kept in
TILE = 128  # pixels: the side of a background
TILES = 6  # backgrounds of a photograph, at most
TRIES = 40  # places looked at for them
SMALLEST_PERSON = 44  # pixels of height on the photograph
ASPECTS = (1.3, 5.0)  # height over width of a person's box: no lying ones, no slivers
FULLEST = 0.33  # share of the box that the mask covers at least: no outstretched limbs, no occluded persons
BORDER = 2  # pixels: a mask so close to the photograph's edge is cut off there; at the bottom that may be


@dataclass(frozen=True)
class Stock:
    """The material of one part.

    Attributes:
        cutouts: uint8 RGBA, ``[h, w, 4]`` each, h and w at most ``TALLEST``, no empty margin.
        backgrounds: uint8 RGB, ``[N, TILE, TILE, 3]``.
    """

    cutouts: tuple[NDArray[np.uint8], ...]
    backgrounds: NDArray[np.uint8]


def asset_folder() -> Path:
    """The folder that ``DETCAM_ASSETS`` names."""
    where = os.environ.get("DETCAM_ASSETS")
    if not where:
        raise DataError("DETCAM_ASSETS is unset: set it to the folder that holds persons_train and persons_eval")
    return Path(where)


@cache
def stock_of(part: str) -> Stock:
    """The cut-outs and backgrounds of ``"train"``, ``"calibrate"`` or ``"report"``."""
    key = code_key([sys.modules[__name__]])
    path = made_once(cache_folder() / f"stock-{part}-{key}.npz", lambda path: _write(part, path))
    with np.load(path) as arrays:
        padded, sizes, backgrounds = arrays["cutouts"], arrays["sizes"], arrays["backgrounds"]
    return Stock(tuple(one[:h, :w] for one, (h, w) in zip(padded, sizes, strict=True)), backgrounds)


def _photographs(part: str) -> list[GroundTruth]:
    folder = asset_folder() / ("persons_train" if part == "train" else "persons_eval")
    found = [each for each in read_data_set(folder / "instances.json").photographs if each.source.startswith("COCO")]
    if part == "train":
        return found
    order = np.random.default_rng(0).permutation(len(found))
    return [found[i] for i in order[PARTS.index(part) - 1 :: 2]]


def _write(part: str, path: Path) -> None:
    random = np.random.default_rng(PARTS.index(part))
    cutouts, sizes, backgrounds = [], [], []
    for truth in _photographs(part):
        rgb = load_image(truth.file).rgb
        for cutout in _cutouts(truth, rgb):
            height, width = cutout.shape[:2]
            sizes.append((height, width))
            cutouts.append(np.pad(cutout, ((0, TALLEST - height), (0, TALLEST - width), (0, 0))))
        backgrounds += list(_backgrounds(truth, rgb, random))
    np.savez(path, cutouts=np.stack(cutouts), sizes=np.array(sizes), backgrounds=np.stack(backgrounds))


def _cutouts(truth: GroundTruth, rgb: NDArray[np.uint8]) -> Iterator[NDArray[np.uint8]]:
    """The persons that are whole, save perhaps for their legs."""
    width = rgb.shape[1]
    for index, mask in enumerate(truth.masks):
        if mask is None or truth.crowd[index] or truth.class_names[index] != "person":
            continue
        alpha = mask.decode()
        (top, bottom), (left, right) = (_extent(np.flatnonzero(alpha.any(axis))) for axis in (1, 0))
        tall, wide = bottom - top, right - left
        if tall < SMALLEST_PERSON or not ASPECTS[0] <= tall / max(wide, 1) <= ASPECTS[1]:
            continue
        if min(left, top, width - right) < BORDER or alpha[top:bottom, left:right].mean() < FULLEST:
            continue
        rgba = np.dstack([rgb, alpha.astype(np.uint8) * 255])[top:bottom, left:right]
        shrink = min(1.0, TALLEST / tall)
        yield shrunk(rgba, max(1, round(wide * shrink)), max(1, round(tall * shrink)))


def _extent(where: NDArray[np.intp]) -> tuple[int, int]:
    """The first of some indices and the one after the last."""
    return (int(where[0]), int(where[-1]) + 1) if len(where) else (0, 0)


def _backgrounds(truth: GroundTruth, rgb: NDArray[np.uint8], random: np.random.Generator
                 ) -> Iterator[NDArray[np.uint8]]:
    """Square regions that touch no person's box."""
    height, width = rgb.shape[:2]
    found = 0
    for _ in range(TRIES):
        side = int(min(height, width) * random.uniform(0.4, 0.95))
        left, top = int(random.integers(width - side + 1)), int(random.integers(height - side + 1))
        x1, y1, x2, y2 = truth.boxes.T
        if ((x1 < left + side) & (x2 > left) & (y1 < top + side) & (y2 > top)).any():
            continue
        yield shrunk(rgb[top : top + side, left : left + side], TILE, TILE)
        found += 1
        if found == TILES:
            return


def shrunk(pixels: NDArray[np.uint8], width: int, height: int) -> NDArray[np.uint8]:
    """Pixels brought to a size by averaging areas (bilinear where it grows)."""
    smaller = width < pixels.shape[1]
    resized = cv2.resize(pixels, (width, height), interpolation=cv2.INTER_AREA if smaller else cv2.INTER_LINEAR)
    return np.asarray(resized, dtype=np.uint8)
