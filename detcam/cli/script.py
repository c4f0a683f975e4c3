"""Running a function as a script, with errors in one line."""

import sys
from collections.abc import Callable

import typer

from detcam.errors import DetcamError, InputError


def run_script(function: Callable[..., None]) -> None:
    """Run a typer command; what is foreseen to go wrong is one line: exit code 2 for usage, 1 for the rest."""
    app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
    app.command()(function)
    try:
        app()
    except DetcamError as error:
        print(f"error: {error}", file=sys.stderr)
        sys.exit(2 if isinstance(error, InputError) else 1)
