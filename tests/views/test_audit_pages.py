"""The pictures of an audit: its page, and the contact sheet of the detections to look at first."""

import json
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from PIL import Image as PilImage
from support.audited import SCORE, written
from support.pages import said, source_of_hottest, texts
from support.places import TINY
from support.synthetic import hot_cell, photograph, stretch
from support.tiny import tiny_ssd

import detcam
from detcam.attribution.heatmap import Heatmap
from detcam.audits.findings import BIAS
from detcam.audits.first_to_inspect import DetectionToInspect, detections_to_inspect
from detcam.audits.summary import summarise
from detcam.audits.table import read_table
from detcam.cli.main import main
from detcam.diagnosis.error_types import CORRECT, ERRORS
from detcam.imaging.grid import Grid
from detcam.store.heatmaps import save_heatmaps
from detcam.views.audit.first_page import first_figure
from detcam.views.audit.summary_page import MOST, figure_of, save_figures
from detcam.views.page.colours import EDGE, TYPE_COLOURS, WORST
from detcam.views.page.png import write_figure

Record = dict[str, Any]
BOX, TRUE = (60.0, 30.0, 90.0, 90.0), (60.0, 45.0, 90.0, 95.0)


def estimate(value: float, width: float = 0.002) -> Record:
    return {"value": value, "low": value - width, "high": value + width, "n": 40}


def summary_of(**changed: Any) -> Record:
    """A summary with an error of each type, edges that are nearly right, and no shortcut."""
    counts = [*range(1, 1 + len(ERRORS)), 20]
    edges = [{"edge": name, "outward": estimate(0.001), "worst_of_misplaced": estimate(0.25), "limit": BIAS}
             for name in ("left", "top", "right", "bottom")]
    return {"photographs": 9, "objects": 30, "objects_found": 20, "detections": 40, "first_to_inspect": [],
            "findings": [], "no_finding_reason": "Nothing is wrong.",
            "types": {each.name: {"short_name": each.short_name, "count": count}
                      for each, count in zip((*ERRORS, CORRECT), counts, strict=True)},
            "edges": edges, "correlations": [], "attention": [], "shortcuts": []} | changed


def row_of(**changed: Any) -> Record:
    names = ("x1", "y1", "x2", "y2")
    return {"photograph": "a/street.jpg", "number": 3, "type": "localization", "class_name": "person", "score": 0.81,
            "iou": 0.42, "worst_edge": "top", "worst_error": 0.3, **dict(zip(names, BOX, strict=True)),
            **{f"true_{name}": value for name, value in zip(names, TRUE, strict=True)},
            "heatmap": "heatmaps/street.npz", "heatmap_key": "map0"} | changed


def panel(figure: Figure, title: str) -> Any:
    return next(axes for axes in figure.axes if axes.get_title(loc="left").startswith(title))


def test_bars_have_the_colours_of_the_types() -> None:
    axes = panel(figure_of(summary_of()), "Detections by type")
    labels = [label.get_text().split()[0] for label in axes.get_yticklabels()]
    assert len(labels) > 3
    for name, bar in zip(labels, axes.patches, strict=True):
        assert bar.get_facecolor()[:3] == to_rgb(TYPE_COLOURS[name])
    assert [label.get_text() for label in axes.get_yticklabels()][:2] == ["classification (Cls)", "localization (Loc)"]


@pytest.mark.parametrize(("value", "ends"), [(0.001, (-0.06, 0.06)), (0.2, (-0.06, 0.2)), (-0.3, (-0.3, 0.06))])
def test_the_panel_of_edges_reaches_its_limits_at_least(value: float, ends: tuple[float, float]) -> None:
    edges = [{"edge": "top", "outward": estimate(value), "worst_of_misplaced": estimate(0.25), "limit": BIAS}]
    axes = panel(figure_of(summary_of(edges=edges)), "Edges")
    low, high = axes.get_xlim()
    assert low <= ends[0] + 1e-12
    assert high >= ends[1] - 1e-12
    dotted = sorted(line.get_xdata()[0] for line in axes.lines if line.get_linestyle() == ":")
    assert dotted == [-BIAS, BIAS]
    axes.figure.canvas.draw()
    labels = [label.get_text() for label in axes.get_xticklabels()]
    assert len(set(labels)) == len(labels)  # not 0 % several times


def test_baselines_are_never_cut() -> None:
    lines = [{"number": f"number {each}", "baseline": False, "rho": estimate(0.9), "size_adjusted": estimate(0.5)}
             for each in range(20)]
    lines += [{"number": name, "baseline": True, "rho": estimate(0.0), "size_adjusted": estimate(0.0)}
              for name in ("size alone", "random")]
    axes = panel(figure_of(summary_of(correlations=lines)), "Correlation with")
    labels = [label.get_text() for label in axes.get_yticklabels()]
    assert len(labels) == MOST
    assert labels[-2:] == ["size alone", "random"]
    assert [line.get_color() for line in axes.lines].count(EDGE) == 4  # an interval and a dot each


