"""A script of ``scripts/`` run in the test's own process, which has imported what takes long already."""

from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from io import StringIO
from pathlib import Path

from detcam.cli.main import run_script
from support.places import ROOT


@dataclass(frozen=True)
class Done:
    """What a process of its own would have left: its exit code, and what it wrote."""

    returncode: int
    stdout: str
    stderr: str


def script_done(name: str, *arguments: str | Path) -> Done:
    """Run ``scripts/NAME`` with the words of a command line."""
    with redirect_stdout(StringIO()) as out, redirect_stderr(StringIO()) as err:
        code = run_script(ROOT / "scripts" / name, [str(each) for each in arguments])
    return Done(code, out.getvalue(), err.getvalue())
