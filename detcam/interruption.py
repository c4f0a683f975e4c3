"""Ctrl-C and SIGTERM, heard even where Python forgets them.

Python drops an exception that a signal raises inside a destructor, and a run would go on. So the signal is also noted,
and a run asks for it before every photograph.
"""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager

_asked = threading.Event()


class Interrupted(Exception):
    """A command was stopped by the user; the message says what is finished."""


@contextmanager
def interruptible() -> Iterator[None]:
    """Take SIGTERM for Ctrl-C, and note both, while the block runs."""
    if threading.current_thread() is not threading.main_thread():  # elsewhere Python handles no signals
        yield
        return
    _asked.clear()
    numbers = (signal.SIGINT, signal.SIGTERM)
    before = {number: signal.signal(number, _note) for number in numbers}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler or signal.SIG_DFL)
        _asked.clear()


def _note(*_: object) -> None:
    _asked.set()
    raise KeyboardInterrupt


def stop_if_asked() -> None:
    """Raise KeyboardInterrupt if a signal came since :func:`interruptible` began."""
    if _asked.is_set():
        raise KeyboardInterrupt
