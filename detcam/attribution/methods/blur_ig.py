"""Blur Integrated Gradients (Xu, Venugopalan and Sundararajan 2020, eq. 5)."""

from collections.abc import Iterator

from torch import Generator, Tensor

from detcam.attribution.gradients.pixel_gradients import PixelGradients
from detcam.attribution.inputs.baselines import out_of_focus
from detcam.attribution.inputs.paths import TOLERANCE, along, copy_by_copy

STEPS = 100  # the authors' code
SIGMA = 0.17  # of the canvas's longer side: the authors' 50 px of 299 px


def blur_ig(gradients: PixelGradients, pixels: Tensor, generator: Generator, steps: int = STEPS,
            sigma: float = SIGMA, tolerance: float = TOLERANCE) -> Iterator[Tensor]:
    """The integral of ``d target / d pixel`` along the photograph's way from out of focus into focus.

    The map is the signed sum over the colours; over all pixels it adds up to what the target gains on the way. No
    colour has to stand for nothing, as a black baseline does.

    The standard deviation falls evenly from ``sigma`` to 0, as in the authors' code. Theirs differentiates the blur
    numerically and takes the gradient at the sharper end of each step; here it is the difference of the two ends and
    the gradient halfway between them, which adds up. Theirs blurs black into the photograph from outside; here the
    photograph is mirrored at its border, and padding stays as it is.

    Args:
        gradients: of the boxes, which share the path and its forward passes.
        pixels: ``[S, 3, h, w]`` RGB in 0..1, each with a path of its own.
        generator: not used.
        steps: gradients on a path, before :func:`detcam.attribution.inputs.paths.along` cuts those that are too long.
        sigma: standard deviation of the strongest blur, as a share of the canvas's longer side.
        tolerance: by which share of what the target gains on the way the sum may miss it.

    Returns:
        ``[S, 3, h, w]`` a box.
    """
    geometry = gradients.canvas.geometries[0]
    widest = sigma * max(geometry.canvas)

    def integrated(copy: Tensor) -> list[Tensor]:
        return along(gradients, lambda share: out_of_focus(copy, geometry, (1 - share) * widest), steps, tolerance)

    return copy_by_copy(integrated, pixels)
