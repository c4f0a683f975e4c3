"""Build the documentation site strictly into build/site; with --serve, show it at http://localhost:8000.

Needs the extra ``docs``, and no network.
"""

import sys

if __name__ == "__main__":  # before the other imports, which take seconds
    from detcam.cli.main import run_script

    sys.exit(run_script(__file__))

import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import Annotated

import typer

ROOT = Path(__file__).resolve().parents[1]
DOCS, PAGES = ROOT / "docs", ROOT / "build" / "docs"
ELSEWHERE = {
    "CONTRIBUTING.md": "contributing.md",
    "CHANGELOG.md": "changelog.md",
    "detcam/weights/MODEL_CARD.md": "model-card.md",
    "notebooks/boxes_vs_heatmaps.ipynb": "boxes_vs_heatmaps.md",
}
"""Pages that lie elsewhere in the repository, and what each is called on the site."""

LINK = re.compile(r"(\]\()([^)#\s:]+)((?:#[^)\s]*)?\))")
CODE = re.compile(r"(^```.*?^```)", re.M | re.S)


def linked(text: str, source: str, page: str) -> str:
    """A page's text with the links between files of the repository as links between pages of the site.

    Args:
        text: Markdown.
        source: where it lies in the repository.
        page: where it lies on the site.
    """

    def moved(match: re.Match[str]) -> str:
        target = os.path.normpath(os.path.join(os.path.dirname(source), match[2]))
        if not (ROOT / target).exists():
            return match[0]  # an output of the notebook, or a mistake, which the build names
        there = ELSEWHERE.get(target, os.path.relpath(target, "docs"))
        return match[1] + os.path.relpath(there, os.path.dirname(page) or ".") + match[3]

    parts = CODE.split(text)
    return "".join(part if part.startswith("```") else LINK.sub(moved, part) for part in parts)


def notebook(path: Path, out: Path) -> str:
    """A notebook with its outputs as Markdown, its pictures in a folder beside it; nothing is executed."""
    from nbconvert import MarkdownExporter

    text, resources = MarkdownExporter().from_filename(str(path), {"output_files_dir": out.stem})
    for name, data in resources["outputs"].items():
        (out.parent / name).parent.mkdir(exist_ok=True)
        (out.parent / name).write_bytes(data)
    return str(text)


def collect() -> None:
    """Put the pages together in build/docs."""
    shutil.rmtree(PAGES, ignore_errors=True)
    shutil.copytree(DOCS, PAGES, ignore=shutil.ignore_patterns("*.py", "__pycache__"))
    sources = {path.relative_to(ROOT).as_posix(): path.relative_to(DOCS).as_posix() for path in DOCS.rglob("*.md")}
    for source, page in (sources | ELSEWHERE).items():
        path = ROOT / source
        text = notebook(path, PAGES / page) if path.suffix == ".ipynb" else path.read_text(encoding="utf-8")
        (PAGES / page).write_text(linked(text, source, page), encoding="utf-8")


def main(serve: Annotated[bool, typer.Option(
        "--serve", help="Show the site; its pages are put together once, at the start.")] = False) -> None:
    """Build the documentation site strictly into build/site."""
    collect()
    command = ["serve"] if serve else ["build", "--strict", "--clean"]
    raise typer.Exit(subprocess.run([sys.executable, "-m", "zensical", *command], cwd=ROOT, check=False).returncode)
