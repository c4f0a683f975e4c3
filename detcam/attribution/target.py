"""What is explained about a row: its class, or one edge of its box."""

from collections.abc import Callable
from dataclasses import dataclass

from torch import Tensor

from detcam.detectors.prediction import Prediction
from detcam.errors import InputError, near
from detcam.imaging.boxes import EDGES


@dataclass(frozen=True)
class Target:
    """A differentiable number of one detection.

    Attributes:
        name: the word that users and provenance know it by.
        read: ``(prediction, row, label)`` to the number in every image, ``[B]``.
        local: it reads nothing but its own cell of its own level's maps, so that passes may be shared.
    """

    name: str
    read: Callable[[Prediction, int, int], Tensor]
    local: bool = False


def _edge(edge: str) -> Target:
    return Target(edge, lambda prediction, row, label: prediction.edge(row, edge), local=True)


TARGETS = {
    "logit": Target("logit", lambda prediction, row, label: prediction.logit(row, label), local=True),
    "probability": Target("probability", lambda prediction, row, label: prediction.probability(row, label), local=True),
    **{edge: _edge(edge) for edge in EDGES},
}


def get_target(target: str | Target) -> Target:
    """A target by its name, or the target itself.

    Raises:
        InputError: there is no target of that name.
    """
    if isinstance(target, Target):
        return target
    if target not in TARGETS:
        raise InputError(f"unknown target {target!r}: {near(target, TARGETS)}")
    return TARGETS[target]
