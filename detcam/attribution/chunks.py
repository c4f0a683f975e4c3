"""A long batch in pieces that fit into memory: smaller pieces where an accelerator has less of it than was thought."""

from collections.abc import Callable, Iterator
from typing import TypeVar
from warnings import warn

import torch
from torch import Tensor

from detcam.attribution.progress import report

Result = TypeVar("Result")


def in_chunks(function: Callable[[Tensor], Result], batch: Tensor, size: int) -> Iterator[Result]:
    """What ``function`` returns for one slice of ``batch`` after the other, in order; progress is reported.

    A slice that does not fit into an accelerator's memory is tried again in halves, and so are all that follow; a
    warning says so. ``function`` may therefore see the same rows twice: what it draws at random has to be drawn before,
    and what it adds up is for the caller to add up from the results.

    Args:
        function: slices ``[n, ...]`` to anything.
        batch: ``[S, ...]``: canvases, or what each of them is made from, such as ``torch.arange(S)``.
        size: rows of a slice at most, at least 1.

    Raises:
        torch.OutOfMemoryError: a single row does not fit.
    """
    start = 0
    while start < len(batch):
        piece = batch[start : start + size]
        try:
            result = function(piece)
        except torch.OutOfMemoryError:
            if len(piece) == 1:
                raise
            size = len(piece) // 2
        else:
            start += len(piece)
            report(start, len(batch))
            yield result
            continue
        # outside the except block, where the error no longer holds the tensors of the failed pass
        torch.cuda.empty_cache()
        warn(f"{len(piece)} canvases at a time do not fit into the accelerator's memory: going on with {size}",
             RuntimeWarning, stacklevel=2)