def test_long_sentences_and_labels_stay_on_the_page() -> None:
    long = "Boxes are too MMMMM: their top edges lie 17% [15%, 19%] of the true height too high. " * 4
    line = {"name": "corners", "where": "top left", "effect": estimate(0.1), "named": True, "limit": 0.2,
            "rests_on": "intervention"}
    figure = figure_of(summary_of(findings=[{"sentence": long}, {"sentence": "Another."}], shortcuts=[line]))
    figure.canvas.draw()
    width = figure.canvas.get_width_height()[0]
    words = [*figure.texts, *(text for axes in figure.axes for text in (axes.xaxis.label, axes._left_title))]
    for text in words:
        extent = text.get_window_extent()
        assert 0 <= extent.x0 <= extent.x1 <= width, text.get_text()
    sentences = [text for text in figure.texts if text.get_color() == WORST]
    assert len(sentences) > 3
    places = [text.get_window_extent().y0 for text in sentences]
    assert all(above - below > 10 for above, below in pairwise(places))
    assert min(places) > max(axes.get_window_extent().y1 for axes in figure.axes)


def test_shortcuts_say_whether_anything_was_occluded() -> None:
    line = {"name": "corners", "where": "top left", "effect": estimate(0.1), "named": False, "limit": None}
    plain = panel(figure_of(summary_of(shortcuts=[line | {"rests_on": "attribution"}])), "Shortcut patterns")
    assert "nothing was occluded" in plain.get_xlabel()
    occluded = summary_of(shortcuts=[line | {"rests_on": "intervention", "limit": 0.2}])
    assert "lost by occlusion, minus controls" in panel(figure_of(occluded), "Shortcut patterns").get_xlabel()


def street() -> detcam.Image:
    return photograph(value=120)


def heat() -> Heatmap:
    image = street()
    return hot_cell((16, 16), (6, 7), Grid((4.0, 4.0)), stretch(image, (64, 64)))  # source pixels (75, 48.75)


def outlined(figure: Figure, colour: str) -> list[tuple[float, ...]]:
    return [(*patch.get_xy(), patch.get_width(), patch.get_height()) for axes in figure.axes for patch in axes.patches
            if isinstance(patch, Rectangle) and np.allclose(patch.get_edgecolor()[:3], to_rgb(colour))]


def test_a_detection_is_drawn_with_its_true_box_and_its_heat() -> None:
    figure = first_figure([DetectionToInspect(row_of(), street(), heat())], 1)
    words = texts(figure)
    for text in ("3 Loc", "person 0.81: localization", "IoU 0.42", "Top edge 15 px (30 %) too high", "street.jpg"):
        assert text in words
    assert outlined(figure, TYPE_COLOURS["localization"]) == [(60, 30, 30, 60)]
    assert (60, 45, 30, 50) in outlined(figure, "white")
    crop, hot = [axes for axes in figure.axes if axes.images]
    assert crop.get_xlim() == hot.get_xlim()
    assert source_of_hottest(figure, hot) == pytest.approx((75, 48.75), abs=2.5)


def test_without_a_true_box_or_a_heatmap() -> None:
    none = dict.fromkeys(("true_x1", "true_y1", "true_x2", "true_y2", "worst_edge", "worst_error", "iou"))
    figure = first_figure([DetectionToInspect(row_of(type="background", **none), street(), None)], 1)
    assert {"3 Bkg", "IoU 0.00", "no true box of its class"} <= set(texts(figure))
    assert len([axes for axes in figure.axes if axes.images]) == 1
    assert outlined(figure, "white") == []


@pytest.fixture
def audited(tmp_path: Path) -> tuple[Path, dict[str, Path]]:
    """An audit's folder with the heatmap of one photograph, and where that photograph is."""
    (tmp_path / "heatmaps").mkdir()
    save_heatmaps({"map0": heat()}, tmp_path / "heatmaps" / "street.npz")
    PilImage.fromarray(street().rgb).save(tmp_path / "street.png")
    return tmp_path, {"a/street.jpg": tmp_path / "street.png"}


def test_photographs_and_heatmaps_come_from_their_files(audited: tuple[Path, dict[str, Path]]) -> None:
    out, files = audited
    (found,) = detections_to_inspect(summary_of(first_to_inspect=[row_of()]), out, files)
    assert found.image is not None
    assert found.heatmap is not None
    np.testing.assert_array_equal(found.image.rgb, street().rgb)
    np.testing.assert_array_equal(found.heatmap.values, heat().values)
    (plain,) = detections_to_inspect(summary_of(first_to_inspect=[row_of(heatmap=None, heatmap_key=None)]), out, files)
    assert (plain.heatmap, plain.lacking) == (None, "")


