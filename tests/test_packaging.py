"""What a person reads and what is checked automatically are the same commands."""

import os
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
COMMAND = 'python -m pip install -e ".[test]" && python -m pytest -n 2'


def test_the_check_runs_the_readme_s_test_command() -> None:
    readme = ROOT / "README.md"
    if not readme.is_file():
        pytest.skip("README.md is not written yet")
    assert COMMAND in readme.read_text(encoding="utf-8")
    assert COMMAND in (ROOT / ".ci" / "run").read_text(encoding="utf-8").splitlines()


def test_the_check_can_be_run() -> None:
    assert os.access(ROOT / ".ci" / "run", os.X_OK)


def test_each_sample_photograph_has_its_licence() -> None:
    words = (ROOT / "sample_images" / "README.md").read_text(encoding="utf-8")
    photographs = [path.name for path in (ROOT / "sample_images").iterdir() if path.name != "README.md"]
    assert len(photographs) >= 3
    assert all(f"`{name}`" in words for name in photographs)
