"""Figures: heat is drawn where its cells lie, nothing is cut off or hidden, and files are whole or not there."""

import subprocess
import sys
import warnings
from pathlib import Path

import matplotlib
import numpy as np
import pytest
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from PIL import Image as PilImage
from support.pages import rendered, said, source_of_hottest, texts
from support.places import ROOT
from support.synthetic import explanation_of, hot_cell, letterbox, photograph, stretch

from detcam.attribution.heatmap import Heatmap, fuse
from detcam.errors import InputError, OutputError
from detcam.imaging.geometry import Geometry
from detcam.imaging.grid import Grid
from detcam.imaging.image import Image
from detcam.views.explanation.figure import figures, save_figures
from detcam.views.page.badges import free_corner
from detcam.views.page.crop import Region, around, heat_in, pixels, whole
from detcam.views.page.lettering import drawable, shorten, width_of


def picture_axes(figure: Figure) -> list[Axes]:
    """Overview, colour bar, crop, then each method's crop and whole photograph (one row)."""
    return [axes for axes in figure.axes if axes.images]


PLACEMENTS = {
    "stretch": (lambda image: stretch(image, (64, 64)), Grid((8.0, 8.0)), (8, 8), (5, 2)),
    "letterbox": (lambda image: letterbox(image, (96, 96)), Grid((8.0, 8.0)), (12, 12), (8, 3)),
    "cells beyond the canvas": (lambda image: stretch(image, (60, 60)), Grid((16.0, 16.0), (-2.0, -2.0)), (4, 4),
                                (2, 1)),
    "pixels": (lambda image: letterbox(image, (32, 32)), Grid((1.0, 1.0)), (32, 32), (20, 9)),
}


@pytest.mark.parametrize("placement", PLACEMENTS)
def test_the_hot_cell_is_drawn_where_it_lies(placement: str) -> None:
    make, grid, shape, cell = PLACEMENTS[placement]
    image = photograph(value=90)
    geometry: Geometry = make(image)
    box = [10.0, 20.0, 100.0, 110.0]
    figure = figures(explanation_of(image, [box], [[hot_cell(shape, cell, grid, geometry)]]))[0]
    middle = np.array([grid.origin[0] + grid.stride[0] * (cell[1] + 0.5), grid.origin[1] + grid.stride[1] *
                       (cell[0] + 0.5)])
    expected = geometry.to_source(np.tile(middle, 2))[:2]
    assert len(picture_axes(figure)) >= 5
    for axes in picture_axes(figure)[3:5]:
        assert source_of_hottest(figure, axes) == pytest.approx(tuple(expected), abs=1.5)


def test_heat_in_equals_the_map_at_cell_centres_and_between_them_interpolates() -> None:
    image = photograph(80, 160)
    rng = np.random.default_rng(3)
    heatmap = Heatmap(rng.normal(size=(4, 8)).astype(np.float32), Grid((8.0, 8.0)), stretch(image, (32, 64)), "l")
    drawn = heat_in(heatmap, whole(image), (8 * 5, 4 * 5))  # five drawn pixels a cell: the third is the centre
    np.testing.assert_allclose(drawn[2::5, 2::5], heatmap.values, atol=1e-6)
    np.testing.assert_allclose(drawn[2, 3], 0.8 * heatmap.values[0, 0] + 0.2 * heatmap.values[0, 1], atol=1e-6)


def test_cells_smaller_than_a_drawn_pixel_are_averaged() -> None:
    heatmap = Heatmap(np.random.default_rng(3).normal(size=(40, 60)).astype(np.float32), Grid((1.0, 1.0)),
                      Geometry((40, 60), (40, 60), (1.0, 1.0)), "pixels")
    drawn = heat_in(heatmap, Region(10, 20, 30, 40), (5, 4))
    slow = heatmap.values[20:40, 10:30].reshape(4, 5, 5, 4).mean((1, 3))
    np.testing.assert_allclose(drawn, slow, atol=1e-6)


