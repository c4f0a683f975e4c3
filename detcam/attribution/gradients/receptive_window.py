"""How many cells of a level's map an output of the head can depend on, by its structure."""

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
