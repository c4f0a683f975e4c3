"""The pages of a diagnosis: rows with the right pictures and numbers, readable, and saved whole."""

from itertools import combinations
from pathlib import Path

import nbformat
import numpy as np
import pytest
from matplotlib.colors import to_rgb
from matplotlib.patches import Rectangle
from nbclient import NotebookClient
from PIL import Image as PilImage
from support.diagnosed import (
    ASIDE,
    CROWD,
    IN_CROWD,
    LOST,
    PERSON,
    asked_of,
    diagnosis_of,
    lost,
    one_of_each,
    pages_of,
    siblings,
    truth_of,
    verdict_of,
)
from support.pages import rendered, said, texts
from support.places import TESTS
from support.synthetic import photograph

from detcam.diagnosis.attention.shortcuts import PATTERNS, Shortcuts
from detcam.diagnosis.sentences.detections import sentences_of, sentences_of_missed
from detcam.errors import InputError, OutputError
from detcam.views.diagnosis.box_rows import ENOUGH, in_order
from detcam.views.diagnosis.edge_errors import BAR, FULL
from detcam.views.diagnosis.pages import diagnosis_figures, save_diagnosis
from detcam.views.notebook import diagnosis_png, diagnosis_summary
from detcam.views.page.colours import EDGE, WORST


def test_wrong_boxes_come_first_then_those_with_an_edge_that_is_off() -> None:
    off = [40.0, 4.0, 80.0, 100.0]  # its top edge is 20 % too high, its IoU 0.83
    diagnosis = diagnosis_of([ASIDE, IN_CROWD, off, LOST], truth_of([ASIDE, CROWD, PERSON], crowd=[1]))
    assert [diagnosis.type_of(box) for box in range(4)] == ["correct", "ignored", "correct", "background"]
    assert in_order(diagnosis) == [3, 2, 0, 1]


def test_sound_boxes_fill_up_a_dozen_rows_and_the_rest_is_said() -> None:
    boxes = [[10.0 * x + 1, 20.0 * y + 1, 10.0 * x + 9, 20.0 * y + 18] for x in range(5) for y in range(3)]
    diagnosis = diagnosis_of([*boxes, LOST], truth_of(boxes), edges=False)
    assert in_order(diagnosis) == [15, *range(ENOUGH - 1)]
    assert "4 more boxes, correct or ignored, are not shown" in said(pages_of(diagnosis)[1])


def test_rows_say_what_the_words_say() -> None:
    diagnosis = one_of_each()
    pages = pages_of(diagnosis)
    rows, missed = " ".join(said(pages[1]).split()), " ".join(said(pages[2]).split())
    assert len(diagnosis) > 3
    for box in range(len(diagnosis)):
        assert " ".join(sentences_of(diagnosis, box)) in rows
    assert " ".join(sentences_of_missed(diagnosis, 0)) in missed
    assert "person 0.95: correct" in texts(pages[1])


def test_bars_are_as_long_as_the_errors() -> None:
    box = [36.0, 30.0, 90.0, 100.0]  # left 10 % out, top 12.5 % in, right 25 % out
    figure = pages_of(diagnosis_of([box], truth_of([PERSON]), image=photograph(value=120)))[1]
    bars = {}
    for patch in figure.axes[0].patches:
        assert isinstance(patch, Rectangle)
        colour = patch.get_facecolor()[:3]
        if np.allclose(colour, to_rgb(WORST)) or np.allclose(colour, to_rgb(EDGE)):
            bars[round(patch.get_y(), 3)] = patch
    left, top, right, bottom = (bars[each] for each in sorted(bars))
    zero = left.get_x()
    for patch, share, start in ((left, 0.1, zero), (top, 0.125, zero - 0.125 / FULL * BAR / 2), (right, 0.25, zero),
                                (bottom, 0.0, zero)):
        assert patch.get_width() == pytest.approx(share / FULL * BAR / 2)
        assert patch.get_x() == pytest.approx(start)
    assert right.get_facecolor()[:3] == to_rgb(WORST)
    words = texts(figure)
    for text in ("+4", "−10", "+10", "−12", "+25"):  # noqa: RUF001
        assert text in words
    assert "the box" in words


def test_ranks_and_evidence_are_shown_where_they_are_known() -> None:
    ranks = np.array([[12.0, 97.6, np.nan, 50.0]])
    evidence = np.array([[0.2, 0.93, 0.31, 0.14]])
    ranked = texts(pages_of(diagnosis_of([PERSON], truth_of([PERSON]), percentiles=ranks, evidence=evidence))[1])
    assert {"p 12", "p 97", "p 50", "0.93", "rank", "evidence"} <= set(ranked)
    plain = texts(pages_of(diagnosis_of([PERSON], truth_of([PERSON]), evidence=evidence))[1])
    assert "0.93" in plain
    assert "rank" not in plain
    nothing = texts(pages_of(diagnosis_of([PERSON], truth_of([PERSON]), edges=False))[1])
    assert not {"rank", "evidence", "what moves the worst edge"} & set(nothing)
    assert {"px", "%"} <= set(nothing)


