"""What a person reads and what is checked automatically are the same commands."""

import os

from support.places import ROOT

COMMAND = 'python -m pip install -e ".[test]" && python -m pytest -n 2'


def test_the_check_runs_the_readme_s_test_command() -> None:
    assert COMMAND in (ROOT / "README.md").read_text(encoding="utf-8").splitlines()
    lines = (ROOT / ".ci" / "run").read_text(encoding="utf-8").splitlines()
    assert COMMAND in [line.strip() for line in lines]


def test_the_check_can_be_run() -> None:
    assert os.access(ROOT / ".ci" / "run", os.X_OK)


def test_each_sample_photograph_has_its_licence() -> None:
    words = (ROOT / "sample_images" / "README.md").read_text(encoding="utf-8")
    photographs = [path.name for path in (ROOT / "sample_images").iterdir() if path.name != "README.md"]
    assert len(photographs) >= 3
    assert photographs
    assert all(f"`{name}`" in words for name in photographs)
