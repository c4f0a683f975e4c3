"""XRAI (Kapishnikov et al. 2019, section 3 and algorithm 1)."""

from collections.abc import Iterator, Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Generator, Tensor

from detcam.attribution.gradients.pixel_gradients import PixelGradients
from detcam.attribution.inputs.baselines import photograph_slices
from detcam.attribution.inputs.paths import TOLERANCE, added
from detcam.attribution.inputs.segments import segments_of
from detcam.attribution.methods.integrated_gradients import integrated_gradients

STEPS = 50
BASELINES = ("black", "white")  # the paper's, section 3.2: with one alone, its colour would have no attribution
DILATION = 5  # pixels; the paper's, section 3.1
LEAST = 50  # pixels; a region that would add fewer to those before it is left out, as in the authors' code


def xrai(gradients: PixelGradients, pixels: Tensor, generator: Generator, steps: int = STEPS,
         dilation: int = DILATION, tolerance: float = TOLERANCE) -> Iterator[Tensor]:
    """Mean Integrated Gradients of regions, best region first, constant over each, ``[S, 1, h, w]`` a box.

    Integrated Gradients from black and from white are averaged. Segments of the photograph at six scales are taken one
    by one: always the one whose pixels, without those that are taken already, have the highest mean. What no segment
    covers gets its own mean, so that the map adds up to what Integrated Gradients adds up to. The authors' code takes
    the largest colour of the attribution; here it is the sum, which adds up. Padding has no attribution.

    Args:
        gradients: of the boxes, which share paths and segments.
        pixels: ``[S, 3, h, w]`` RGB in 0..1.
        generator: not used.
        steps, tolerance: as :func:`detcam.attribution.methods.integrated_gradients.integrated_gradients` has them.
        dilation: radius in canvas pixels by which every segment is enlarged.

    Raises:
        MethodError: scikit-image is not installed.
    """
    rows, columns = photograph_slices(gradients.canvas.geometries[0])
    photographs = pixels[..., rows, columns].permute(0, 2, 3, 1).cpu().double().numpy()
    segments = [segments_of(each, dilation) for each in photographs]
    paths = [list(integrated_gradients(gradients, pixels, generator, steps, name, tolerance)) for name in BASELINES]
    for own in added(paths):
        maps = torch.zeros_like(own[:, :1])
        for index, masks in enumerate(segments):
            summed = (own[index].sum(0) / len(BASELINES))[rows, columns].cpu().double().numpy()
            maps[index, 0, rows, columns] = torch.from_numpy(regions(summed, masks)).to(maps)
        yield maps


def regions(attribution: NDArray[np.floating], masks: Sequence[NDArray[np.bool_]]) -> NDArray[np.float64]:
    """The mean attribution ``[h, w]`` of regions that are taken one by one, the highest mean first.

    What a mask still adds is kept up to date, not counted anew: every pixel is taken once.

    Args:
        attribution: ``[h, w]``.
        masks: the regions, which may overlap.
    """
    values = np.asarray(attribution, np.float64).ravel()
    flat = [np.flatnonzero(mask) for mask in masks]
    order = np.argsort(np.concatenate(flat), kind="stable")  # of (pixel, mask), so that a pixel's masks stand together
    holders = np.repeat(np.arange(len(flat)), [len(own) for own in flat])[order]
    ends = np.cumsum(np.bincount(np.concatenate(flat), minlength=values.size))
    sums, counts = np.array([values[own].sum() for own in flat]), np.array([len(own) for own in flat])
    free, found = np.ones(values.size, bool), np.zeros(values.size)
    left = set(range(len(flat)))
    while left := {mask for mask in left if counts[mask] >= LEAST}:
        best = max(sorted(left), key=lambda mask: sums[mask] / counts[mask])
        taken = flat[best][free[flat[best]]]
        found[taken], free[taken] = values[taken].mean(), False
        sizes = np.diff(ends, prepend=0)[taken]
        places = np.repeat(ends[taken] - np.cumsum(sizes), sizes) + np.arange(sizes.sum())
        sums -= np.bincount(holders[places], np.repeat(values[taken], sizes), minlength=len(flat))
        counts -= np.bincount(holders[places], minlength=len(flat))
        left.discard(best)
    if free.any():
        found[free] = values[free].mean()
    return found.reshape(attribution.shape)
