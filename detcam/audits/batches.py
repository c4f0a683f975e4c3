"""Which photographs of a data set go through the network together: those whose canvases are of one size."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from detcam.datasets.ground_truth import photograph_size
from detcam.detectors.base import Detector
from detcam.errors import DataError, InputError
from detcam.explanations.settings import Setting
from detcam.imaging.image import Image

ON_GPU = 8  # photographs in a pass where none are named; a CPU core has its hands full with one
AHEAD = 8  # batches among which photographs of one size are looked for

Place = tuple[int, ...]  # a canvas: the shape of its pixels, and where the photograph lies on it


def batch_size(detector: Detector, setting: Setting, wanted: int | None) -> int:
    """How many photographs go through the network in one pass.

    One, where a detector or a method takes each photograph by itself anyway (:meth:`Setting.together`).

    Raises:
        InputError: fewer than one are wanted.
    """
    if wanted is not None and wanted < 1:
        raise InputError(f"batch {wanted}: expected at least 1")
    if not setting.together(detector):
        return 1
    return wanted or (ON_GPU if detector.device.type == "cuda" else 1)


def batches_of(detector: Detector, files: Sequence[Path], size: int) -> Iterator[list[int]]:
    """The places in ``files`` of the photographs of each batch, the earliest first.

    They depend on all files and on nothing else, so that an audit that is taken up makes the batches that it would have
    made. Only headers are read; a photograph whose header cannot be read goes alone.
    """
    known: dict[tuple[int, int], Place] = {}
    for first in range(0, len(files), AHEAD * size):
        alike: dict[Place, list[int]] = {}
        for number in range(first, min(first + AHEAD * size, len(files))):
            place = _place_of(detector, files[number], known) if size > 1 else None
            alike.setdefault(place or (number,), []).append(number)
        yield from sorted(own[start : start + size] for own in alike.values() for start in range(0, len(own), size))


def _place_of(detector: Detector, file: Path, known: dict[tuple[int, int], Place]) -> Place | None:
    """The canvas of a photograph, by its size; None where its header cannot be read."""
    try:
        size = photograph_size(file)
    except DataError:
        return None
    if size not in known:
        canvas = detector.canvas(Image(np.zeros((*size[::-1], 3), np.uint8), "plain"))
        known[size] = *canvas.pixels.shape, *canvas.geometries[0].content.round().astype(int).tolist()
    return known[size]
