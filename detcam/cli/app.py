"""The commands of ``detcam``, by their names."""

import typer

from detcam.cli.commands.audit import audit
from detcam.cli.commands.compare import compare
from detcam.cli.commands.diagnose import diagnose
from detcam.cli.commands.explain import explain
from detcam.cli.commands.listings import layers, methods
from detcam.cli.commands.panel import panel
from detcam.cli.commands.sheet import sheet
from detcam.cli.options import Version

COMMANDS = (explain, methods, layers, sheet, panel, diagnose, audit, compare)

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False, no_args_is_help=True)


@app.callback()
def _group(show_version: Version = False) -> None:
    """Why does a detector draw each of its boxes, and which edge is most likely wrong?"""


for command in COMMANDS:
    app.command()(command)