def test_padding_is_not_drawn() -> None:
    image = photograph(40, 80, value=90)
    geometry = letterbox(image, (64, 64))
    heatmap = hot_cell((8, 8), (0, 4), Grid((8.0, 8.0)), geometry)  # in the padding above the photograph
    figure = figures(explanation_of(image, [[10, 5, 60, 35]], [[heatmap]]))[0]
    drawn = np.asarray(picture_axes(figure)[4].images[0].get_array())
    assert np.ptp(drawn.astype(int), axis=-1).max() == 0  # grey everywhere: no heat on the photograph


def test_the_box_is_visible_over_full_heat() -> None:
    image = photograph(value=90)
    heatmap = Heatmap(np.ones((8, 8), np.float32), Grid((8.0, 8.0)), stretch(image, (64, 64)), "l")
    figure = figures(explanation_of(image, [[40, 30, 100, 90]], [[heatmap]]))[0]
    canvas = rendered(figure)
    assert len(picture_axes(figure)) >= 5
    for axes in picture_axes(figure)[3:5]:
        x, y = axes.transData.transform((40, 60))
        line = canvas[canvas.shape[0] - int(y), int(x) - 4:int(x) + 5]
        assert line.min(-1).max() > 200  # the white line
        assert line.max(-1).min() < 110  # and its dark casing


def test_shared_scale_compares_boxes_and_box_scale_does_not() -> None:
    image = photograph(value=90)
    geometry, grid = stretch(image, (64, 64)), Grid((8.0, 8.0))
    maps = [[hot_cell((8, 8), (4, 4), grid, geometry, value) for value in (4.0, 1.0)]]
    explanation = explanation_of(image, [[40, 30, 100, 90], [60, 50, 100, 90]], maps)

    def strongest(scale: str) -> list[int]:
        pictures = picture_axes(figures(explanation, scale=scale)[0])
        return [int(np.ptp(np.asarray(axes.images[0].get_array()).astype(int), axis=-1).max())
                for axes in (pictures[4], pictures[7])]

    own, shared = strongest("box"), strongest("shared")
    assert own[0] == own[1] == shared[0]
    assert shared[1] < 0.7 * own[1]
    assert "each box has its own scale" in said(figures(explanation)[0])
    assert "share one scale" in said(figures(explanation, scale="shared")[0])


@pytest.mark.parametrize(("status", "words"), [("unreachable", "no path leads from layer level.0"),
                                               ("zero", "layer level.0 reaches this box")])
def test_a_status_is_written_on_both_pictures(status: str, words: str) -> None:
    image = photograph()
    heatmap = hot_cell((8, 8), (1, 1), Grid((8.0, 8.0)), stretch(image, (64, 64)), status=status)
    figure = figures(explanation_of(image, [[40, 30, 100, 90]], [[heatmap]]))[0]
    assert len(picture_axes(figure)) >= 5
    for axes in picture_axes(figure)[3:5]:
        written = " ".join(text.get_text() for text in axes.texts)
        assert status in written
        assert words in written


@pytest.mark.parametrize(("value", "words"), [(-1.0, "no positive heat"), (np.nan, "not finite")])
def test_a_map_without_positive_heat_says_so(value: float, words: str) -> None:
    image = photograph()
    heatmap = Heatmap(np.full((8, 8), value, np.float32), Grid((8.0, 8.0)), stretch(image, (64, 64)), "l")
    assert words in said(figures(explanation_of(image, [[40, 30, 100, 90]], [[heatmap]]))[0])


