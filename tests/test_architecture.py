"""Imports point one way, file by file, and importing detcam stays light."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import detcam

ROOT = Path(detcam.__file__).parent
MEASURING, TRAINING, TRAIN_COMMAND = "evaluation", "training", "detcam.cli.commands.train"
ORDER = [
    "version", "errors", "interruption", "imaging", "datasets", "detectors", "attribution", "measures", "verdicts",
    "explanations", "store", "stats", "diagnosis", "audits", "views", TRAINING, MEASURING, "cli", "__main__",
]
"""The rooms from the ground up: a file imports from its own room and from rooms further up this list."""

MOST = 16  # modules that lie flat in one folder
A_FILE_EACH = {"detcam/attribution/methods"}  # folders of many small files of one kind


def name_of(path: Path) -> str:
    parts = path.relative_to(ROOT.parent).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


FILES = {name_of(path): path for path in ROOT.rglob("*.py")}


def imported(name: str) -> set[str]:
    """The files that a file imports, inside functions and for type checkers too, and in tables of lazy names."""
    found = set()
    for node in ast.walk(ast.parse(FILES[name].read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module:
            inside = [f"{node.module}.{alias.name}" for alias in node.names]
            found |= {module if module in FILES else node.module for module in inside}
        elif isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and node.value.startswith("detcam."):
            found.add(node.value.partition(":")[0])  # "module:name", resolved when it is first asked for
    return (found & set(FILES)) - {name}


GRAPH = {name: imported(name) for name in FILES}


def room_of(name: str) -> str:
    return name.split(".")[1] if "." in name else ""


def reachable(name: str) -> Iterator[str]:
    seen, waiting = set(), [name]
    while waiting:
        one = waiting.pop()
        if one not in seen:
            seen.add(one)
            waiting += GRAPH[one]
            yield one


def test_there_is_a_graph_to_look_at() -> None:
    assert len(FILES) > 200
    assert sum(map(len, GRAPH.values())) > 500
    assert "detcam.attribution.methods.hirescam" in GRAPH["detcam.attribution.methods.table"]  # a lazy line of a table


def test_imports_point_one_way() -> None:
    rooms = {room_of(name) for name in FILES} - {""}
    assert rooms == set(ORDER)
    wrong = [f"{name} imports {other}" for name in sorted(GRAPH) for other in sorted(GRAPH[name])
             if room_of(name) and (not room_of(other) or ORDER.index(room_of(other)) > ORDER.index(room_of(name)))]
    assert not wrong


def test_no_two_files_import_each_other() -> None:
    try:
        order = list(TopologicalSorter(GRAPH).static_order())
    except CycleError as error:
        raise AssertionError(" -> ".join(error.args[1])) from None
    assert len(order) == len(FILES)


def test_no_folder_is_a_heap() -> None:
    flat: dict[str, int] = {}
    for path in FILES.values():
        if path.name != "__init__.py":
            folder = path.parent.relative_to(ROOT.parent).as_posix()
            flat[folder] = flat.get(folder, 0) + 1
    assert len(flat) > 20
    assert {folder for folder, count in flat.items() if count > MOST} == A_FILE_EACH


def test_nothing_that_runs_for_a_user_imports_what_measures_detcam() -> None:
    runs = {name for start in ("detcam", "detcam.__main__", "detcam.cli.app") for name in reachable(start)}
    assert len(runs) > 150
    assert {room_of(name) for name in runs}.isdisjoint({MEASURING, TRAINING})
    assert TRAIN_COMMAND not in runs


def test_using_detcam_s_names_loads_no_ultralytics_and_changes_no_setting() -> None:
    code = (
        "import os, sys, numpy, torch, torchvision;"
        "before = (dict(os.environ), numpy.get_printoptions(), torch.get_num_threads());"
        "import detcam; [getattr(detcam, name) for name in detcam.__all__ if name != 'compare'];"  # which needs scipy
        "assert 'detcam.explanations.explain' in sys.modules;"
        "assert not {'ultralytics', 'scipy', 'matplotlib', 'transformers'} & set(sys.modules);"
        "assert before == (dict(os.environ), numpy.get_printoptions(), torch.get_num_threads())"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_importing_ultralytics_through_its_adapter_puts_everything_back() -> None:
    code = (
        "import os, warnings, cv2, numpy, PIL.Image, torch;"
        "from detcam.detectors.for_ultralytics.lazy_import import import_ultralytics;"
        "state = lambda: (dict(os.environ), numpy.get_printoptions(), str(torch.tensor(1/3)), cv2.getNumThreads(),"
        " torch.save, cv2.imread, PIL.Image.open, warnings.filters[:]);"
        "before = state(); import_ultralytics();"
        "from ultralytics.models.yolo.detect import DetectionPredictor; from ultralytics.nn.modules.head import Detect;"
        "assert state() == before"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
