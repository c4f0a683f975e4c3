"""The settings of one training stage. A training has a few stages; each starts from the weights of the one before."""

import math
from dataclasses import asdict, dataclass
from typing import Any

from detcam.errors import InputError

# Below, a convolution with stride 2 would see a single cell, for which PyTorch's bf16 gradient on CPU is undefined
# memory (measured with torch 2.15).
SMALLEST_SIDE = 144


@dataclass(frozen=True)
class Recipe:
    """The settings of one stage: ``steps`` optimiser steps of ``batch`` pictures on a canvas of ``side`` pixels.

    Raises:
        InputError: the canvas is too small.
    """

    steps: int
    side: int = 300
    batch: int = 32
    learning_rate: float = 2e-3
    final_learning_rate: float = 2e-3  # reached by a cosine from `decay_from` on
    decay_from: int = 0
    warmup: int = 150
    weight_decay: float = 0.02
    average_decay: float = 0.998  # of the exponential moving average of the weights, per step
    score_weight: float = 2.0
    box_weight: float = 0.4
    distil_weight: float = 2.0
    augment: bool = True
    mosaic_share: float = 0.15  # this and the next two: arguments of Augmentation
    whole_share: float = 0.2
    paste_share: float = 0.0
    crop_uses: int = 1  # passes through the data set that share one crop of every photograph
    seed: int = 0
    checkpoint_every: int = 50
    evaluate_every: int = 300
    log_every: int = 20

    def __post_init__(self) -> None:
        if self.side < SMALLEST_SIDE:
            raise InputError(f"a canvas of {self.side} px is too small: use at least {SMALLEST_SIDE}")

    def learning_rate_at(self, step: int) -> float:
        """The learning rate of a step: a linear warm-up, then constant, then a cosine down to the final rate."""
        if step < self.warmup:
            return self.learning_rate * (step + 1) / self.warmup
        if step < self.decay_from:
            return self.learning_rate
        done = (step - self.decay_from) / max(1, self.steps - self.decay_from)
        share = 0.5 * (1 + math.cos(math.pi * min(1.0, max(0.0, done))))
        return self.final_learning_rate + share * (self.learning_rate - self.final_learning_rate)

    @property
    def loss_weights(self) -> dict[str, float]:
        """The weight of each part of the loss, by its name."""
        return {"score": self.score_weight, "box": self.box_weight, "distil": self.distil_weight}

    def as_dict(self) -> dict[str, Any]:
        """The settings by name, as checkpoints record them."""
        return asdict(self)
