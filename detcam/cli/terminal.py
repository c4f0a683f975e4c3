"""What every command says on stderr when it is stopped or complains."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager

import typer

LONGEST = 800  # letters of an error message: a name may have thousands


@contextmanager
def report_interrupt() -> Iterator[None]:
    """Say that Ctrl-C was heard: typer itself ends in silence."""
    try:
        yield
    except KeyboardInterrupt:
        complain("interrupted")
        raise typer.Exit(130) from None


def complain(words: str) -> None:
    """One line on stderr, whatever the words hold."""
    line = " ".join(words.split()).encode("utf-8", "backslashreplace").decode()
    line = line if len(line) <= LONGEST else f"{line[: LONGEST // 2]} … {line[-LONGEST // 2 :]}"
    print(f"detcam: error: {line}", file=sys.stderr)
