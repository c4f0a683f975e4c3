"""Integrated Gradients (Sundararajan, Taly and Yan 2017, eq. 1)."""

from collections.abc import Iterator

from torch import Generator, Tensor

from detcam.attribution.gradients.pixel_gradients import PixelGradients
from detcam.attribution.inputs.baselines import baseline_of
from detcam.attribution.inputs.paths import TOLERANCE, along, copy_by_copy

STEPS = 50  # section 5: 20 to 300
BASELINE = "black"  # the paper's, section 3


def integrated_gradients(gradients: PixelGradients, pixels: Tensor, generator: Generator, steps: int = STEPS,
                         baseline: str = BASELINE, tolerance: float = TOLERANCE) -> Iterator[Tensor]:
    """``(x - x') * integral of d target / d pixel`` from the baseline ``x'`` to the photograph ``x``.

    The map is the signed sum over the colours. Over all pixels it adds up to ``target(x) - target(x')``.

    The paper's eq. 3 takes the gradient at the end of each step; here it is taken in the middle. The padding of the
    canvas is the same in the baseline, and has no attribution.

    Args:
        gradients: of the boxes, which share the path and its forward passes.
        pixels: ``[S, 3, h, w]`` RGB in 0..1, each with its own path.
        generator: not used.
        steps: gradients on a path; :func:`detcam.attribution.inputs.paths.along` divides steps that are too long.
        baseline: the start of the paths, one of :data:`detcam.attribution.inputs.baselines.STARTS`.
        tolerance: how far the sum may differ from ``target(x) - target(x')``, as a share of that.

    Returns:
        ``[S, 3, h, w]`` canvas pixels for each box, one after the other.

    Raises:
        MethodError: there is no such baseline, there are no steps, or the tolerance is not positive.
    """
    start = baseline_of(gradients.canvas, baseline)

    def integrated(copy: Tensor) -> list[Tensor]:
        return along(gradients, lambda share: start + share * (copy - start), steps, tolerance)

    return copy_by_copy(integrated, pixels)
