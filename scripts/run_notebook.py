"""Run notebooks from the top and write them with their outputs, ready to be committed: small pictures, no paths.

    python scripts/run_notebook.py notebooks/boxes_vs_heatmaps.ipynb
"""

import sys

if __name__ == "__main__":  # before the other imports, which take seconds
    from detcam.cli.main import run_script

    sys.exit(run_script(__file__))

import re
from base64 import b64decode, b64encode
from importlib.util import find_spec
from io import BytesIO
from pathlib import Path
from typing import Annotated, Any

import nbformat
import typer
from nbclient import NotebookClient
from PIL import Image as PilImage

from detcam.errors import InputError

COLOURS = 256  # of a picture's palette: a third of the size
PNG = "image/png"


def main(notebooks: Annotated[list[Path], typer.Argument(help="Notebooks to run and write.")]) -> None:
    """Run notebooks from the top and write each with its outputs."""
    lacking = [path for path in notebooks if not path.is_file()]
    if lacking:
        raise InputError(f"{lacking[0]}: no such notebook")
    for path in notebooks:
        notebook = executed(path)
        tidy(notebook)
        nbformat.write(notebook, path)
        print(f"{path}: {path.stat().st_size / 1e6:.2f} MB")


def executed(path: Path) -> nbformat.NotebookNode:
    """A notebook after all its cells ran in a fresh kernel, in the notebook's own folder; a cell's error is raised."""
    notebook = nbformat.read(path, as_version=4)
    NotebookClient(notebook, timeout=600, kernel_name="python3", record_timing=False,
                   resources={"metadata": {"path": str(path.parent)}}).execute()
    return notebook


def tidy(notebook: nbformat.NotebookNode) -> None:
    """Leave what is the same wherever the notebook runs: what cells say and show, without folders and warnings."""
    notebook.metadata = {"kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
                         "language_info": {"name": "python"}}
    for cell in notebook.cells:
        cell.metadata = {}
        if cell.cell_type != "code":
            continue
        cell.outputs = [output for output in cell.outputs if output.get("name") != "stderr"]
        for output in cell.outputs:
            if "text" in output:
                output.text = without_folders(output.text)
            for kind, value in output.get("data", {}).items():
                output.data[kind] = smaller(value) if kind == PNG else without_folders(value)


def without_folders(text: Any) -> Any:
    """Text without the folder that packages are installed in."""
    spec = find_spec("ultralytics")
    assert spec is not None
    assert spec.submodule_search_locations
    folder = str(Path(spec.submodule_search_locations[0]).parent)
    return re.sub(re.escape(folder) + r"[/\\]", "", text) if isinstance(text, str) else text


def smaller(encoded: str) -> str:
    """A PNG, in base64, with a palette."""
    with PilImage.open(BytesIO(b64decode(encoded))) as picture:
        few = picture.convert("RGB").quantize(COLOURS, PilImage.Quantize.MAXCOVERAGE, kmeans=5)  # keeps rare colours
    few.save(written := BytesIO(), "PNG", optimize=True)
    return b64encode(written.getvalue()).decode()
