"""A network on loan: its modes and weights while it is explained, and the fingerprint of its weights."""

from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import sha256

import torch
from torch import nn


@contextmanager
def borrowed(model: nn.Module) -> Iterator[None]:
    """In the block a model is in evaluation mode with frozen weights; after it, it is as it was before."""
    modes = [(module, module.training) for module in model.modules()]
    gradients = [(weight, weight.requires_grad) for weight in model.parameters()]
    try:
        model.eval()
        for weight, _ in gradients:
            weight.requires_grad_(False)
        yield
    finally:
        for module, training in modes:
            module.training = training
        for weight, needed in gradients:
            weight.requires_grad_(needed)


def fingerprint_of(model: nn.Module) -> str:
    """Which weights a model has: the first 16 hexadecimal digits of a SHA-256 over its state dict."""
    digest = sha256()
    for key, value in model.state_dict().items():
        digest.update(key.encode())
        digest.update(value.detach().cpu().contiguous().view(-1).view(torch.uint8).numpy().tobytes())
    return digest.hexdigest()[:16]
