"""Which photographs of a data set go through the network together: those whose canvases have the same size."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from detcam.datasets.ground_truth import photograph_size
from detcam.detectors.base import Detector
from detcam.errors import DataError, InputError
from detcam.explanations.settings import Setting
from detcam.imaging.image import Image

ON_GPU = 8  # photographs in a forward pass by default; one is enough work for a CPU core
AHEAD = 8  # batches: photographs of one size are collected among so many

CanvasKey = tuple[int, ...]  # the shape of a canvas, and where the photograph lies on it


def batch_size(detector: Detector, setting: Setting, wanted: int | None) -> int:
    """The number of photographs in one forward pass.

    It is 1 where the detector or a method takes photographs one at a time anyway (:meth:`Setting.together`).

    Args:
        detector: from :func:`detcam.load`.
        setting: the methods, layers and targets for every row.
        wanted: the number that the user asked for; None for 8 on a GPU and 1 elsewhere.

    Raises:
        InputError: ``wanted`` is less than 1.
    """
    if wanted is not None and wanted < 1:
        raise InputError(f"batch {wanted}: expected at least 1")
    if not setting.together(detector):
        return 1
    return wanted or (ON_GPU if detector.device.type == "cuda" else 1)


def batches_of(detector: Detector, files: Sequence[Path], size: int) -> Iterator[list[int]]:
    """The batches of a data set, each as indices into ``files``, in ascending order.

    They depend on the files alone, so that a resumed audit makes the same batches as an uninterrupted one. Only the
    files' headers are read; a photograph whose header cannot be read gets a batch of its own.

    Args:
        detector: from :func:`detcam.load`.
        files: the photographs.
        size: photographs in a batch at most.
    """
    known: dict[tuple[int, int], CanvasKey] = {}
    for first in range(0, len(files), AHEAD * size):
        alike: dict[CanvasKey, list[int]] = {}
        for i in range(first, min(first + AHEAD * size, len(files))):
            key = _canvas_key(detector, files[i], known) if size > 1 else None
            alike.setdefault(key or (i,), []).append(i)
        yield from sorted(group[start : start + size] for group in alike.values()
                          for start in range(0, len(group), size))


def _canvas_key(detector: Detector, file: Path, known: dict[tuple[int, int], CanvasKey]) -> CanvasKey | None:
    """The canvas that a photograph of this size gets; None where its header cannot be read."""
    try:
        size = photograph_size(file)
    except DataError:
        return None
    if size not in known:
        canvas = detector.canvas(Image(np.zeros((*size[::-1], 3), np.uint8), "plain"))
        known[size] = *canvas.pixels.shape, *canvas.geometries[0].content.round().astype(int).tolist()
    return known[size]
