"""Progress of a long method, reported to a listener, such as the command line's bar."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

Listener = Callable[[int, int], None]
"""Called with how much is done and how much there is to do."""

_listener: ContextVar[Listener | None] = ContextVar("listener", default=None)


@contextmanager
def progress_listener(listener: Listener) -> Iterator[None]:
    """Pass what long methods report inside the block to ``listener``; of nested blocks the innermost receives it."""
    token = _listener.set(listener)
    try:
        yield
    finally:
        _listener.reset(token)


def report(done: int, total: int) -> None:
    """Report that ``done`` of ``total`` passes are done; after ``done == total`` another piece of work begins."""
    listener = _listener.get()
    if listener is not None:
        listener(done, total)
