"""Reading a module's output while a model runs, with hooks that always come off again."""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager

from torch import Tensor, nn

from detcam.errors import DetectorError


@contextmanager
def recorded(modules: Sequence[nn.Module]) -> Iterator[list[Tensor]]:
    """A list that is filled with each module's output, in the order of ``modules``, when the block ends.

    The outputs stay on the autograd graph.

    Raises:
        DetectorError: a module did not run, or ran twice, in the block.
    """
    seen: dict[int, list[Tensor]] = {id(module): [] for module in modules}
    outputs: list[Tensor] = []

    def record(module: nn.Module, _: object, output: Tensor) -> None:
        seen[id(module)].append(output)

    with ExitStack() as stack:
        for module in modules:
            stack.callback(module.register_forward_hook(record).remove)
        yield outputs
    for index, module in enumerate(modules):
        runs = len(seen[id(module)])
        if runs != 1:
            kind = type(module).__name__
            raise DetectorError(f"head module {index} ({kind}) ran {runs} times in one forward, expected once")
        outputs.append(seen[id(module)][0])
