"""Imports point one way, and importing detcam stays light."""

import ast
import subprocess
import sys
from pathlib import Path

import detcam

ROOT = Path(detcam.__file__).parent
ORDER = [
    {"errors"},
    {"interruption", "script"},
    {"imaging"},
    {"data", "detectors"},
    {"attribution"},
    {"diagnosis"},
    {"explanation"},
    {"explain_rows", "training"},
    {"explain"},
    {"beside", "diagnosing", "panel"},
    {"store", "views"},
    {"choices", "inputs", "lists", "terminal"},
    {"run"},
    {"audit", "diagnosis_job"},
    {"job"},
    {"data_commands"},
    {"cli"},
]
"""The rooms from the ground up: a file imports from its own room and from rooms further up this list."""


def rank(room: str) -> int:
    return next(index for index, rooms in enumerate(ORDER) if room in rooms)


def imported(path: Path) -> set[str]:
    """The rooms that a file imports from, also inside functions."""
    rooms = set()
    for node in ast.walk(ast.parse(path.read_text())):
        names = [node.module or ""] if isinstance(node, ast.ImportFrom) else (
            [alias.name for alias in node.names] if isinstance(node, ast.Import) else [])
        rooms |= {name.split(".")[1] for name in names if name.startswith("detcam.")}
    return rooms


def test_imports_point_one_way() -> None:
    wrong = []
    for path in ROOT.rglob("*.py"):
        parts = path.relative_to(ROOT).with_suffix("").parts
        if parts == ("__init__",):
            continue
        wrong += [f"{path.relative_to(ROOT)} imports {other}" for other in imported(path)
                  if rank(other) > rank(parts[0]) or (rank(other) == rank(parts[0]) and other != parts[0])]
    assert not wrong


def test_importing_detcam_loads_no_ultralytics_and_changes_no_setting() -> None:
    code = (
        "import os, sys, numpy, torch; before = (dict(os.environ), numpy.get_printoptions(), torch.get_num_threads());"
        "import detcam; assert 'ultralytics' not in sys.modules and 'scipy' not in sys.modules;"
        "assert before == (dict(os.environ), numpy.get_printoptions(), torch.get_num_threads())"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_importing_ultralytics_through_its_adapter_puts_everything_back() -> None:
    code = (
        "import os, warnings, cv2, numpy, PIL.Image, torch;"
        "from detcam.detectors.ultralytics_import import import_ultralytics;"
        "state = lambda: (dict(os.environ), numpy.get_printoptions(), str(torch.tensor(1/3)), cv2.getNumThreads(),"
        " torch.save, cv2.imread, PIL.Image.open, warnings.filters[:]);"
        "before = state(); import_ultralytics();"
        "from ultralytics.models.yolo.detect import DetectionPredictor; from ultralytics.nn.modules.head import Detect;"
        "assert state() == before"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_public_names_are_sorted_and_there() -> None:
    assert detcam.__all__ == sorted(detcam.__all__, key=lambda name: (not name.isupper(), name))
    assert all(hasattr(detcam, name) for name in detcam.__all__)
