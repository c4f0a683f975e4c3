"""Explain every box that a detector draws: ``detcam explain`` without the word ``explain``."""

import sys

from detcam.cli import alone, main

if __name__ == "__main__":
    sys.exit(main(commands=alone, name="explain_detections.py"))
