"""Which boxes may share one backward pass: those whose gradient windows cannot overlap, by structure."""

from collections.abc import Sequence

from torch import nn

ELEMENTWISE = (nn.ReLU, nn.ReLU6, nn.LeakyReLU, nn.SiLU, nn.GELU, nn.Hardswish, nn.Sigmoid, nn.Identity, nn.BatchNorm2d)


def structural_window(module: nn.Module) -> int | None:
    """Side, in cells, of the window that one output cell of a head module can depend on; None if unknown.

    Only stride-1 convolutions, element-wise modules (batch norm in evaluation mode is one) and plain sequences
    of them are known. Zeros that merely happen in a gradient prove nothing, so anything else gives None.
    """
    if isinstance(module, nn.Conv2d):
        if module.stride != (1, 1):
            return None
        return 1 + max((size - 1) * step for size, step in zip(module.kernel_size, module.dilation, strict=True))
    if isinstance(module, ELEMENTWISE):
        return 1
    if type(module).forward is nn.Sequential.forward or _is_conv_block(module):
        window = 1
        for child in module.children():
            inner = structural_window(child)
            if inner is None:
                return None
            window += inner - 1
        return window
    return None


def _is_conv_block(module: nn.Module) -> bool:
    """Whether it is ultralytics' convolution + batch norm + activation, known without importing ultralytics."""
    kind = type(module)
    return kind.__module__ == "ultralytics.nn.modules.conv" and kind.__name__ in {"Conv", "DWConv"}


def shared_groups(cells: Sequence[tuple[int, int]], window: int | None) -> list[list[int]]:
    """Indices of boxes in groups whose windows around their cells ``(y, x)`` do not overlap (greedy colouring)."""
    if window is None:
        return [[index] for index in range(len(cells))]
    groups: list[list[int]] = []
    for index, (y, x) in enumerate(cells):
        for group in groups:
            if all(max(abs(y - cells[other][0]), abs(x - cells[other][1])) >= window for other in group):
                group.append(index)
                break
        else:
            groups.append([index])
    return groups
