"""Every script fails, is interrupted and says so exactly as ``detcam`` does."""

import ast
import signal
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from support.places import ROOT

from detcam.cli.main import INTERRUPTED, USAGE, main, run_script

SCRIPTS = ROOT / "scripts"
DATA = ["--images", "nofolder", "--annotations", "nofile.json"]
WRONG = {  # a wrong path each, and what is said of it
    "benchmark": (["--photograph", "nofile.jpg"], "nofile.jpg: no such file"),
    "benchmark_audit": (DATA, "nofile.json: no such annotation file"),
    "benchmark_row": (["nofile.json"], "'nofile.json': not a row of the benchmark"),
    "build_docs": (["page.md"], "Got unexpected extra argument"),
    "draw_docs_pictures": (["--model", "nofile.pt"], "nofile.pt: no such checkpoint file"),
    "evaluate_detector": (DATA, "nofile.json: no such annotation file"),
    "explain_detections": (["nofile.jpg"], "nofile.jpg: no such file or folder"),
    "measure_audits": (["--rows", "nofolder/rows.parquet"], "nofolder/rows.parquet: its folder does not exist"),
    "measure_clarity": (DATA, "nofile.json: no such annotation file"),
    "measure_evidence": ([*DATA, "--json", "nofolder/rows.json"], "nofolder/rows.json: its folder does not exist"),
    "measure_methods": ([*DATA, "--markdown", "nofolder/t.md"], "nofolder/t.md: its folder does not exist"),
    "measure_pull": (DATA, "nofile.json: no such annotation file"),
    "measure_shortcuts": (["--rows", "nofolder/rows.parquet"], "nofolder/rows.parquet: its folder does not exist"),
    "run_notebook": (["nofile.ipynb"], "nofile.ipynb: no such notebook"),
    "train_person_detector": ([*DATA, "--output", "out", "--steps", "1"], "nofile.json: no such annotation file"),
    "validate_numbers": (DATA, "nofile.json: no such annotation file"),
}
Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """A script in an empty folder: its exit code, and what it says on stdout and stderr."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "100")

    def ran(script: Path, *arguments: str) -> tuple[int, str, str]:
        code = run_script(script, arguments)
        said = capsys.readouterr()
        return code, said.out, said.err

    return ran


def test_all_scripts_are_here() -> None:
    assert sorted(WRONG) == sorted(path.stem for path in SCRIPTS.glob("*.py"))


@pytest.mark.parametrize("name", sorted(WRONG))
def test_a_script_answers_as_detcam_does(name: str, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    script = SCRIPTS / f"{name}.py"
    code, out, err = run(script, "--help")
    assert (code, err) == (0, "")
    assert f"{name}.py" in out
    assert "--help" in out

    arguments, words = WRONG[name]
    code, out, err = run(script, *arguments)
    assert (code, out) == (USAGE, ""), err
    assert err.startswith(f"detcam: error: {words}"), err
    assert err.count("\n") == 1

    code, out, err = run(script, "--bogus")
    assert (code, out) == (USAGE, "")
    assert err.startswith("detcam: error: No such option: --bogus"), err
    assert f"(see {name}.py --help)" in err

    def stopped() -> None:
        signal.raise_signal(signal.SIGTERM)

    monkeypatch.setattr(sys.modules[name], "main", stopped)
    assert run(script) == (INTERRUPTED, "", "detcam: interrupted\n")


@pytest.mark.parametrize("name", sorted(WRONG))
def test_a_script_s_imports_may_be_interrupted(name: str) -> None:
    """They take seconds, so they come after the line that hands over to :func:`run_script`."""
    tree = ast.parse((SCRIPTS / f"{name}.py").read_text(encoding="utf-8"))
    described, first, guard, *_ = tree.body
    assert ast.get_docstring(tree)
    assert isinstance(described, ast.Expr)
    assert ast.unparse(first) == "import sys"
    assert ast.unparse(guard) == ("if __name__ == '__main__':\n    from detcam.cli.main import run_script\n"
                                  "    sys.exit(run_script(__file__))")


@pytest.mark.parametrize("how", ["SIGINT", "SIGTERM"])
def test_a_signal_while_a_script_is_imported(how: str, run: Run, tmp_path: Path) -> None:
    script = tmp_path / "slow_script.py"
    script.write_text(f"import signal\n\nsignal.raise_signal(signal.{how})\n")
    before = signal.signal(signal.SIGINT, signal.default_int_handler)  # as it is outside a job in the background
    try:
        assert run(script) == (INTERRUPTED, "", "detcam: interrupted\n")
    finally:
        signal.signal(signal.SIGINT, before)
    assert "slow_script" not in sys.modules


def test_detcam_is_interrupted_alike(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    def stopped(*_: object) -> None:
        signal.raise_signal(signal.SIGTERM)

    monkeypatch.setattr("detcam.cli.commands.listings.print_methods", stopped)
    assert main(["methods"]) == INTERRUPTED
    assert capsys.readouterr().err == "detcam: interrupted\n"


def test_an_error_that_nobody_foresaw_is_not_hidden(tmp_path: Path) -> None:
    script = tmp_path / "broken_script.py"
    script.write_text("def main() -> None:\n    raise RuntimeError('a bug')\n")
    with pytest.raises(RuntimeError, match="a bug"):
        run_script(script, [])
