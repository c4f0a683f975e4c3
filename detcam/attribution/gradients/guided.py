"""Guided Backpropagation's rule: positive gradients alone come back through an activation."""

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional
from torch.overrides import TorchFunctionMode

ACTIVATIONS = frozenset({
    functional.relu, functional.relu_, torch.relu, torch.relu_, Tensor.relu, Tensor.relu_, functional.relu6,
    functional.hardtanh, functional.leaky_relu, functional.leaky_relu_, functional.elu, functional.elu_,
    functional.celu, functional.selu, functional.silu, functional.hardswish, functional.mish, functional.gelu,
})
"""What rectifies, or nearly does; gates, such as sigmoid and hardsigmoid, are none."""


class guided_activations(TorchFunctionMode):
    """In this block the gradient at the output of every activation is cut at 0 from below.

    Calls are watched, not modules: an activation without a module of its own (torchvision's box heads) follows the rule
    too, in-place ones do, and nobody's modules get a hook.
    """

    def __torch_function__(self, func: Callable[..., Any], types: Sequence[type], args: Sequence[Any] = (),
                           kwargs: dict[str, Any] | None = None) -> Any:
        output = func(*args, **(kwargs or {}))
        if func in ACTIVATIONS and output.requires_grad:
            output.register_hook(_positive)
        return output


def _positive(gradient: Tensor) -> Tensor:
    return gradient.clamp(min=0)
