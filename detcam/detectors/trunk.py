"""The layer at which the evidence on an edge is measured."""

from collections.abc import Callable, Mapping
from contextlib import ExitStack
from typing import Any

from torch import Tensor, nn

FINE = 8  # canvas pixels: the stride of the layer, measured in docs/measurements to be as good as any


def last_fine_layer(modules: Mapping[str, nn.Module], run: Callable[[], object], width: int) -> str | None:
    """Name of the last module with a map of stride 8 before the network's first coarser map; None without one.

    It is ``model.4`` in YOLOv8, 11 and 26, conv4_3 in SSD300-VGG16. A map counts as coarser from half way (in
    powers of two) to stride 16 on.

    Args:
        modules: the modules of the trunk by name.
        run: runs the network once.
        width: of the canvas that is run, in pixels.
    """
    seen: list[tuple[str, Tensor]] = []

    def note(name: str) -> Callable[[nn.Module, Any, Any], None]:
        def hook(_: nn.Module, __: Any, output: Any) -> None:
            if isinstance(output, Tensor) and output.ndim == 4:
                seen.append((name, output))

        return hook

    with ExitStack() as stack:
        for name, module in modules.items():
            stack.callback(module.register_forward_hook(note(name)).remove)
        run()
    chosen: Tensor | None = None
    for _, output in seen:
        if output.shape[-1] < width / (FINE * 2**0.5):
            break
        chosen = output
    same = [name for name, output in seen if output is chosen]  # a block and its last module give one tensor
    return min(same, key=len, default=None)
