"""Parts of a diagnosis in a notebook, as pictures and words: one box, one missed object, and the check."""

from io import BytesIO

import nbformat
import numpy as np
from nbclient import NotebookClient
from PIL import Image as PilImage
from support.diagnosed import ASIDE, PERSON, asked_of, diagnosis_of, one_of_each, pages_of, truth_of
from support.pages import said, texts
from support.places import TESTS
from support.synthetic import photograph

from detcam.diagnosis.result import Diagnosis
from detcam.views.diagnosis.box_rows import box_figure
from detcam.views.diagnosis.intervention_rows import IN_A_LINE, check_figure
from detcam.views.diagnosis.missed_rows import missed_figure
from detcam.views.notebook_parts import png_of_part, words_of
from detcam.views.page.colours import HEAT

TALL = [40.0, 4.0, 80.0, 100.0]  # its top edge 16 px too high
CORNER, LOW, ABOVE = [0.0, 0.0, 30.0, 30.0], [85.0, 60.0, 105.0, 90.0], [40.0, 0.0, 80.0, 20.0]
EDGE = asked_of("edge", (ABOVE, 0.1), [(LOW, 0.0)], [12.0, 1.0], "beyond the top edge")
CORNERS = asked_of("corners", (CORNER, 0.62), [(LOW, 0.04)])
QUIET = [asked_of("context", (LOW, 0.1), [(CORNER, 0.0)]), asked_of("spread", (CORNER, 0.1), [(LOW, 0.5)]),
         asked_of("left or right", (ABOVE, 0.3), [(LOW, 0.2)])]


def checked() -> Diagnosis:
    return diagnosis_of([TALL, ASIDE], truth_of([PERSON, ASIDE]), image=photograph(value=120), pull=0.44,
                        hidden=[(*QUIET, CORNERS, EDGE), ()])


def test_the_row_of_one_box_is_its_row_of_the_pages() -> None:
    diagnosis = one_of_each()
    page = pages_of(diagnosis)[1]
    for i in range(len(diagnosis)):
        figure = box_figure(diagnosis, i, HEAT, 60)
        one = diagnosis.by_number(i + 1)
        assert one.title in texts(figure)
        assert " ".join(one.sentences) in said(figure).replace("\n", " ")
        assert set(texts(figure)) <= set(texts(page)) | {"detcam"}
        others = [diagnosis.by_number(number).title for number in range(1, 6) if number != i + 1]
        assert not set(others) & set(texts(figure))


def test_the_row_of_one_missed_object() -> None:
    diagnosis = diagnosis_of([ASIDE], truth_of([ASIDE, PERSON, CORNER]))
    for k, name in enumerate(("Miss 1", "Miss 2")):
        words = texts(missed_figure(diagnosis, k, HEAT, 60))
        assert {"Miss 1", "Miss 2"} & set(words) == {name}


def test_a_check_shows_every_question_larger_than_the_pages_do() -> None:
    diagnosis = checked()
    figure = check_figure(diagnosis, 0, 60)
    panels = [axes for axes in figure.axes if axes.images]
    assert len(panels) == 6 > IN_A_LINE  # five questions, and the edge before and after
    small = [axes for axes in next(page for page in pages_of(diagnosis) if "Regions are occluded" in said(page)).axes
             if axes.images]
    assert len(small) == len(panels)

    def inches(axes: object) -> float:
        box, size = axes.get_position(), axes.figure.get_size_inches()  # type: ignore[attr-defined]
        return float(box.width * size[0] * box.height * size[1])

    assert all(inches(large) > 1.2 * inches(own) for large, own in zip(panels, small, strict=True))
    bottoms = [round(axes.get_position().y1, 3) for axes in panels]
    assert len(set(bottoms)) == 2  # two lines
    assert min(axes.get_position().y0 for axes in panels) > 0
    assert max(axes.get_position().x1 for axes in panels) < 1
    words = {"inward 12 px, controls ≤ 1.0 px", "beyond the top edge", "difference 58 %, limit 25 %"}
    assert words <= set(texts(figure))
    assert "…" not in said(figure)


def test_pictures_and_words_of_each_part() -> None:
    diagnosis = checked()
    part, check = diagnosis.by_number(1), diagnosis.check(1)
    pictures = [png_of_part(part), png_of_part(check)]
    for data in pictures:
        assert data is not None
        with PilImage.open(BytesIO(data)) as shown:
            assert np.asarray(shown.convert("L")).std() > 10
    assert pictures[0] != pictures[1]
    assert words_of(part) == "1  " + part.title + ". " + " ".join(part.sentences)
    assert words_of(check).startswith("Check of box 1: 5 regions were occluded. 44 % of the evidence that moves")
    assert png_of_part(diagnosis.check(2)) is None
    assert words_of(diagnosis.check(2)) == "Check of box 2: no region was occluded."


def test_a_notebook_shows_them() -> None:
    head = (f"import sys; sys.path.insert(0, {str(TESTS)!r})\nimport detcam\n"
            "from support.diagnosed import asked_of, one_of_each\n"
            "answer = asked_of('corners', ([0, 0, 30, 30], 0.62), [([85, 60, 105, 90], 0.04)])\n"
            "diagnosis = one_of_each(hidden=[(), (answer,), (), (), ()])\n")
    cells = [head + "diagnosis.by_number(2)", "diagnosis.by_number('Miss 1')", "diagnosis.check(2)",
             "diagnosis.check(1)", "print(*diagnosis.sentences('Miss 1'))"]
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in cells])
    NotebookClient(notebook, timeout=300, resources={"metadata": {"path": TESTS.parent}}).execute()
    box, missed, check, nothing, printed = (cell.outputs[-1] for cell in notebook.cells)
    for shown in (box, missed, check):
        assert len(shown.data["image/png"]) > 10000
    diagnosis = one_of_each()
    assert box.data["text/plain"].startswith(f"2  {diagnosis.by_number(2).title}. It lies on a true object")
    assert missed.data["text/plain"] == words_of(diagnosis.by_number("Miss 1"))
    assert check.data["text/plain"].startswith("Check of box 2: 1 region was occluded. Occluding the photograph's top")
    assert "image/png" not in nothing.data
    assert nothing.data["text/plain"] == "Check of box 1: no region was occluded."
    assert printed.text == " ".join(diagnosis.sentences("Miss 1")) + "\n"