@pytest.mark.parametrize(("fault", "words"), [
    ("gone", "photograph no longer exists"), ("broken", "can no longer be read"), ("unknown", "not in this data set"),
    ("size", "size has changed"), ("no heatmap", "heatmap no longer exists"),
    ("no key", "heatmap no longer exists"), ("broken heatmap", "heatmap no longer exists")])
def test_what_is_gone_is_said_in_its_panel(audited: tuple[Path, dict[str, Path]], fault: str, words: str) -> None:
    out, files = audited
    path, kept = files["a/street.jpg"], out / "heatmaps" / "street.npz"
    row = row_of(heatmap_key="map7") if fault == "no key" else row_of()
    if fault == "gone":
        path.unlink()
    elif fault == "broken":
        path.write_bytes(b"no photograph")
    elif fault == "size":
        PilImage.fromarray(street().rgb[:50]).save(path)
    elif fault == "no heatmap":
        kept.unlink()
    elif fault == "broken heatmap":
        kept.write_bytes(b"no heatmaps")
    known = {} if fault == "unknown" else files
    figure = first_figure(detections_to_inspect(summary_of(first_to_inspect=[row]), out, known), 1)
    assert words in said(figure)
    assert "person 0.81: localization" in texts(figure)


def test_the_contact_sheet_is_written_beside_the_page_and_an_older_one_goes(tmp_path: Path) -> None:
    image = street()
    some = [DetectionToInspect(row_of(number=number), image, heat()) for number in range(1, 6)]
    written_ = save_figures(summary_of(first_to_inspect=[each.row for each in some]), tmp_path, some)
    assert [path.name for path in written_] == ["audit.png", "first.png"]
    with PilImage.open(tmp_path / "first.png") as opened:
        opened.load()
    assert save_figures(summary_of(), tmp_path) == [tmp_path / "audit.png"]
    assert not (tmp_path / "first.png").exists()
    (tmp_path / "first.png").write_bytes(b"somebody's own")
    save_figures(summary_of(), tmp_path)
    assert (tmp_path / "first.png").read_bytes() == b"somebody's own"


def test_long_names_end_before_the_next_detection() -> None:
    row = row_of(photograph="a/" + "very long " * 20 + ".jpg", class_name="an object of a very long name " * 3)
    figure = first_figure([DetectionToInspect(row, street(), heat())] * 4, 4)
    figure.canvas.draw()
    words = [text for text in figure.axes[0].texts if text.get_position()[1] > 0.9]
    starts = sorted({text.get_position()[0] for text in words if text.get_text().startswith("very long")})
    assert len(starts) == 3
    for text in words:
        ends = [start for start in [*starts, figure.get_figwidth()] if start > text.get_position()[0]]
        assert text.get_window_extent().x1 / figure.dpi <= ends[0]


@pytest.mark.parametrize("kept", [True, False])
def test_an_audit_writes_it(kept: bool, tmp_path: Path) -> None:
    shots = written(tmp_path / "shots", 2, detcam.load(tiny_ssd()))
    out = tmp_path / "out"
    code = main(["audit", str(shots.parent / "images"), "--annotations", str(shots), "--model", TINY, "--class",
                 "class 1", "--min-score", str(SCORE), "--out", str(out), *([] if kept else ["--no-heatmaps"])])
    assert code == 0
    assert (out / "first.png").is_file()
    summary = json.loads((out / "summary.json").read_text())
    table = read_table(out)
    assert summary["first_to_inspect"] == summarise(table, 2)["first_to_inspect"]
    assert summary["first_to_inspect"]
    for row in summary["first_to_inspect"]:
        own = table[(table.photograph == row["photograph"]) & (table.number == row["number"])
                    & (table.kind == "detection")].iloc[0]
        for name in ("true_x1", "true_y1", "true_x2", "true_y2"):
            assert row[name] == (None if np.isnan(own[name]) else own[name])
    assert any(row["true_x1"] is not None for row in summary["first_to_inspect"])
    assert all((row["heatmap"] is not None) == kept for row in summary["first_to_inspect"])


def test_a_heatmap_is_never_drawn_on_a_photograph_of_another_size(tmp_path: Path) -> None:
    """Whatever its file is called: the geometry says which it belongs to."""
    (tmp_path / "heatmaps").mkdir()
    other = replace(heat(), geometry=stretch(photograph(100, 160), (64, 64)))
    save_heatmaps({"map0": other}, tmp_path / "heatmaps" / "street.npz")
    PilImage.fromarray(street().rgb).save(tmp_path / "street.png")
    files = {"a/street.jpg": tmp_path / "street.png"}
    (found,) = detections_to_inspect(summary_of(first_to_inspect=[row_of()]), tmp_path, files)
    assert found.image is None
    write_figure(first_figure([found], 1), tmp_path / "first.png")
