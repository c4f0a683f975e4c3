"""Where things lie that tests open."""

from pathlib import Path

TESTS = Path(__file__).resolve().parents[1]
ROOT = TESTS.parent
SUPPORT = TESTS / "support"
SAMPLES = ROOT / "sample_images"
TINY_FILE = SUPPORT / "tiny.py"
TINY = f"{TINY_FILE}:tiny_ssd"  # what ``--model`` takes
