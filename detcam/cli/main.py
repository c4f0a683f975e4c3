"""Where the command ``detcam`` and every script begin and end: one way to fail, and one to be interrupted.

Exit codes: 0; 1 where photographs failed, or the adapter's detections are not the model's own; 2 for a wrong usage or
input; 130 after Ctrl-C or SIGTERM. Whatever is foreseen is one line on stderr that begins with ``detcam:``.
"""

import os
import sys
from collections.abc import Callable, Sequence
from functools import partial
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType
from typing import Any

from detcam.errors import DetcamError, MismatchError
from detcam.interruption import Interrupted, interruptible

FAILED, USAGE, INTERRUPTED = 1, 2, 130


def main(arguments: Sequence[str] | None = None) -> int:
    """Run ``detcam``.

    Args:
        arguments: the words of the command line; None takes those of the process.

    Returns:
        The exit code.
    """
    return _run(_commands, arguments, "detcam")


def run_script(file: str | Path, arguments: Sequence[str] | None = None) -> int:
    """Run the function ``main`` of a Python file as a command, its imports included: Ctrl-C may come during these.

    Args:
        file: the script, which calls this before its own imports.
        arguments: the words of the command line; None takes those of the process.

    Returns:
        The exit code.
    """
    path = Path(file)
    return _run(partial(_script, path), arguments, path.name)


def _commands() -> Callable[..., Any]:
    from detcam.cli.app import app

    return app


def _script(path: Path) -> Callable[..., Any]:
    import typer

    app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
    app.command()(script_module(path.resolve()).main)
    return app


def script_module(path: Path) -> ModuleType:
    """A script as a module; it may import the scripts beside it."""
    known = sys.modules.get(path.stem)
    if known is not None and getattr(known, "__file__", None) == str(path):
        return known
    if str(path.parent) not in sys.path:
        sys.path.append(str(path.parent))
    spec = spec_from_file_location(path.stem, path)
    assert spec is not None
    assert spec.loader is not None
    module = sys.modules[path.stem] = module_from_spec(spec)
    try:
        spec.loader.exec_module(module)
    except BaseException:
        del sys.modules[path.stem]
        raise
    return module


def _run(commands: Callable[[], Callable[..., Any]], arguments: Sequence[str] | None, name: str) -> int:
    """Import a command line's commands, run one, and say what went wrong; the exit code."""
    try:
        with interruptible():
            code = int(commands()(args=arguments, prog_name=name, standalone_mode=False) or 0)
            return _interrupted() if code == INTERRUPTED else code  # typer turns Ctrl-C into a silent code
    except KeyboardInterrupt:
        return _interrupted()
    except Interrupted as stopped:
        return _interrupted(str(stopped))
    except BrokenPipeError:  # the reader of our output left, as head does
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return FAILED
    except DetcamError as error:
        from detcam.cli.console import complain

        complain(str(error))
        return FAILED if isinstance(error, MismatchError) else USAGE
    except Exception as error:
        from detcam.cli.console import complain_of_usage

        if not complain_of_usage(error):
            raise
        return USAGE


def _interrupted(finished: str = "") -> int:
    print("detcam: interrupted" + (f"; {finished}" if finished else ""), file=sys.stderr)
    return INTERRUPTED
