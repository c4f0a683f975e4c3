"""``python -m detcam``."""

import sys

from detcam.cli.app import main

if __name__ == "__main__":
    sys.exit(main())