def test_the_map_of_the_worst_edge_is_drawn_with_its_sign_at_its_place() -> None:
    diagnosis = diagnosis_of([[40.0, 4.0, 80.0, 100.0]], truth_of([PERSON]), image=photograph(value=120))
    edges = diagnosis.boxes.edges
    assert edges is not None
    assert edges.maps is not None
    for column, heatmap in enumerate(edges.maps[0]):
        heatmap.values[:] = 0
        if column == 1:  # top: canvas cells of 8 px, source 20 by 15 px: (50, 52.5) and (90, 52.5)
            heatmap.values[3, 2], heatmap.values[3, 4] = 2.0, -2.0
    figure = pages_of(diagnosis)[1]
    axes = [each for each in figure.axes if each.images][-1]
    drawn = np.asarray(axes.images[0].get_array()).astype(int)
    (left, right), (bottom, top) = axes.get_xlim(), axes.get_ylim()

    def at(x: float, y: float) -> np.ndarray:
        return drawn[int((y - top) / (bottom - top) * drawn.shape[0]), int((x - left) / (right - left) *
                                                                          drawn.shape[1])]

    assert at(50, 52.5)[0] > at(50, 52.5)[2] + 50  # red: positive, down
    assert at(90, 52.5)[2] > at(90, 52.5)[0] + 50
    assert np.ptp(at(70, 52.5)) < 20
    true = [patch for patch in axes.patches if isinstance(patch, Rectangle) and patch.get_xy() == (40, 20)]
    assert true  # the true edge is there


def test_the_table_has_every_share_and_frames_the_own_object() -> None:
    shares = [[0.62, 0.1, 0.004], [0.3, np.nan, 0.0], [0.5, 0.0, 0.0], [0.0, 0.07, 0.0], [0.0, 0.0, 0.99]]
    figure = pages_of(one_of_each(shares=shares))[-1]
    words = texts(figure)
    for text in ("62", "10", "30", "—", "50", "7", "99", "Miss 1", "crowd", "2 Loc"):
        assert text in words, text
    frames = [line for line in figure.axes[0].lines if line.get_linewidth() == 1.6]
    assert len(frames) == 4 * 3  # of the correct box, the localization error and the duplicate
    bold = [text.get_text() for text in figure.axes[0].texts if text.get_fontweight() == "bold"
            and text.get_fontsize() == 9.5]
    assert bold == ["62", "30", "50"]


def test_without_two_boxes_and_two_objects_there_is_no_table() -> None:
    for boxes, true in (([PERSON], [PERSON, ASIDE]), ([PERSON, ASIDE], [PERSON])):
        missed = len(true) - 1
        diagnosis = diagnosis_of(boxes, truth_of(true), verdicts=[None] * missed)
        assert "heat on each object" not in said(pages_of(diagnosis)[-1])


def test_a_missed_object_shows_the_best_row_its_rival_and_their_difference() -> None:
    page = pages_of(one_of_each())[2]
    words = said(page)
    assert "dropped row 6: person 0.95" in words
    assert "box 1: person 0.30" in words
    assert "red: for 6; blue: for 1" in words
    assert "for the rival" in words
    keys = 3
    assert len([axes for axes in page.axes if axes.images]) == keys + 4
    alone = diagnosis_of([PERSON], truth_of([PERSON, LOST]),
                         verdicts=[verdict_of((2.0, 72.0, 30.0, 110.0), 2, lost(suppressed=False))])
    words = said(pages_of(alone)[2])
    assert "The best row has no rival." in words
    assert "heat of its rival" not in words
    unknown = said(pages_of(diagnosis_of([PERSON], truth_of([PERSON, LOST]), verdicts=[None]))[2])
    assert "The reason is unknown" in " ".join(unknown.split())
    assert "heat of the best row" not in unknown


HIDDEN = (asked_of("edge", ((40, 0, 80, 20), 0.1), [((90, 40, 130, 60), 0.0)] * 3, [12.0, 1.0]),
          asked_of("corners", ((0, 0, 30, 30), 0.9), [((90, 40, 130, 60), 0.0), ((5, 60, 20, 80), 1.0)]),
          asked_of("context", ((0, 30, 9, 38), -2.0), [((12, 40, 20, 50), 0.0), ((22, 40, 30, 50), 0.0)]),
          asked_of("spread", ((0, 0, 160, 120), 0.99), [(PERSON, 1.0)]),
          asked_of("left or right", ((40, 20, 60, 100), 0.99), [((60, 20, 80, 100), -0.4)]),
          asked_of("top or bottom", ((40, 20, 80, 60), 0.99), [((40, 60, 80, 100), 0.4)]))
FLAGGED = Shortcuts(dict.fromkeys(PATTERNS, 0.9), dict.fromkeys(PATTERNS, 0.1), dict.fromkeys(PATTERNS, True),
                    "bottom right", "bottom")
