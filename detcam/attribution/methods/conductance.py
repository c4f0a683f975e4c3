"""Layer conductance (Dhamdhere, Sundararajan and Yan 2018, eq. 2 and 3), with a blurred photograph as baseline."""

from torch import Tensor


def conductance(activations: Tensor, gradients: Tensor) -> Tensor:
    """``sum_i sum_k G_k(i) * (A_k(i) - A_k(i - 1))`` over copies ``i``: signed ``[h, w]``.

    On the sharp photograph the score is often saturated, so that its gradient there says little. Here the gradient is
    taken along the way from a blurred to the sharp photograph. With many copies, and at a layer that all paths pass
    through, the map adds up to the increase of the score on the way.

    Args:
        activations: ``[S, c, h, w]`` of one layer, from the blurred to the sharp photograph.
        gradients: ``[S, c, h, w]`` of the target on the same copies.

    Returns:
        ``[h, w]``.
    """
    return (gradients[1:] * activations.diff(dim=0)).sum((0, 1))
