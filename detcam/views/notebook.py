"""How explanations and diagnoses show themselves in a notebook: a picture, or a line of text without pictures.

The formatters are handed to a running IPython, so that neither need know of views.
"""

import sys
from io import BytesIO
from itertools import islice
from typing import Any

import numpy as np

from detcam.diagnosis.result import Diagnosis
from detcam.explanations.explanation import DetectionExplanation, Explanation

PAGE_ROWS = 6  # detections in a cell's picture
MOST_PAGES = 3  # of a diagnosis in a cell: all boxes on the photograph, and the first rows


def register() -> bool:
    """Teach the running IPython to show explanations and diagnoses; whether there is one is returned.

    Call it when IPython may be there: it never imports it. A second call changes nothing.
    """
    ipython = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython is not None and hasattr(ipython, "get_ipython") else None
    if shell is None:
        return False
    formatters = shell.display_formatter.formatters
    for kind in (Explanation, DetectionExplanation):
        formatters["image/png"].for_type(kind, png_of)
        formatters["text/plain"].for_type(kind, _print)
    formatters["image/png"].for_type(Diagnosis, diagnosis_png)
    formatters["text/plain"].for_type(Diagnosis, _print_diagnosis)
    return True


def diagnosis_png(diagnosis: Diagnosis) -> bytes:
    """The first pages of a diagnosis as one PNG, one below the other."""
    from PIL import Image as PilImage

    from detcam.views.diagnosis.pages import diagnosis_figures
    from detcam.views.page.png import figure_png

    pages = []
    for figure in islice(diagnosis_figures(diagnosis, rows_per_page=PAGE_ROWS), MOST_PAGES):
        figure_png(figure, drawn := BytesIO())
        pages.append(PilImage.open(drawn).convert("RGB"))
    whole = PilImage.new("RGB", (max(page.width for page in pages), sum(page.height for page in pages)), "white")
    y = 0
    for page in pages:
        whole.paste(page, (0, y))
        y += page.height
    whole.save(buffer := BytesIO(), "PNG")
    return buffer.getvalue()


def diagnosis_summary(diagnosis: Diagnosis) -> str:
    """A diagnosis in words: the counts, and a line for each box that is not correct and each missed object."""
    from detcam.diagnosis.error_types import CORRECT, IGNORED, MISSED
    from detcam.diagnosis.sentences.detections import sentences_of, sentences_of_missed
    from detcam.views.diagnosis.common import badge_of, count_words

    lines = [f"Diagnosis of {diagnosis.image.name}: {count_words(diagnosis)}"]
    lines += [f"  {badge_of(diagnosis, int(diagnosis.evaluated[box]))}  {' '.join(sentences_of(diagnosis, box))}"
              for box in range(len(diagnosis)) if diagnosis.type_of(box) not in (CORRECT.name, IGNORED.name)]
    lines += [f"  {MISSED.short_name} {k + 1}  {' '.join(sentences_of_missed(diagnosis, k))}"
              for k in range(len(diagnosis.missed))]
    return "\n".join(lines)


def _print_diagnosis(diagnosis: Diagnosis, printer: Any, cycle: bool) -> None:
    printer.text(diagnosis_summary(diagnosis))


def png_of(shown: Explanation | DetectionExplanation) -> bytes:
    """The first page of an explanation as PNG, or a single detection's own figure."""
    from detcam.views.explanation.figure import first_figure
    from detcam.views.page.png import figure_png

    explanation: Explanation
    if isinstance(shown, Explanation):
        explanation = shown
    else:
        parent = shown.parent  # two places may have the same row
        own = [index for index, number in enumerate(parent.numbered)
               if number == shown.number and parent.verdict(index) is shown.verdict]
        explanation = parent[np.array(own[:1])]
    buffer = BytesIO()
    figure_png(first_figure(explanation, rows_per_page=PAGE_ROWS), buffer)
    return buffer.getvalue()


def summary(shown: Explanation | DetectionExplanation) -> str:
    """An explanation in a line of text, a detection in another."""
    if isinstance(shown, DetectionExplanation):
        x1, y1, x2, y2 = shown.box.tolist()
        what = "Detection" if shown.verdict is None else f"{shown.verdict.place}: {shown.verdict.sentence} Row"
        return (f"{what} {shown.number}: {shown.class_name} {shown.score:.2f}, box ({x1:.0f}, {y1:.0f}, {x2:.0f}, "
                f"{y2:.0f}), heat of {', '.join(shown.heatmaps)} from layer {shown.heatmap.layer}")
    from detcam.views.explanation.overview import count_words

    hidden = len(shown) - PAGE_ROWS
    more = (f"; the figure shows the first {PAGE_ROWS}, the others: explanation[{PAGE_ROWS}:]" if hidden > 0 else "")
    methods = ", ".join(maps.method for maps in shown.maps)
    more += "".join(f"\n  {each.number}  {each.place}: {each.sentence}" for each in shown.verdicts if each is not None)
    return f"Explanation of {shown.image.name}: {count_words(shown)}, by {methods}{more}"


def _print(shown: Explanation | DetectionExplanation, printer: Any, cycle: bool) -> None:
    printer.text(summary(shown))
