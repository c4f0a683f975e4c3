"""The table in the terminal, and how explanations show themselves in a notebook."""

import io
import sys
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image as PilImage
from rich.console import Console
from support.synthetic import explanation_of, hot_cell, photograph, stretch

from detcam.attribution.heatmap import fuse
from detcam.explanations.explanation import DetectionExplanation, Explanation
from detcam.imaging.grid import Grid
from detcam.views.notebook import png_of, register, summary
from detcam.views.terminal import print_table, table_of

BOX = [40.0, 30.0, 100.0, 90.0]


def printed(*explanations: Explanation, width: int = 150, **settings: bool) -> str:
    console = Console(file=io.StringIO(), width=width, **settings)  # type: ignore[arg-type]
    print_table(explanations, console)
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


def test_one_line_a_detection_with_its_numbers() -> None:
    evidence = np.array([[0.2, 0.91, 0.3, 0.012], [1.5, 0.4, 0.3, 0.2]])
    text = printed(explanation_of(photograph(), [BOX, [5, 5, 30, 30]], evidence=evidence, found=57))
    assert "photos/street.jpg  showing 2 of 57 detections with a score above 0.25" in text
    first, second = (line.split() for line in text.splitlines() if "person" in line)
    assert first[:8] == ["1", "person", "0.95", "40", "30", "100", "90", "level.0"]
    assert first[-4:] == ["0.20", "0.91", "0.30", "0.012"]
    assert second[-4:] == ["1.50", "0.40", "0.30", "0.20"]
    assert "the evidence is not ranked: there is no reference for these weights" in text


def test_shares_are_per_cent_and_a_dash_without_heat() -> None:
    image = photograph()
    geometry, grid = stretch(image, (64, 64)), Grid((8.0, 8.0))
    maps = [[hot_cell((8, 8), (4, 4), grid, geometry), hot_cell((8, 8), (4, 4), grid, geometry, status="unreachable")]]
    table = table_of(explanation_of(image, [[0, 0, 160, 120], BOX], maps, edges=False), wide=False)
    columns = {column.header: [str(cell) for cell in column.cells] for column in table.columns}
    assert columns["inside"] == ["100%", "-"]
    assert columns["ring"] == ["0%", "-"]
    assert "left" not in columns
    wide = table_of(explanation_of(image, [[0, 0, 160, 120], BOX], maps, edges=False), wide=True)
    assert "level.0 (unreachable)" in [str(cell) for column in wide.columns for cell in column.cells]


def test_the_largest_evidence_is_bold_and_its_rank_is_shown() -> None:
    explanation = explanation_of(photograph(), [BOX], evidence=np.array([[0.2, 0.91, 0.3, 0.1]]),
                                 percentiles=np.array([[99.0, 92.4, 50.0, 10.0]]))
    table = table_of(explanation, wide=False)
    styles = {str(column.header): [str(cell.style) for cell in column.cells] for column in table.columns}  # type: ignore[union-attr]
    assert [edge for edge in ("left", "top", "right", "bottom") if "bold" in styles[edge][0]] == ["top"]
    assert [str(cell) for cell in table.columns[-1].cells] == ["92"]
    assert "pct: per cent of accurate boxes" in printed(explanation)


def test_names_are_no_markup() -> None:
    names = {0: "[red]x[/red]", 1: "[/]", 2: "two\nlines"}
    boxes = [BOX, BOX, BOX]
    text = printed(explanation_of(photograph(name="a[bold]b.jpg"), boxes, labels=[0, 1, 2], class_names=names))
    assert "[red]x[/red]" in text
    assert " [/] " in text
    assert "two lines" in text
    assert "a[bold]b.jpg" in text


def test_a_narrow_terminal_keeps_one_line_a_detection_and_says_what_is_left_out() -> None:
    names = {0: "an exceedingly long class name"}
    text = printed(explanation_of(photograph(), [BOX, BOX], class_names=names, percentiles=np.full((2, 4), 50.0)),
                   width=80)
    lines = [line for line in text.splitlines() if "an exceed" in line]
    assert [line.split()[0] for line in lines] == ["1", "2"]
    assert all(len(line) <= 80 and line.split()[-1] == "50" for line in lines)
    assert "wider terminal" in text


def test_fused_layers_say_where_their_scales_are() -> None:
    image = photograph()
    maps = {name: hot_cell((8, 8), (4, 4), Grid((8.0, 8.0)), stretch(image, (64, 64)), layer=name) for name in "ab"}
    explanation = explanation_of(image, [BOX], [[fuse(maps)]])
    assert "the means are in explanations.json and to_frame()" in " ".join(printed(explanation).split())
    assert explanation.to_frame()[["scale_a", "scale_b"]].iloc[0].tolist() == [3 / 64, 3 / 64]
    assert "means" not in printed(explanation_of(image, [BOX]))


def test_several_photographs_and_one_without_detections() -> None:
    text = printed(explanation_of(photograph(name="a.jpg"), [BOX]), explanation_of(photograph(name="b.jpg"), []))
    assert text.index("a.jpg") < text.index("b.jpg")
    assert "no detection with a score above 0.25: lower --min-score" in text
    assert printed(explanation_of(photograph(), [])).count("evidence") == 0


@pytest.fixture
def shell(monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    """A running IPython, as far as formatters go."""
    ipython = pytest.importorskip("IPython")
    running = SimpleNamespace(display_formatter=ipython.core.formatters.DisplayFormatter())
    monkeypatch.setattr(ipython, "get_ipython", lambda: running)
    return running


def test_an_explanation_shows_its_figure_and_a_line(shell: SimpleNamespace) -> None:
    explanation = explanation_of(photograph(), [BOX] * 8)
    assert register()
    assert register()
    data, _ = shell.display_formatter.format(explanation, include=["text/plain", "image/png"])
    assert data["text/plain"].startswith("Explanation of photos/street.jpg: 8 detections with a score above 0.25")
    assert "the figure shows the first 6, the others: explanation[6:]" in data["text/plain"]
    with PilImage.open(io.BytesIO(data["image/png"])) as opened:
        assert opened.width > 1000


def test_a_single_detection_shows_a_line_and_a_figure_if_it_knows_its_photograph(shell: SimpleNamespace) -> None:
    register()
    one = explanation_of(photograph(), [BOX, [5, 5, 30, 30]])[1]
    assert isinstance(one, DetectionExplanation)
    data, _ = shell.display_formatter.format(one, include=["text/plain", "image/png"])
    assert data["text/plain"].startswith("Detection 2: person 0.30, box (5, 5, 30, 30), heat of hirescam")
    assert ("image/png" in data) == hasattr(one, "parent")


def test_nothing_is_registered_without_a_running_ipython(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "IPython", SimpleNamespace(get_ipython=lambda: None))
    assert not register()
    monkeypatch.delitem(sys.modules, "IPython")
    assert not register()
    explanation = explanation_of(photograph(), [])
    assert summary(explanation).startswith("Explanation of")
    shown = png_of(explanation)
    assert shown is not None
    assert shown.startswith(b"\x89PNG")