CASES = {
    "one of each": lambda image: one_of_each(image=image),
    "ranked": lambda image: one_of_each(image=image, percentiles=np.full((5, 4), 92.0), pull=0.4,
                                        same=[siblings(14, (1,))] * 5),
    "without edges": lambda image: one_of_each(image=image, edges=False),
    "hidden": lambda image: one_of_each(image=image, hidden=[*[HIDDEN] * 3, *[HIDDEN[1:]] * 2], pull=0.4,
                                        patterns=[FLAGGED] * 5),
    "nothing found": lambda image: diagnosis_of([], truth_of([PERSON, LOST]), image=image, verdicts=[None, None]),
    "nothing true": lambda image: diagnosis_of([PERSON, ASIDE], truth_of([]), image=image),
    "nothing": lambda image: diagnosis_of([], truth_of([]), image=image),
}


@pytest.mark.parametrize("size", [(120, 160), (60, 400), (400, 70)])
@pytest.mark.parametrize("case", CASES)
def test_no_words_are_cut_off_or_on_top_of_each_other(case: str, size: tuple[int, int]) -> None:
    image = photograph(*size, name="photos/a name of forty letters and then some more.jpg")
    for figure in pages_of(CASES[case](image)):
        rendered(figure)
        words = [text for text in figure.axes[0].texts if text.get_text()]
        extents = [text.get_window_extent() for text in words]
        assert words
        for text, box in zip(words, extents, strict=True):
            inside = box.x0 >= 0 and box.y0 >= 0 and box.x1 <= figure.bbox.x1 and box.y1 <= figure.bbox.y1
            assert inside, text.get_text()
        for one, other in combinations(range(len(words)), 2):
            wide = min(extents[one].x1, extents[other].x1) - max(extents[one].x0, extents[other].x0)
            high = min(extents[one].y1, extents[other].y1) - max(extents[one].y0, extents[other].y0)
            assert wide < 2 or high < 2, (words[one].get_text(), words[other].get_text())


def test_a_photograph_without_anything_says_so() -> None:
    pages = pages_of(diagnosis_of([], truth_of([])))
    assert len(pages) == 1
    assert "No true object, and no detection." in said(pages[0])


def test_pages_are_saved_under_their_names_and_older_ones_go(tmp_path: Path) -> None:
    saved = save_diagnosis(one_of_each(), tmp_path / "street.a")
    assert [path.name for path in saved] == ["street.a.png", "street.a.2.png", "street.a.3.png", "street.a.4.png"]
    for path in saved:
        with PilImage.open(path) as opened:
            opened.load()
    save_diagnosis(diagnosis_of([PERSON], truth_of([PERSON])), str(tmp_path / "street.a"))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["street.a.2.png", "street.a.png"]


def test_a_failed_save_leaves_what_was_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    diagnosis = diagnosis_of([], truth_of([]))
    (path,) = save_diagnosis(diagnosis, tmp_path / "street")
    before = path.read_bytes()

    def full(target: Path, content: bytes) -> None:
        target.open("wb").write(content[:10])
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(OutputError, match="No space left"):
        save_diagnosis(diagnosis, tmp_path / "street")
    assert [each.name for each in tmp_path.iterdir()] == ["street.png"]
    assert path.read_bytes() == before


def test_arguments_that_cannot_be_are_named() -> None:
    diagnosis = diagnosis_of([], truth_of([]))
    with pytest.raises(InputError, match=r"infernal.*inferno"):
        diagnosis_figures(diagnosis, cmap="infernal")
    with pytest.raises(InputError, match="rows_per_page"):
        diagnosis_figures(diagnosis, rows_per_page=0)
    with pytest.raises(InputError, match="dpi"):
        diagnosis_figures(diagnosis, dpi=0)


def test_rows_are_paged() -> None:
    pages = pages_of(one_of_each(), rows_per_page=2, dpi=40)
    assert len(pages) == 1 + 3 + 1 + 1
    assert all(f"page {number} of 6" in texts(page) for number, page in enumerate(pages, 1))


def test_a_notebook_shows_the_first_page_and_the_sentences() -> None:
    cell = (f"import sys; sys.path.insert(0, {str(TESTS)!r})\nimport detcam\n"
            "from support.diagnosed import one_of_each\none_of_each()")
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell)])
    NotebookClient(notebook, timeout=300, resources={"metadata": {"path": TESTS.parent}}).execute()
    shown = notebook.cells[0].outputs[-1].data
    assert shown["text/plain"] == diagnosis_summary(one_of_each())
    assert len(shown["image/png"]) > 10000
    assert shown["text/plain"].splitlines()[1].startswith("  2 Loc  It lies on a true object of its class")
    assert shown["text/plain"].splitlines()[-1].startswith("  Miss 1  No detection found this true object. Suppressed:")


def test_the_picture_of_a_notebook_is_the_first_page(tmp_path: Path) -> None:
    (tmp_path / "shown.png").write_bytes(diagnosis_png(one_of_each()))
    saved = save_diagnosis(one_of_each(), tmp_path / "street")[0]
    with PilImage.open(tmp_path / "shown.png") as shown, PilImage.open(saved) as page:
        np.testing.assert_array_equal(np.asarray(shown), np.asarray(page))
