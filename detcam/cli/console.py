"""What commands and scripts say on stderr and count in words: complaints, progress, "2 boxes"."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from detcam.errors import printable

if TYPE_CHECKING:
    from rich.progress import Progress

LONGEST = 800  # letters of an error message: a name may have thousands
WIDEST = 40  # letters of a photograph's name beside a progress bar

T = TypeVar("T")


def complain(words: str) -> None:
    """Print an error as one line on stderr, whatever the words hold."""
    line = " ".join(words.split()).encode("utf-8", "backslashreplace").decode()
    line = line if len(line) <= LONGEST else f"{line[: LONGEST // 2]} … {line[-LONGEST // 2 :]}"
    print(f"detcam: error: {line}", file=sys.stderr)


def complain_of_usage(error: Exception) -> bool:
    """Print an error that typer raises for words that are no command or option; False if it is another error."""
    import typer

    kind: Any = typer.BadParameter.__mro__[2]  # click's ClickException, or that of typer's copy of click, by version
    if isinstance(error, typer.Abort):
        complain("stopped")
        return True
    if not isinstance(error, kind):
        return False
    shown: Any = error
    words, context = shown.format_message(), getattr(error, "ctx", None)
    if words:  # a command without arguments has printed its help already
        complain(words + (f" (see {context.command_path} --help)" if context else ""))
    return True


def note(words: str) -> None:
    """Print a line on stderr that is no error."""
    print(printable(f"detcam: {words}"), file=sys.stderr)


def note_failures(failures: Iterable[tuple[str | Path, str]], photographs: int, what: str = "failed") -> None:
    """Say on stderr which photographs failed, and why.

    Args:
        failures: each photograph and what was wrong with it.
        photographs: how many there were in all.
        what: what could not be done with them.
    """
    lines = [(str(name), words) for name, words in failures]
    if not lines:
        return
    note(f"{len(lines)} of {counted(photographs, 'photograph')} {what}:")
    for name, words in lines:
        print(printable("  " + (words if words.startswith(name) else f"{name}: {words}")), file=sys.stderr)


def progress_bar() -> Progress:
    """A progress bar on stderr, which is gone when it ends; nothing where stderr is no terminal."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    return Progress(TextColumn("{task.description}", markup=False), BarColumn(), MofNCompleteColumn(),
                    TimeRemainingColumn(elapsed_when_finished=True), console=Console(stderr=True),
                    disable=not sys.stderr.isatty(), transient=True)


def tracked(items: Iterable[T], words: str = "photographs", total: int | None = None) -> Iterator[T]:
    """The items, one after the other, with a progress bar."""
    with progress_bar() as progress:
        yield from progress.track(items, total, description=words)


def short_name(path: Path) -> str:
    """A photograph's name for a progress bar."""
    return printable(path.name)[:WIDEST]


def counted(number: int, noun: str) -> str:
    """``"1 box"``, ``"2 boxes"``, ``"3 photographs"``."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}{'es' if noun.endswith('x') else 's'}"
