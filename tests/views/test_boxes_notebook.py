"""The notebook on boxes and heatmaps runs from the top, and what stands in it is what comes out."""

import ast
import importlib.util
import re
from base64 import b64decode
from collections.abc import Iterator
from io import BytesIO
from types import ModuleType

import nbformat
import numpy as np
import pytest
from PIL import Image as PilImage
from support.places import ROOT

NOTEBOOK = ROOT / "notebooks" / "boxes_vs_heatmaps.ipynb"
PNG = "image/png"
NUMBER = re.compile(r"\d+(?:\.(\d+))?")
PICTURES = 4
MOST = 1_000_000  # bytes


@pytest.fixture(scope="module")
def script() -> ModuleType:
    spec = importlib.util.spec_from_file_location("run_notebook", ROOT / "scripts" / "run_notebook.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def stored() -> nbformat.NotebookNode:
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    nbformat.validate(notebook)
    return notebook


def outputs(notebook: nbformat.NotebookNode) -> Iterator[tuple[str, nbformat.NotebookNode]]:
    """Each output with the source of its cell."""
    for cell in notebook.cells:
        for output in cell.get("outputs", []):
            yield cell.source, output


def words(notebook: nbformat.NotebookNode) -> list[tuple[str, str]]:
    """What every cell printed or returned as text."""
    return [(source, output.get("text") or output.get("data", {}).get("text/plain", ""))
            for source, output in outputs(notebook)]


def pictures(notebook: nbformat.NotebookNode) -> list[np.ndarray]:
    found = []
    for _, output in outputs(notebook):
        if PNG in output.get("data", {}):
            with PilImage.open(BytesIO(b64decode(output.data[PNG]))) as picture:
                found.append(np.asarray(picture.convert("RGB"), float))
    return found


def same_words(one: str, other: str) -> bool:
    """The same text, numbers within 1 % and one of their last digit: another processor rounds elsewhere."""
    first, second = (" ".join(NUMBER.sub("0", text).split()) for text in (one, other))
    numbers = [[(float(found[0]), len(found[1] or "")) for found in NUMBER.finditer(text)] for text in (one, other)]
    return first == second and all(a == pytest.approx(b, rel=0.01, abs=1.01 * 10.0 ** -digits)
                                   for (a, digits), (b, _) in zip(*numbers, strict=True))


@pytest.mark.parametrize(("other", "same"), [
    ("Right edge 47 px (40 %) too far", True), ("Right edge 48 px (40 %) too far", True),
    ("Right edge 50 px (40 %) too far", False), ("Left edge 47 px (40 %) too far", False),
    ("Right edge -47 px (40 %) too far", False), ("Right edge 47 px too far", False)])
def test_words_are_compared_but_for_rounding(other: str, same: bool) -> None:
    assert same_words("Right edge 47 px (40 %) too far", other) == same
    assert same_words("loss 0.21", "loss 0.22")
    assert not same_words("loss 0.21", "loss 0.24")


def test_it_tells_a_story_in_short_cells(stored: nbformat.NotebookNode) -> None:
    code = [cell.source for cell in stored.cells if cell.cell_type == "code"]
    assert len(code) > 10
    for source in code:
        lines = [line for line in source.splitlines() if line]
        assert len(lines) <= (3 if "import detcam" in source else 2), source
        for node in ast.walk(ast.parse(source)):
            if isinstance(node, ast.ImportFrom):
                assert node.module in {"importlib.util", "tempfile"}  # nothing from inside, and nothing to plot with
            elif isinstance(node, ast.Import):
                assert [alias.name for alias in node.names] == ["detcam"]
    kinds = [cell.cell_type for cell in stored.cells]
    assert kinds[0] == kinds[-1] == "markdown"
    assert kinds.count("markdown") > 8


def test_it_is_stored_with_small_outputs_and_nothing_of_the_machine(stored: nbformat.NotebookNode) -> None:
    assert NOTEBOOK.stat().st_size < MOST
    assert len(pictures(stored)) == PICTURES
    assert [cell.execution_count for cell in stored.cells if cell.cell_type == "code"] == list(
        range(1, 1 + sum(cell.cell_type == "code" for cell in stored.cells)))
    assert all(not cell.metadata for cell in stored.cells)
    texts = [value for _, output in outputs(stored) for kind, value in output.get("data", {}).items() if kind != PNG]
    texts += [output.text for _, output in outputs(stored) if "text" in output]
    assert len(texts) > 8
    for text in (*texts, *(cell.source for cell in stored.cells)):
        assert not re.search(r"site-packages|/tmp|/home|/Users|[A-Z]:\\|Warning", str(text)), text


def test_a_picture_with_a_palette_is_hardly_another(script: ModuleType) -> None:
    with PilImage.open(ROOT / "sample_images" / "astronaut.png") as opened:
        whole = opened.convert("RGB").crop((150, 0, 350, 200))
    whole.save(written := BytesIO(), "PNG")
    small = b64decode(script.smaller(script.b64encode(written.getvalue()).decode()))
    with PilImage.open(BytesIO(small)) as picture:
        assert picture.mode == "P"
        assert np.abs(np.asarray(picture.convert("RGB"), float) - np.asarray(whole, float)).mean() < 4
    assert len(small) < len(written.getvalue()) / 2


def test_it_says_and_shows_what_comes_out(script: ModuleType, stored: nbformat.NotebookNode) -> None:
    """In one test: it runs for half a minute, and once."""
    executed = script.executed(NOTEBOOK)
    script.tidy(executed)
    check_words(words(stored), words(executed))
    check_pictures(pictures(stored), pictures(executed))
    check_cause("\n".join(text for _, text in words(executed)))
    check_evidence(next(text for source, text in words(executed) if "edge_table" in source))


def check_words(stored: list[tuple[str, str]], executed: list[tuple[str, str]]) -> None:
    assert len(stored) > 8
    assert [source for source, _ in stored] == [source for source, _ in executed]
    for (source, told), (_, found) in zip(stored, executed, strict=True):
        assert same_words(told, found), f"{source}\n\nstored:\n{told}\n\nnow:\n{found}"


def check_pictures(stored: list[np.ndarray], executed: list[np.ndarray]) -> None:
    assert len(stored) == len(executed) == PICTURES
    for told, found in zip(stored, executed, strict=True):
        assert told.shape == found.shape
        assert min(told.std(), found.std()) > 20
        assert np.abs(told - found).mean() < 4  # of 255


def check_cause(printed: str) -> None:
    """The text rests on these: occluding the region that is named moves the edge inward, elsewhere it does not."""
    told = re.search(r"Right edge (\d+) px \(40 %\) too far right\.',\s+'(\d+) % of the evidence that moves this edge "
                     r"to the right lies beyond the true edge\. Occluding the region where that evidence is strongest "
                     r"moves the edge inward by (\d+) px \(control occlusions: (-?[\d.]+) px\)", printed)
    assert told, printed
    off, _, inward_by, controls = map(float, told.groups())
    assert 0.7 * off < inward_by < 1.3 * off  # to where it belongs
    assert abs(controls) < 0.1 * off
    assert "does not clearly move the edge inward" in printed  # of box 4
    assert "(person 0.21) is 0.14 below the threshold" in printed


def check_evidence(table: str) -> None:
    """The edge that is off has by far the most evidence, as the text says."""
    head, *lines = (line.split() for line in table.splitlines())
    evidence = {line[0]: float(line[1 + head.index("evidence")]) for line in lines if len(line) > 1}
    assert max(evidence, key=lambda edge: evidence[edge]) == "right"
    assert evidence["right"] > 2 * sorted(evidence.values())[-2]
