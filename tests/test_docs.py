"""What a person reads is true: every block of code runs, every link leads somewhere, tables are those of the code."""

import json
import os
import re
import runpy
import shlex
import shutil
import subprocess
import sys
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
import typer
from matplotlib.backends.backend_agg import FigureCanvasAgg
from support.documents import (
    MEASUREMENTS,
    PAGES,
    Block,
    blocks_of,
    command_line,
    few_boxes,
    stand_ins,
)
from support.places import ROOT

import detcam

NOT_RUN = {"training.md": 1, "CONTRIBUTING.md": 1}  # blocks a page that cannot run, each with its reason
ELSEWHERE = {"your-detector.md": "tests/detectors/test_adapters.py"}  # what runs a page's Python
KINDS = {"sh", "python", "text", "diff"}
EXTRAS = dict(re.findall(r"^(\w+) = (\[.*?\])$", (ROOT / "pyproject.toml").read_text(encoding="utf-8").partition(
    "[project.optional-dependencies]")[2].partition("[project.scripts]")[0], re.M | re.S))
PRINT_PNG = FigureCanvasAgg.print_png
LINK = re.compile(r"\]\(([^)\s]+)\)")


def names(pages: list[Path]) -> list[str]:
    return [page.relative_to(ROOT).as_posix() for page in pages]


@pytest.fixture(scope="session")
def checkpoints(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("checkpoints")
    few_boxes(folder / "best.pt", 0)
    few_boxes(folder / "new.pt", 1)
    shutil.copy(folder / "best.pt", folder / "old.pt")
    return folder


def published_weights(*_: Any, **__: Any) -> Any:
    """Random weights in place of those that torchvision would fetch for squeezenet1_1."""
    from torchvision.models import squeezenet1_1

    return squeezenet1_1(weights=None).state_dict()


def coarsely(canvas: FigureCanvasAgg, *arguments: Any, **options: Any) -> None:
    """Write a figure, all of it, with a fiftieth of its pixels: most of these tests' time is drawing."""
    canvas.figure.set_dpi(20)
    PRINT_PNG(canvas, *arguments, **options)


def check_install(words: list[str]) -> None:
    """``python -m pip install`` of this folder, with extras that there are, or of a tool that is configured here."""
    what = words[words.index("install") + 1:]
    if what == ["pre-commit"]:
        assert (ROOT / ".pre-commit-config.yaml").is_file()
        return
    assert (what[0], len(what)) == ("-e", 2), what
    extras = re.fullmatch(r"\.(?:\[([\w,]+)\])?", what[1])
    assert extras is not None, what
    assert set((extras[1] or "").split(",")) - {""} <= set(EXTRAS), what


def run_shell(block: Block) -> str:
    """Everything that a shell block prints; a command that nobody knows fails."""
    printed = ""
    for words in block.commands:
        if words[:4] == ["python", "-m", "pip", "install"]:
            check_install(words)
        elif words[:3] == ["python", "-m", "pytest"]:
            assert words[3:] == ["-n", "2"]
            assert "pytest-xdist" in EXTRAS["test"]
        elif words == ["pre-commit", "install"]:
            assert (ROOT / ".pre-commit-config.yaml").is_file()
        else:
            assert words[0] == "detcam" or (words[0] == "python" and words[1].startswith("scripts/")), words
            printed += command_line(words)
    return printed


@pytest.mark.parametrize("name", names(PAGES))
def test_every_block_runs_and_prints_what_it_says(name: str, checkpoints: Path, tmp_path: Path,
                                                  monkeypatch: pytest.MonkeyPatch,
                                                  capsys: pytest.CaptureFixture[str]) -> None:
    page = ROOT / name
    blocks = [block for block in blocks_of(page) if block.kind in ("sh", "python") and not block.reason]
    if not blocks:
        pytest.skip("a page without code")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "200")
    monkeypatch.setattr(FigureCanvasAgg, "print_png", coarsely)
    monkeypatch.setattr("torchvision.models._api.load_state_dict_from_url", published_weights)
    stand_ins(tmp_path, checkpoints, page.name)
    space: dict[str, Any] = {}
    for block in blocks:
        if block.kind == "sh":
            printed = run_shell(block)
        elif page.name in ELSEWHERE:
            assert page.name in (ROOT / ELSEWHERE[page.name]).read_text(encoding="utf-8")
            continue
        else:
            capsys.readouterr()
            exec(compile(block.code, name, "exec"), space)
            printed = capsys.readouterr().out
        for line in block.prints.splitlines():
            assert " ".join(line.split()) in " ".join(printed.split()), f"{name}: {block.code}prints: {printed}"


