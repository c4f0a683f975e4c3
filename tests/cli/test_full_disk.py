"""A full disk and interruptions at any moment: finished outputs survive whole, and nothing half is left behind."""

import errno
import json
import random
import resource
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from PIL import Image as PilImage
from support.places import TINY
from support.tiny import photograph

from detcam.cli import main as cli
from detcam.store.read import load_explanations

ARGUMENTS = ["explain", "shots", "--model", TINY, "--max-boxes", "2"]
OUT = Path("explanations")


@pytest.fixture(autouse=True)
def _shots(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("shots").mkdir()
    for seed, name in enumerate("abcd"):
        PilImage.fromarray(photograph(seed)).save(f"shots/{name}.png")


def finished() -> list[str]:
    """What is recorded, after a look at every file: all of it whole, and nothing unfinished beside it."""
    names = []
    content = json.loads((OUT / "explanations.json").read_text())
    for one, record in zip(load_explanations(OUT), content["images"], strict=True):
        assert Path(one.image.name).stem + ".npz" == record["heatmap_file"]
        assert record["figures"]
        names.append(Path(one.image.name).stem)
    for path in OUT.iterdir():
        assert path.suffix in (".png", ".npz", ".json"), path
        if path.suffix == ".png":
            PilImage.open(path).load()
    return names


def only_finished() -> list[str]:
    """The same, where no page of an unrecorded photograph may be left either."""
    names = finished()
    assert {path.name for path in OUT.glob("*.png")} == {f"{name}.png" for name in names}
    return names


def full_at(name: str, count: int) -> Callable[..., Any]:
    """An ``open`` whose ``count``-th file with ``name`` in its own takes ten bytes, and then the disk is full."""
    left = count

    def opened(path: Path, mode: str) -> Any:
        nonlocal left
        left -= name in path.name
        if left or name not in path.name:
            return open(path, mode)
        left = -1
        path.write_bytes(b"ten bytes.")
        return open("/dev/full", mode)

    return opened


@pytest.mark.parametrize(("name", "count", "expected"), [
    ("c.npz", 1, ["a", "b"]), ("a.npz", 1, []), ("explanations.json", 3, ["a"]), ("explanations.json", 4, ["a", "b"])])
def test_a_full_disk_while_numbers_are_written(name: str, count: int, expected: list[str],
                                               monkeypatch: pytest.MonkeyPatch,
                                               capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr("detcam.store.write.PATIENCE", 0)  # the JSON is written again for every photograph
    monkeypatch.setattr("detcam.store.files.open", full_at(name, count), raising=False)
    assert cli.main(ARGUMENTS) == 2
    said = capsys.readouterr().err.splitlines()
    assert said == [f"detcam: error: explanations/{name}: cannot be written (No space left on device)"]
    assert only_finished() == expected


def test_a_full_disk_while_figures_are_written(monkeypatch: pytest.MonkeyPatch,
                                               capsys: pytest.CaptureFixture[str]) -> None:
    original, left = Path.write_bytes, 5  # pages of one row: a.png, a.2.png, b.png, b.2.png, c.png

    def full(path: Path, content: bytes) -> int:
        nonlocal left
        left -= path.name.endswith(".part")
        if path.name.endswith(".part") and not left:
            original(path, bytes(content)[:10])
            raise OSError(errno.ENOSPC, "No space left on device")
        return original(path, content)

    monkeypatch.setattr(Path, "write_bytes", full)
    monkeypatch.setattr("detcam.views.explanation.figure.save_figures.__kwdefaults__", {
        "rows_per_page": 1, "scale": "box", "cmap": "inferno", "dpi": 40.0})
    assert cli.main(ARGUMENTS) == 2
    assert capsys.readouterr().err == (
        "detcam: error: explanations/c.png: cannot be written (No space left on device)\n")
    assert finished() == ["a", "b"]
    assert sorted(path.name for path in OUT.glob("*.png")) == ["a.2.png", "a.png", "b.2.png", "b.png"]


def test_files_that_may_not_grow(capsys: pytest.CaptureFixture[str]) -> None:
    """A limit that the system itself enforces, in a process of its own; what an earlier run left is whole."""
    assert cli.main(ARGUMENTS) == 0
    before = {path.name: path.read_bytes() for path in OUT.iterdir()}
    done = subprocess.run(
        [sys.executable, "-m", "detcam", *ARGUMENTS], capture_output=True, text=True,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (20000, 20000)))
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == "detcam: error: explanations/a.png: cannot be written (File too large)\n"
    assert {path.name: path.read_bytes() for path in OUT.iterdir()} == before


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of 2 MB, where mounting one is allowed."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", str(folder)], capture_output=True)
    if mounted.returncode:
        pytest.skip("mounting a small disk is not allowed here; the other tests simulate one")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


def test_a_disk_that_is_really_full(small_disk: Path, monkeypatch: pytest.MonkeyPatch,
                                    capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(sys.modules[__name__], "OUT", small_disk)
    assert cli.main([*ARGUMENTS, "--out", str(small_disk)]) == 2
    said = capsys.readouterr().err.splitlines()
    assert len(said) == 1
    assert "cannot be written (No space left on device)" in said[0]
    assert 1 <= len(only_finished()) < 4


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")  # stopped inside a destructor
@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM])
def test_stopped_at_any_moment(how: signal.Signals, capsys: pytest.CaptureFixture[str]) -> None:
    """Ten runs, each stopped at another moment, after the first that was not."""
    assert cli.main(ARGUMENTS) == 0
    moments, codes = random.Random(int(how)), []
    before = signal.signal(signal.SIGALRM, lambda *_: signal.raise_signal(how))
    ignored = signal.signal(signal.SIGINT, signal.default_int_handler)  # as it is in a job in the background
    try:
        for _ in range(10):
            signal.setitimer(signal.ITIMER_REAL, moments.uniform(0.01, 1.2))
            codes.append(cli.main(ARGUMENTS))
            signal.setitimer(signal.ITIMER_REAL, 0)
            finished()
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
        signal.signal(signal.SIGINT, ignored)
    assert set(codes) <= {0, 130}
    assert codes.count(130) >= 3
    assert "Traceback" not in capsys.readouterr().err
