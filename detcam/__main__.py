"""``python -m detcam``."""

import sys

from detcam.cli.main import main

if __name__ == "__main__":
    sys.exit(main())