def boxes_of(count: int) -> list[list[float]]:
    return [[5 * (index % 6) + 3.0, 4 * (index // 6) + 2.0, 5 * (index % 6) + 60.0, 4 * (index // 6) + 70.0]
            for index in range(count)]


def test_a_fused_map_says_what_each_layer_was_divided_by() -> None:
    image = photograph()
    geometry, grid = stretch(image, (64, 64)), Grid((8.0, 8.0))
    fused = fuse({name: hot_cell((8, 8), (4, 4), grid, geometry, value, layer=name)
                  for name, value in (("model.4", 32.0), ("model.9", 0.0))})
    words = said(figures(explanation_of(image, [[10.0, 20.0, 100.0, 110.0]], [[fused]]))[0])
    assert "heat from layer model.4 / 0.5 + model.9 (zero)" in words
    assert "each layer's map is divided by its mean heat" in " ".join(words.split())
    plain = said(figures(explanation_of(image, [[10.0, 20.0, 100.0, 110.0]]))[0])
    assert "mean of its positive part" not in plain


def test_thirty_boxes_are_paged_and_the_cap_is_stated() -> None:
    pages = figures(explanation_of(photograph(), boxes_of(30), found=57), rows_per_page=6, dpi=40)
    assert len(pages) == 5
    assert "showing 30 of 57 detections" in said(pages[0])
    assert all(f"page {number} of 5" in texts(page) for number, page in enumerate(pages, 1))
    for first, page in enumerate(pages):
        rows = [text.get_text() for text in page.axes[0].texts if text.get_text().isdigit()]
        assert rows == [str(first * 6 + row) for row in range(1, 7)]
    assert len(figures(explanation_of(photograph(), boxes_of(7)), rows_per_page=4, dpi=40)) == 2


FOUR = ["hirescam", "gradcam", "gradient", "smoothgrad"]


@pytest.mark.parametrize(("methods", "size", "ranked"), [
    (FOUR[:1], (120, 160), True), (FOUR[:1], (40, 300), False), (FOUR[:1], (400, 60), False),
    (FOUR[:2], (400, 60), True), (FOUR[:3], (120, 160), False), (FOUR, (40, 300), True)])
def test_no_words_are_cut_off_or_on_top_of_each_other(methods: list[str], size: tuple[int, int], ranked: bool) -> None:
    boxes = [[3.0, 4.0, 40.0, 30.0], [20.0, 10.0, 55.0, 38.0], [30.0, 20.0, 34.0, 24.0]]
    figure = figures(explanation_of(
        photograph(*size), boxes, methods=methods, edge_maps=True, labels=[0, 1, 2],
        class_names={0: "person", 1: "a class name so long that it cannot possibly fit into one row " * 3, 2: "行人"},
        percentiles=np.full((3, 4), 92.0) if ranked else None, found=57))[0]
    rendered(figure)
    words = [text for text in figure.axes[0].texts if text.get_text()]
    boxes_of_words = [text.get_window_extent() for text in words]
    assert len(words) > 3
    for text, box in zip(words, boxes_of_words, strict=True):
        inside = box.x0 >= 0 and box.y0 >= 0 and box.x1 <= figure.bbox.x1 and box.y1 <= figure.bbox.y1
        assert inside, text.get_text()
    for index, box in enumerate(boxes_of_words):
        for other, second in list(enumerate(boxes_of_words))[:index]:
            wide = min(box.x1, second.x1) - max(box.x0, second.x0)
            high = min(box.y1, second.y1) - max(box.y0, second.y0)
            titles = words[index].get_text() in words[other].get_text()  # a paragraph's title, written over in ink
            assert titles or wide < 2 or high < 2, (words[index].get_text(), words[other].get_text())


def test_names_with_markup_are_written_as_they_are() -> None:
    names = {0: r"$\frac{a}{b", 1: "cost_of_$5_and_$6", 2: "a\nb\x00", 3: "naïve пешеход 行人"}
    boxes = boxes_of(4)
    image = photograph(name=r"photos/$\bad{_^$ [red].jpg")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        figure = figures(explanation_of(image, boxes, labels=[0, 1, 2, 3], class_names=names, methods=["$m_$"]))[0]
        rendered(figure)
    written = texts(figure)
    assert r"$\frac{a}{b" in written
    assert "cost_of_$5_and_$6" in written
    assert r"$\bad{_^$ [red].jpg" in written
    assert any(text.startswith("naïve пешеход") for text in written)


def test_widths_are_measured_as_drawn() -> None:
    figure = Figure(dpi=100)
    FigureCanvasAgg(figure)
    for words in ("person 0.87", "WWWiii, long enough"):
        drawn = figure.text(0, 0, words, fontsize=11, family="DejaVu Sans").get_window_extent().width / 100
        assert width_of(words, 11) == pytest.approx(drawn, rel=0.05)
    assert width_of(shorten("word " * 50, 1.0, 9), 9) <= 1.0
    assert drawable("a\tb\n c") == "a b c"


def test_no_detection_is_a_figure_that_says_so() -> None:
    for size in ((120, 160), (400, 60), (60, 400)):
        pages = figures(explanation_of(photograph(*size), []))
        assert len(pages) == 1
        assert "no detection with a score above 0.25: lower --min-score" in said(pages[0])
        rendered(pages[0])


def test_the_worst_edge_is_named_with_its_rank_or_without_one() -> None:
    evidence = np.array([[0.2, 0.9, 0.3, 0.1]])
    ranked = said(figures(explanation_of(photograph(), [[40, 30, 100, 90]], evidence=evidence,
                                         percentiles=np.array([[99.0, 97.0, 50.0, 10.0]])))[0])
    assert "Top edge: more evidence than for 97 % of accurate boxes of similar size." in ranked
    for rank, words in ((100.0, "more evidence than for all accurate boxes of similar size."),
                        (35.0, "No edge stands out. Most evidence: top edge, more than for 35 % of accurate boxes."),
                        (np.nan, "Most evidence: top edge. Not ranked: there is no reference for this class.")):
        assert words in said(figures(explanation_of(photograph(), [[40, 30, 100, 90]], evidence=evidence,
                                                    percentiles=np.full((1, 4), rank)))[0])
    plain = said(figures(explanation_of(photograph(), [[40, 30, 100, 90]], evidence=evidence))[0])
    assert "Most evidence: top edge. Not ranked: there is no reference for these weights." in plain
    assert "not measured" in said(figures(explanation_of(photograph(), [[40, 30, 100, 90]], edges=False))[0])


def test_edge_maps_are_drawn_with_their_sign_at_their_place() -> None:
    image = photograph(value=120)
    explanation = explanation_of(image, [[40, 30, 100, 90]], edge_maps=True)
    assert explanation.edges is not None
    assert explanation.edges.maps is not None
    for values in (each.values for each in explanation.edges.maps[0]):
        values[:] = 0
        values[3, 3], values[3, 5] = 2.0, -2.0  # canvas (28, 28) and (44, 28): source (70, 52.5) and (110, 52.5)
    figure = figures(explanation)[0]
    assert len(picture_axes(figure)) >= 4
    for axes in picture_axes(figure)[-4:]:
        drawn = np.asarray(axes.images[0].get_array()).astype(int)
        (left, right), (bottom, top) = axes.get_xlim(), axes.get_ylim()

        def at(x: float, y: float) -> np.ndarray:
            row = int((y - top) / (bottom - top) * drawn.shape[0])  # noqa: B023
            return drawn[row, int((x - left) / (right - left) * drawn.shape[1])]  # noqa: B023

        assert at(70, 52.5)[0] > at(70, 52.5)[2] + 50  # red: positive
        assert at(110, 52.5)[2] > at(110, 52.5)[0] + 50  # blue: negative
        assert np.ptp(at(90, 52.5)) < 20  # nothing between them


def test_pictures_are_no_finer_than_the_page() -> None:
    image = Image(np.zeros((3000, 4000, 3), np.uint8), "large")
    figure = figures(explanation_of(image, [[100, 100, 3900, 2900], [5, 5, 13, 13]]))[0]
    assert picture_axes(figure)
    for axes in picture_axes(figure):
        drawn, window = axes.images[0].get_array(), axes.get_window_extent()
        assert drawn is not None
        assert drawn.shape[1] <= max(window.width, 256) + 1
        assert drawn.shape[0] <= window.height + 1


@pytest.mark.parametrize("box", [[0, 0, 8, 8], [150, 110, 160, 120], [10, 10, 10, 10], [-20, -20, 300, 300],
                                 [158, 1, 190, 9]])
def test_a_crop_lies_in_the_photograph_and_holds_the_box(box: list[float]) -> None:
    image = photograph()
    crop = around(np.array(box, float), image, 0.8)
    assert 0 <= crop.x1 < crop.x2 <= image.width
    assert 0 <= crop.y1 < crop.y2 <= image.height
    inside = np.clip(box, 0, [image.width, image.height] * 2)
    assert crop.x1 <= inside[0]
    assert crop.y1 <= inside[1]
    assert inside[2] <= crop.x2
    assert inside[3] <= crop.y2
    assert pixels(image, crop, (30, 40)).shape == (40, 30, 3)
    rendered(figures(explanation_of(image, [box]))[0])


def test_numbers_of_close_boxes_do_not_hide_each_other() -> None:
    taken: list[tuple[float, float, float, float]] = []
    for _ in range(6):
        x, y = free_corner(np.array([40.0, 40, 90, 90]), (10, 8), Region(0, 0, 160, 120), taken)
        assert all(x + 10 <= a or x >= c or y + 8 <= b or y >= d for a, b, c, d in taken)
        taken.append((x, y, x + 10, y + 8))


def test_arguments_that_cannot_be_are_named() -> None:
    explanation = explanation_of(photograph(), [[40, 30, 100, 90]])
    with pytest.raises(InputError, match=r"infernal.*inferno"):
        figures(explanation, cmap="infernal")
    with pytest.raises(InputError, match="'box' or 'shared'"):
        figures(explanation, scale="all")
    with pytest.raises(InputError, match="rows_per_page"):
        figures(explanation, rows_per_page=0)
    assert len(figures(explanation, cmap="jet")) == 1


def test_pages_are_saved_under_their_names_and_older_ones_go(tmp_path: Path) -> None:
    image = photograph()
    saved = save_figures(explanation_of(image, boxes_of(5)), tmp_path / "street.a", rows_per_page=2, dpi=40)
    assert [path.name for path in saved] == ["street.a.png", "street.a.2.png", "street.a.3.png"]
    for path in saved:
        with PilImage.open(path) as opened:
            opened.load()
    (tmp_path / "other.2.png").write_bytes(saved[1].read_bytes().replace(b"detcam", b"person"))
    save_figures(explanation_of(image, boxes_of(2)), str(tmp_path / "street.a"), rows_per_page=2, dpi=40)
    save_figures(explanation_of(image, boxes_of(2)), tmp_path / "other", rows_per_page=2, dpi=40)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["other.2.png", "other.png", "street.a.png"]


def test_a_failed_save_leaves_what_was_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    explanation = explanation_of(photograph(), [[40, 30, 100, 90]])
    (path,) = save_figures(explanation, tmp_path / "street", dpi=40)
    before = path.read_bytes()

    def full(target: Path, content: bytes) -> None:
        target.open("wb").write(content[:10])
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(OutputError, match="No space left"):
        save_figures(explanation, tmp_path / "street", dpi=40)
    assert [each.name for each in tmp_path.iterdir()] == ["street.png"]
    assert path.read_bytes() == before


def test_a_folder_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match="nowhere"):
        save_figures(explanation_of(photograph(), []), tmp_path / "nowhere" / "street", dpi=40)


def test_settings_of_the_user_are_neither_changed_nor_followed(tmp_path: Path) -> None:
    explanation = explanation_of(photograph(), [[40, 30, 100, 90]])
    plain = rendered(figures(explanation)[0])
    odd = {"savefig.bbox": "tight", "figure.autolayout": True, "axes.facecolor": "black", "text.color": "white",
           "font.size": 20, "figure.constrained_layout.use": False, "image.origin": "lower", "lines.linewidth": 9}
    with matplotlib.rc_context(odd):
        settings = dict(matplotlib.rcParams)
        followed = rendered(figures(explanation)[0])
        save_figures(explanation, tmp_path / "street")
        assert dict(matplotlib.rcParams) == settings
    np.testing.assert_array_equal(plain, followed)
    with PilImage.open(tmp_path / "street.png") as opened:
        np.testing.assert_array_equal(np.asarray(opened.convert("RGB")), plain)


def test_pyplot_is_never_imported() -> None:
    code = ("import sys; sys.path.insert(0, 'tests'); from support.synthetic import *;"
            "from detcam.views.explanation.figure import figures;"
            "figures(explanation_of(photograph(), [[40, 30, 100, 90]])); assert 'matplotlib.pyplot' not in sys.modules")
    subprocess.run([sys.executable, "-c", code], check=True, cwd=ROOT, timeout=120)
