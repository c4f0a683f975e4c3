"""What starts at once: ``import detcam``, and every answer of the command line that needs no network."""

import ast
import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
from support.places import ROOT

import detcam

HEAVY = ("torch", "torchvision", "ultralytics", "matplotlib", "pandas", "scipy", "cv2", "PIL", "numpy")
LIGHT = {  # words of a command line: exit code and what is said
    ("--help",): (0, "diagnose"),
    ("--version",): (0, f"detcam {detcam.__version__}"),
    ("explain", "--help"): (0, "--min-score"),
    ("audit", "--help"): (0, "--annotations"),
    ("methods",): (0, "hirescam"),
    ("methods", "--json"): (0, '"hirescam"'),
    ("explain", "--bogus"): (2, "--bogus"),
    ("bogus",): (2, "'bogus'"),
    ("audit", "photographs"): (2, "--annotations"),
    ("explain", "nofile.jpg"): (2, "nofile.jpg: no such file or folder"),
    ("explain", "nofile.jpg", "--min-score", "7"): (2, "--min-score 7.0: expected a number from 0 to 1"),
    ("explain", "nofile.jpg", "--at", "5"): (2, "nofile.jpg: no such file or folder"),
    ("sheet", "nofile.jpg"): (2, "nofile.jpg: no such file or folder"),
    ("panel", "nofile.jpg"): (2, "nofile.jpg: no such file or folder"),
    ("diagnose", "nofile.jpg", "--annotations", "x"): (2, "nofile.jpg: no such file or folder"),
    ("audit", "nofolder", "--annotations", "x"): (2, "nofolder: no such folder"),
    ("compare", "a.pt", "b.pt"): (2, "a.pt is a model: it needs --images and --annotations"),
}
RUN = """
import io, json, sys
from contextlib import redirect_stderr, redirect_stdout
import detcam
loaded = lambda: [name for name in json.loads(sys.argv[1]) if name in sys.modules]
assert not loaded(), loaded()
assert set(detcam.__all__) <= set(dir(detcam))
assert not loaded(), loaded()
from detcam.cli.main import main
found = []
for arguments in json.loads(sys.argv[2]):
    with redirect_stdout(io.StringIO()) as said, redirect_stderr(said):
        code = main(arguments)
    found.append([code, said.getvalue(), loaded()])
print(json.dumps(found))
"""


def test_what_needs_no_network_imports_none(tmp_path: Path) -> None:
    """One process answers all of them, so that the first that imports too much is named."""
    done = subprocess.run([sys.executable, "-c", RUN, json.dumps(HEAVY), json.dumps(list(LIGHT))], text=True,
                          capture_output=True, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    answers = json.loads(done.stdout)
    assert len(answers) == len(LIGHT) > 15
    for (arguments, (code, words)), (given, said, loaded) in zip(LIGHT.items(), answers, strict=True):
        assert loaded == [], arguments
        assert given == code, (arguments, said)
        assert words in said, arguments
        if code:
            assert said.startswith("detcam: error: "), arguments
            assert said.count("\n") == 1, arguments


def test_every_public_name_is_there() -> None:
    assert detcam.__all__ == sorted(detcam.__all__, key=lambda name: (not name.isupper(), name))
    assert {"audit", "compare", "explain", "load", "read_table"} <= set(detcam.__all__) <= set(dir(detcam))
    names: dict[str, object] = {}
    exec("from detcam import *", names)
    for name in detcam.__all__:
        assert names[name] is getattr(detcam, name)
    with pytest.raises(AttributeError, match="module 'detcam' has no attribute 'bogus'"):
        getattr(detcam, "bogus")  # noqa: B009


def test_type_checkers_see_the_names_that_are_found_late() -> None:
    """The imports for type checkers and the table of lazy names say the same."""
    tree = ast.parse(Path(detcam.__file__).read_text(encoding="utf-8"))
    seen = {alias.name: node.module for block in tree.body if isinstance(block, ast.If) for node in block.body
            if isinstance(node, ast.ImportFrom) for alias in node.names if alias.name in detcam.__all__}
    assert seen == detcam._MODULES
    assert set(seen) == set(detcam.__all__)


def test_mypy_reads_the_public_names(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    api = pytest.importorskip("mypy.api")
    user = tmp_path / "user.py"
    user.write_text("import detcam\nfrom detcam import Detector, Explanation, load\n\n"
                    "detector: Detector = load('yolov8n.pt')\n"
                    "found: Explanation = detcam.explain(detector, 'street.jpg', classes=['person'])\n"
                    "detcam.explain(detector)\n"
                    "detcam.bogus\n")
    monkeypatch.setenv("MYPYPATH", str(ROOT))
    said, _, _ = api.run([str(user), "--config-file", str(ROOT / "pyproject.toml"), "--cache-dir",
                          str(tmp_path / "cache"), "--follow-imports", "silent", "--no-site-packages",
                          "--ignore-missing-imports"])
    errors = re.findall(r"user\.py:(\d+): error: .*\[([\w-]+)\]", said)
    assert errors == [("6", "call-arg"), ("7", "attr-defined")], said  # no photograph is named, and no such name


def test_the_version_is_the_package_s() -> None:
    words = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    assert re.findall(r'^version = "(.+)"$', words, re.MULTILINE) == [detcam.__version__]
