"""Explain every box that a detector draws: ``detcam explain`` without the word ``explain``."""

import sys

try:
    from detcam.cli.app import alone, main
except KeyboardInterrupt:  # the imports take seconds
    sys.exit(130)

if __name__ == "__main__":
    sys.exit(main(commands=alone, name="explain_detections.py"))