def test_there_is_code_and_what_cannot_run_says_why() -> None:
    code = [block for page in PAGES for block in blocks_of(page) if block.kind in ("sh", "python")]
    assert len(code) >= 35
    assert sum(bool(block.prints) for block in code) >= 8
    kinds = {block.kind for page in [*PAGES, *MEASUREMENTS] for block in blocks_of(page)}
    assert kinds <= KINDS
    for page in PAGES:
        fences = len(re.findall(r"^```\w+$", page.read_text(encoding="utf-8"), re.M))
        assert fences == sum(1 + bool(block.prints) for block in blocks_of(page)), page  # none is overlooked
        reasons = [block.reason for block in blocks_of(page) if block.reason]
        assert len(reasons) == NOT_RUN.get(page.name, 0), page
        assert all(len(reason) > 20 for reason in reasons)


def test_commands_of_the_measurements_have_options_that_there_are() -> None:
    """They take minutes and photographs that are not here; their words are read as the scripts read them."""
    read = 0
    for page in MEASUREMENTS:
        for command in re.findall(r"^ *python (scripts/.+)$", page.read_text(encoding="utf-8").replace("\\\n", " "),
                                  re.M):
            script, *words = shlex.split(command.replace("$seed", "1"), comments=True)
            app = typer.Typer()
            app.command()(runpy.run_path(str(ROOT / script), run_name="read")["main"])
            typer.main.get_command(app).make_context(script, words)
            read += 1
    assert read >= 12


@pytest.mark.parametrize("name", names([*PAGES, *MEASUREMENTS]))
def test_every_link_leads_somewhere(name: str) -> None:
    page = ROOT / name
    for target in LINK.findall(re.sub(r"^```.*?^```", "", page.read_text(encoding="utf-8"), flags=re.M | re.S)):
        if target.startswith(("http://", "https://")):
            continue
        path, _, anchor = target.partition("#")
        there = (page.parent / path) if path else page
        assert there.exists(), target
        if anchor:
            headings = re.findall(r"^#+ (.+)$", there.read_text(encoding="utf-8"), re.M)
            assert anchor in [re.sub(r"[^\w -]", "", each.lower()).replace(" ", "-") for each in headings], target


def test_the_readme_is_short_and_airy() -> None:
    lines = (ROOT / "README.md").read_text(encoding="utf-8").splitlines()
    assert len(lines) <= 150
    assert max(len(line) for line in lines if not line.startswith("|")) <= 122


def test_the_table_of_methods_is_that_of_the_code() -> None:
    text = (ROOT / "docs" / "methods.md").read_text(encoding="utf-8")
    named: dict[str, bool] = {}
    table = text.partition("## The table")[2].partition("† fails")[0]
    for cell in re.findall(r"^\| (`[^|]+) \|", table, re.M):
        for method, dagger in re.findall(r"`([\w+]+)`(?: \(default\))?( †)?", cell):
            named.setdefault(method, bool(dagger))
    assert {name: entry.fails_randomization for name, entry in detcam.METHODS.items()} == named
    left = text.partition("## Parameter randomization")[2]
    fails = re.search(r"^\| fails \(†\) \| (.+) \|$", left, re.M)
    assert fails is not None
    assert set(re.findall(r"`([\w+]+)`", fails[1])) == {name for name, failed in named.items() if failed}


def test_the_api_has_every_public_name() -> None:
    text = (ROOT / "docs" / "api.md").read_text(encoding="utf-8")
    described = set(re.findall(r"^::: detcam\.(\w+)$", text, re.M)) | set(re.findall(r"`detcam\.([A-Za-z_]\w*)`", text))
    assert described == set(detcam.__all__)


