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
BASELINES = ("black", "white")  # the paper's, section 3.2: with one alone, pixels of its colour have no attribution
DILATION = 5  # pixels; the paper's, section 3.1
LEAST = 50  # pixels; a region that adds fewer is left out, as in the authors' code


def xrai(gradients: PixelGradients, pixels: Tensor, generator: Generator, steps: int = STEPS,
         dilation: int = DILATION, tolerance: float = TOLERANCE) -> Iterator[Tensor]:
    """Integrated Gradients averaged over regions of the photograph: constant in each region.

    Integrated Gradients from black and from white are averaged. The photograph is segmented at six scales. Segments are
    taken one after the other, always the one whose remaining pixels have the highest mean attribution. Pixels in no
    segment get their own mean, so that the map adds up to the same as Integrated Gradients. The authors' code takes the
    largest colour of the attribution; here it is the sum, which adds up. Padding has no attribution.

    Args:
        gradients: of the boxes, which share paths and segments.
        pixels: ``[S, 3, h, w]`` RGB in 0..1.
        generator: not used.
        steps: gradients on a path; :func:`detcam.attribution.inputs.paths.along` divides steps that are too long.
        dilation: radius in canvas pixels by which every segment is enlarged.
        tolerance: how far the sum may differ from the change of the target on a path, as a share of that change.

    Returns:
        ``[S, 1, h, w]`` canvas pixels for each box, one after the other.

    Raises:
        MethodError: scikit-image is not installed, there are no steps, or the tolerance is not positive.
    """
    rows, columns = photograph_slices(gradients.canvas.geometries[0])
    photographs = pixels[..., rows, columns].permute(0, 2, 3, 1).cpu().double().numpy()
    segments = [segments_of(photograph, dilation) for photograph in photographs]
    paths = [list(integrated_gradients(gradients, pixels, generator, steps, name, tolerance)) for name in BASELINES]
    for total in added(paths):
        maps = torch.zeros_like(total[:, :1])
        for index, masks in enumerate(segments):
            summed = (total[index].sum(0) / len(BASELINES))[rows, columns].cpu().double().numpy()
            maps[index, 0, rows, columns] = torch.from_numpy(regions(summed, masks)).to(maps)
        yield maps


def regions(attribution: NDArray[np.floating], masks: Sequence[NDArray[np.bool_]]) -> NDArray[np.float64]:
    """The mean attribution of regions that are taken one after the other, highest mean first.

    Sums and counts of the pixels that remain in each region are updated, not recomputed: every pixel is taken once.

    Args:
        attribution: ``[h, w]``.
        masks: ``[h, w]`` each, True in the region; regions may overlap.

    Returns:
        float64 ``[h, w]``: for each pixel the mean of the region that took it.
    """
    values = np.asarray(attribution, np.float64).ravel()
    flat = [np.flatnonzero(mask) for mask in masks]
    order = np.argsort(np.concatenate(flat), kind="stable")  # of (pixel, mask), so that a pixel's masks stand together
    holders = np.repeat(np.arange(len(flat)), [len(pixels) for pixels in flat])[order]
    ends = np.cumsum(np.bincount(np.concatenate(flat), minlength=values.size))
    sums, counts = np.array([values[pixels].sum() for pixels in flat]), np.array([len(pixels) for pixels in flat])
    free, means = np.ones(values.size, bool), np.zeros(values.size)
    left = set(range(len(flat)))
    while left := {mask for mask in left if counts[mask] >= LEAST}:
        best = max(sorted(left), key=lambda mask: sums[mask] / counts[mask])
        taken = flat[best][free[flat[best]]]
        means[taken], free[taken] = values[taken].mean(), False
        sizes = np.diff(ends, prepend=0)[taken]
        places = np.repeat(ends[taken] - np.cumsum(sizes), sizes) + np.arange(sizes.sum())
        sums -= np.bincount(holders[places], np.repeat(values[taken], sizes), minlength=len(flat))
        counts -= np.bincount(holders[places], minlength=len(flat))
        left.discard(best)
    if free.any():
        means[free] = values[free].mean()
    return means.reshape(attribution.shape)
