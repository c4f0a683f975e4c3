"""The modules of a backbone through which all evidence passes, and the one at which that for an edge is measured."""

from collections.abc import Callable, Mapping
from contextlib import ExitStack
from typing import Any

from torch import Tensor, nn

SHORTCUTS = ("downsample", "shortcut")  # what torchvision, timm and transformers call one in their residual blocks


def outside_shortcuts(model: nn.Module) -> dict[str, nn.Module]:
    """A model's modules by name, without those inside of residual blocks, whose shortcuts lead past them."""
    modules = dict(model.named_modules())
    blocks = tuple(f"{name}." for name, module in modules.items() if any(hasattr(module, word) for word in SHORTCUTS))
    return {name: module for name, module in modules.items() if not name.startswith(blocks)}


def last_fine_layer(modules: Mapping[str, nn.Module], run: Callable[[], float]) -> str | None:
    """Name of the module that gives the backbone's last fine map ``[B, c, h, w]``; None where none does.

    Coarse maps between fine ones, such as the single cell that a squeeze-excitation pools, do not matter.

    Args:
        modules: the modules of the backbone by name, without a neck that makes coarse maps fine again.
        run: runs the network once, and returns how many cells wide a map must at least be to be a fine one.
    """
    outputs: list[tuple[str, Tensor]] = []

    def note(name: str) -> Callable[[nn.Module, Any, Any], None]:
        def hook(_: nn.Module, __: Any, output: Any) -> None:
            if isinstance(output, Tensor) and output.ndim == 4:
                outputs.append((name, output))

        return hook

    with ExitStack() as stack:
        for name, module in modules.items():
            stack.callback(module.register_forward_hook(note(name)).remove)
        width = run()
    fine = [output for _, output in outputs if output.shape[-1] >= width]
    last = fine[-1] if fine else None
    same = [name for name, output in reversed(outputs) if output is last]  # a block, its last module, those in place
    return min(same, key=len, default=None)
