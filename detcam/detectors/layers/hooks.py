"""Reading a module's output while a model runs, with hooks that always come off again."""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager

from torch import Tensor, nn

from detcam.errors import DetectorError


@contextmanager
def recorded(modules: Sequence[nn.Module], times: int = 1) -> Iterator[list[Tensor]]:
    """A list that is filled with the modules' outputs when the block ends; they stay on the autograd graph.

    They come module by module, in the order of ``modules``, each module's in the order in which it ran.

    Args:
        modules: whose outputs.
        times: how often each module runs in the block: one that all levels share runs once a level.

    Raises:
        DetectorError: a module ran less or more often than that.
    """
    by_module: dict[int, list[Tensor]] = {id(module): [] for module in modules}
    outputs: list[Tensor] = []

    def record(module: nn.Module, _: object, output: Tensor) -> None:
        by_module[id(module)].append(output)

    with ExitStack() as stack:
        for module in modules:
            stack.callback(module.register_forward_hook(record).remove)
        yield outputs
    for i, module in enumerate(modules):
        runs = len(by_module[id(module)])
        if runs != times:
            kind, expected = type(module).__name__, "once" if times == 1 else f"{times} times"
            raise DetectorError(f"head module {i} ({kind}) ran {runs} times in one forward pass, expected {expected}")
        outputs.extend(by_module[id(module)])
