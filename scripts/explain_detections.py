"""Explain every box that a detector draws: ``detcam explain`` without the word ``explain``."""

import sys

if __name__ == "__main__":  # before the other imports, which take seconds
    from detcam.cli.main import run_script

    sys.exit(run_script(__file__))

from detcam.cli.commands.explain import explain as main

__all__ = ["main"]
