"""Train the person detector: `python scripts/train_person_detector.py --help`."""

import sys

if __name__ == "__main__":  # before the other imports, which take seconds
    from detcam.cli.main import run_script

    sys.exit(run_script(__file__))

from detcam.cli.commands.train import train as main

__all__ = ["main"]
