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
    """The integral of ``d target / d pixel`` along a path from the blurred to the sharp photograph.

    The map is the signed sum over the colours. Over all pixels it adds up to the change of the target on the path. No
    colour has to serve as a baseline, as black does in Integrated Gradients.

    The standard deviation decreases evenly from ``sigma`` to 0, as in the authors' code. There are two differences.
    That code differentiates the blur numerically and takes the gradient at the sharper end of each step; here each step
    is the difference of its two ends times the gradient halfway between them, which adds up. That code blurs black into
    the photograph from outside; here the photograph is mirrored at its border, and padding stays as it is.

    Args:
        gradients: of the boxes, which share the path and its forward passes.
        pixels: ``[S, 3, h, w]`` RGB in 0..1, each with a path of its own.
        generator: not used.
        steps: gradients on a path; :func:`detcam.attribution.inputs.paths.along` divides steps that are too long.
        sigma: standard deviation of the strongest blur, as a share of the canvas's longer side.
        tolerance: how far the sum may differ from the change of the target, as a share of that change.

    Returns:
        ``[S, 3, h, w]`` canvas pixels for each box, one after the other.

    Raises:
        MethodError: there are no steps, or the tolerance is not positive.
    """
    geometry = gradients.canvas.geometries[0]
    widest = sigma * max(geometry.canvas)

    def integrated(copy: Tensor) -> list[Tensor]:
        return along(gradients, lambda share: out_of_focus(copy, geometry, (1 - share) * widest), steps, tolerance)

    return copy_by_copy(integrated, pixels)
