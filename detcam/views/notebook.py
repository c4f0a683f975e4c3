"""How explanations and diagnoses show themselves in a notebook: a picture, or a line of text without pictures.

The formatters are handed to a running IPython by the names of the classes, which are not imported for that.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

from detcam.views.notebook_parts import png_of_part, print_part

if TYPE_CHECKING:
    from detcam.diagnosis.result import Diagnosis
    from detcam.explanations.explanation import DetectionExplanation, Explanation

PAGE_ROWS = 6  # detections in a cell's picture


def register() -> bool:
    """Teach the running IPython to show explanations and diagnoses; whether there is one is returned.

    Call it when IPython may be there: it never imports it. A second call changes nothing.
    """
    ipython = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython is not None and hasattr(ipython, "get_ipython") else None
    if shell is None:
        return False
    formatters = shell.display_formatter.formatters
    for module, name, png, words in (("detcam.explanations.explanation", "Explanation", png_of, _print),
                                     ("detcam.explanations.explanation", "DetectionExplanation", png_of, _print),
                                     ("detcam.diagnosis.result", "Diagnosis", diagnosis_png, _print_diagnosis),
                                     ("detcam.diagnosis.parts", "DetectionDiagnosis", png_of_part, print_part),
                                     ("detcam.diagnosis.parts", "MissedDiagnosis", png_of_part, print_part),
                                     ("detcam.diagnosis.check", "Check", png_of_part, print_part)):
        formatters["image/png"].for_type_by_name(module, name, png)
        formatters["text/plain"].for_type_by_name(module, name, words)
    return True


def diagnosis_png(diagnosis: Diagnosis) -> bytes:
    """The first page of a diagnosis, all boxes on the photograph, as PNG; ``by_number`` has the others one by one."""
    from detcam.views.diagnosis.pages import diagnosis_figures
    from detcam.views.page.png import png_bytes

    return png_bytes(next(diagnosis_figures(diagnosis)))


def diagnosis_summary(diagnosis: Diagnosis) -> str:
    """A diagnosis in words: the counts, and a line for each box that is not correct and each missed object."""
    from detcam.diagnosis.error_types import CORRECT, IGNORED
    from detcam.diagnosis.sentences.detections import sentences_of, sentences_of_missed
    from detcam.diagnosis.sentences.object_names import missed_label
    from detcam.views.diagnosis.common import badge_of, count_words

    lines = [f"Diagnosis of {diagnosis.image.name}: {count_words(diagnosis)}"]
    lines += [f"  {badge_of(diagnosis, int(diagnosis.evaluated[box]))}  {' '.join(sentences_of(diagnosis, box))}"
              for box in range(len(diagnosis)) if diagnosis.type_of(box) not in (CORRECT.name, IGNORED.name)]
    lines += [f"  {missed_label(k + 1)}  {' '.join(sentences_of_missed(diagnosis, k))}"
              for k in range(len(diagnosis.missed))]
    return "\n".join(lines)


def _print_diagnosis(diagnosis: Diagnosis, printer: Any, cycle: bool) -> None:
    printer.text(diagnosis_summary(diagnosis))


def png_of(shown: Explanation | DetectionExplanation) -> bytes:
    """The first page of an explanation as PNG, or a single detection's own figure."""
    import numpy as np

    from detcam.explanations.explanation import Explanation
    from detcam.views.explanation.figure import first_figure
    from detcam.views.page.png import png_bytes

    explanation: Explanation
    if isinstance(shown, Explanation):
        explanation = shown
    else:
        parent = shown.parent  # two places may have the same row
        own = [index for index, number in enumerate(parent.numbered)
               if number == shown.number and parent.verdict(index) is shown.verdict]
        explanation = parent[np.array(own[:1])]
    return png_bytes(first_figure(explanation, rows_per_page=PAGE_ROWS))


def summary(shown: Explanation | DetectionExplanation) -> str:
    """An explanation in a line of text, a detection in another."""
    from detcam.explanations.explanation import DetectionExplanation

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
