"""What the user of a detector of their own writes: how it predicts, and how it detects."""

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

Predict = Callable[[Any, Tensor], tuple[Tensor, Tensor]]
"""The model and pixels ``[B, 3, h, w]`` RGB in 0..1 to boxes ``[B, A, 4]`` xyxy canvas pixels and logits ``[B, A, C]``,
both differentiable, the same ``A`` rows for every canvas."""

Detect = Callable[[Any, NDArray[np.uint8]], tuple[Any, Any, Any]]
"""The model and a photograph, uint8 ``[H, W, 3]`` RGB, to its own boxes ``[N, 4]`` xyxy source pixels, labels ``[N]``
(columns of the logits) and scores ``[N]``, above any threshold."""

ACTIVATIONS: dict[str, Callable[[Tensor], Tensor]] = {"sigmoid": torch.sigmoid,
                                                      "softmax": partial(torch.softmax, dim=-1)}
"""How logits ``[..., C]`` become scores ``[..., C]``, by name."""
