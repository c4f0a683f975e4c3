"""The functions that the user of a detector of their own writes: how it predicts, and how it detects."""

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

Predict = Callable[[Any, Tensor], tuple[Tensor, Tensor]]
"""From the model and pixels ``[B, 3, h, w]`` RGB in 0..1 to boxes ``[B, A, 4]`` xyxy canvas pixels and class logits
``[B, A, C]``, both differentiable, with the same ``A`` rows for every canvas."""

Detect = Callable[[Any, NDArray[np.uint8]], tuple[Any, Any, Any]]
"""From the model and a photograph, uint8 ``[H, W, 3]`` RGB, to the model's own boxes ``[N, 4]`` xyxy source pixels,
labels ``[N]`` (columns of the logits) and scores ``[N]``, above any threshold."""

ACTIVATIONS: dict[str, Callable[[Tensor], Tensor]] = {"sigmoid": torch.sigmoid,
                                                      "softmax": partial(torch.softmax, dim=-1)}
"""How logits ``[..., C]`` become scores ``[..., C]``, by name."""
