"""Training one model in several processes: each takes its share of every batch, and gradients are averaged.

Start them with ``torchrun --nproc-per-node N``. On a busy CPU, N processes with one thread each are faster than one
process with N threads: they wait for each other once per step, not in every layer.
"""

import os
from collections.abc import Iterable

import torch
import torch.distributed as dist
from torch import nn


def join_processes() -> tuple[int, int]:
    """The rank and the number of processes that torchrun set; (0, 1) without torchrun."""
    size = int(os.environ.get("WORLD_SIZE", "1"))
    if size > 1 and not dist.is_initialized():
        dist.init_process_group("gloo")
    return int(os.environ.get("RANK", "0")), size


def average_gradients(parameters: Iterable[nn.Parameter], size: int) -> None:
    """Replace every gradient by its mean over ``size`` processes, so that their weights stay identical."""
    if size == 1:
        return
    gradients = [parameter.grad for parameter in parameters if parameter.grad is not None]
    flat = torch.cat([gradient.flatten() for gradient in gradients])
    dist.all_reduce(flat)
    flat /= size
    for gradient, mean in zip(gradients, flat.split([gradient.numel() for gradient in gradients]), strict=True):
        gradient.copy_(mean.view_as(gradient))
