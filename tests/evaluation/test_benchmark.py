"""The benchmark script measures, row by row, and says what it could not."""

import json
import subprocess
import sys
from pathlib import Path

from support.places import ROOT
from support.scripts import script_done

SCRIPT = ROOT / "scripts" / "benchmark.py"


def run(*arguments: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run([sys.executable, str(SCRIPT), *arguments], capture_output=True, text=True)


def test_a_row_of_each_kind(tmp_path: Path) -> None:
    out = tmp_path / "rows.json"
    done = run("--boxes", "2", "--only", '"auto", "boxes_of": "crowd", "method": "gradcam"', "--json", str(out))
    assert done.returncode == 0, done.stderr
    (row,) = json.loads(out.read_text())["rows"]
    assert (row["model"], row["layer"], row["method"], row["peer"], row["boxes"]) == ("yolov8n", "auto", "gradcam",
                                                                                     "captum", 2)
    assert row["forwards"] > 0.5  # it makes a forward pass itself
    assert row["ratio"] > 0
    assert row["peak_mib"] >= 0


def test_clear_errors(tmp_path: Path) -> None:
    assert "nothing.pt: no such file" in script_done(SCRIPT.name, "--yolo", tmp_path / "nothing.pt").stderr
    assert "no row holds it" in script_done(SCRIPT.name, "--only", "resnet").stderr
    broken = tmp_path / "broken.jpg"
    broken.write_text("no photograph")
    done = script_done(SCRIPT.name, "--photograph", broken, "--boxes", "1", "--only", '"boxes_of": "2"', "--no-peers")
    assert done.returncode == 1
    assert "1 of 1 rows could not be measured" in done.stderr
    assert "not a photograph that Pillow can read" in done.stderr
