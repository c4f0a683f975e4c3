"""In a notebook: three lines from install to picture."""

import nbformat
from nbclient import NotebookClient
from support.places import ROOT, TINY_FILE

PNG = "image/png"


def test_an_explanation_shows_its_figure_as_the_last_line_of_a_cell() -> None:
    cells = [
        f"import detcam\ndetector = detcam.load({str(TINY_FILE) + ':tiny_ssd'!r})\n"
        "explanation = detcam.explain(detector, 'sample_images/astronaut.png', max_boxes=4)\nexplanation",
        "explanation[3]",
        "explanation[1:3]",
        "explanation.to_frame()[['number', 'class_name', 'inside', 'top_evidence']]",
        "explanation[0].heatmap.values.shape",
    ]
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in cells])
    NotebookClient(notebook, timeout=300, resources={"metadata": {"path": ROOT}}).execute()
    whole, one, some, frame, shape = (cell.outputs[-1].data for cell in notebook.cells)
    assert len(whole[PNG]) > len(some[PNG]) > len(one[PNG]) > 1000
    assert whole["text/plain"].startswith("Explanation of sample_images/astronaut.png: showing 4 of 200")
    assert one["text/plain"].startswith("Detection 4: ")
    assert "top_evidence" in frame["text/html"]
    assert shape["text/plain"].startswith("(")