def test_every_page_is_on_the_site_and_every_room_in_the_architecture() -> None:
    site = (ROOT / "mkdocs.yml").read_text(encoding="utf-8")
    for page in (ROOT / "docs").rglob("*.md"):
        assert re.search(rf"[- ]{re.escape(page.relative_to(ROOT / 'docs').as_posix())}$", site, re.M), page
    text = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    rooms = re.findall(r"^\| `(\w+)` \|", text, re.M)
    order = runpy.run_path(str(ROOT / "tests" / "test_architecture.py"))["ORDER"]
    assert rooms == [room for room in order if not room.startswith("__")]
    files = re.findall(r"`(detcam/[\w./]+)`", text)
    assert len(files) >= 15
    assert all((ROOT / word).exists() for word in files), files


def test_pictures_are_shown_and_small() -> None:
    shown = {Path(target).name for page in PAGES for target in LINK.findall(page.read_text(encoding="utf-8"))}
    pictures = list((ROOT / "docs" / "pictures").iterdir())
    assert len(pictures) >= 5
    for picture in pictures:
        assert picture.name in shown
        assert picture.stat().st_size < 600_000


@pytest.fixture
def added(tmp_path: Path) -> Path:
    """A copy of what CONTRIBUTING.md's diffs change, with them applied."""
    for name in ("detcam", "docs"):
        shutil.copytree(ROOT / name, tmp_path / name, ignore=shutil.ignore_patterns("__pycache__", "*.png"))
    shutil.copy(ROOT / "mkdocs.yml", tmp_path)
    diffs = [block.code for block in blocks_of(ROOT / "CONTRIBUTING.md") if block.kind == "diff"]
    assert len(diffs) == 4
    for diff in diffs:
        assert len(re.findall(r"^\+\+\+ ", diff, re.M)) == 2  # a file and a line of a table
        done = subprocess.run(["git", "apply", "-p0", "-"], input=diff, text=True, cwd=tmp_path,
                              capture_output=True, env={**os.environ, "GIT_DIR": str(tmp_path / "none")}, check=False)
        assert done.returncode == 0, done.stderr + diff
    return tmp_path


USED = """
import json, sys, torch
from pathlib import Path
import detcam
from detcam.attribution.methods.registry import get_method
from detcam.detectors.base import Detector
from detcam.detectors.for_torchvision import registry
made = {"where": detcam.__file__}
method = get_method("positive_part")
made["method"] = method.function(torch.tensor([[[1.0, 2.0]], [[3.0, 4.0]]]),
                                 torch.tensor([[[1.0, -1.0]], [[0.5, 2.0]]])).tolist()
family = next(family for family in registry.FAMILIES if family.word == "warm RetinaNet")
made["family"] = issubclass(registry.adapter_of(family), Detector)
Path("truth.txt").write_text("a.png 1 2 30 40 5 6 70 80\\n")
Path("a.png").touch()
data = detcam.read_data_set("truth.txt", format="lines")
made["format"] = data.photographs[0].boxes.tolist()
print(json.dumps(made))
"""


def test_what_contributing_adds_works(added: Path) -> None:
    done = subprocess.run([sys.executable, "-c", USED], cwd=added, capture_output=True, text=True, check=False,
                          env={**os.environ, "PYTHONPATH": str(added)})
    assert done.returncode == 0, done.stderr
    made = json.loads(done.stdout)
    assert Path(made["where"]).is_relative_to(added.resolve())
    assert made["method"] == [[1 + 1.5, 8.0]]
    assert made["family"] is True
    assert made["format"] == [[1, 2, 30, 40], [5, 6, 70, 80]]
    assert "- recipes.md" in (added / "mkdocs.yml").read_text()
    assert (added / "docs" / "recipes.md").is_file()


def test_lines_of_the_tables_name_what_there_is() -> None:
    """The modules that CONTRIBUTING.md sends people to."""
    for name in re.findall(r"`(detcam/[\w/]+\.py)`", (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")):
        assert import_module(name[:-3].replace("/", "."))


def test_commands_are_of_this_program() -> None:
    """No page names a command that detcam lacks, in a sentence either."""
    known = {"explain", "methods", "layers", "sheet", "panel", "diagnose", "audit", "compare"}
    for page in PAGES:
        said = re.findall(r"`detcam ([a-z]+)", page.read_text(encoding="utf-8"))
        assert set(said) <= known, (page, said)
        for block in blocks_of(page):
            if block.kind == "sh":
                assert all(words[1] in known for words in block.commands if words[0] == "detcam"), shlex.join(
                    block.commands[0])
