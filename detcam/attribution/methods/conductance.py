"""Layer conductance (Dhamdhere, Sundararajan and Yan 2018, eq. 2 and 3), with a blurred photograph as baseline."""

from torch import Tensor


def conductance(activations: Tensor, gradients: Tensor) -> Tensor:
    """``sum_i sum_k G_k(i) * (A_k(i) - A_k(i - 1))`` over copies ``i``: signed ``[h, w]``.

    What a single gradient says of the finished photograph, where the score has long been decided, is little; here it
    is asked along the way from a blurred photograph to a sharp one. With many copies, and at a layer that everything
    passes through, the sum over the map is what the score gains on the way.

    Args:
        activations: ``[S, c, h, w]`` of one layer, from the blurred to the sharp photograph.
        gradients: of the target, likewise.
    """
    return (gradients[1:] * activations.diff(dim=0)).sum((0, 1))
