"""How parts of a diagnosis show themselves in a notebook: one detection, one missed object, or a check."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from detcam.diagnosis.check import Check
    from detcam.diagnosis.parts import DetectionDiagnosis, MissedDiagnosis


def png_of_part(part: DetectionDiagnosis | MissedDiagnosis | Check) -> bytes | None:
    """The part's row of the diagnosis's pages as PNG; None for a check that occluded nothing, which has only words."""
    from detcam.diagnosis.check import Check
    from detcam.diagnosis.parts import DetectionDiagnosis
    from detcam.diagnosis.result import Diagnosis
    from detcam.views.diagnosis.box_rows import box_figure
    from detcam.views.diagnosis.intervention_rows import check_figure
    from detcam.views.diagnosis.missed_rows import missed_figure
    from detcam.views.page.colours import HEAT
    from detcam.views.page.png import DPI, png_bytes

    diagnosis, i = part.parent, part.index
    assert isinstance(diagnosis, Diagnosis)
    if isinstance(part, Check):
        return png_bytes(check_figure(diagnosis, i, DPI)) if part.interventions else None
    if isinstance(part, DetectionDiagnosis):
        return png_bytes(box_figure(diagnosis, i, HEAT, DPI))
    return png_bytes(missed_figure(diagnosis, i, HEAT, DPI))


def words_of(part: DetectionDiagnosis | MissedDiagnosis | Check) -> str:
    """The part in a line of text."""
    from detcam.diagnosis.check import Check

    if isinstance(part, Check):
        count = len(part.interventions)
        lead = f"Check of box {part.number}: {count or 'no'} region{'s were' if count > 1 else ' was'} occluded."
        return " ".join([lead, *part.sentences])
    return " ".join([f"{part.number}  {part.title}.", *part.sentences])


def print_part(part: Any, printer: Any, cycle: bool) -> None:
    """For IPython's ``text/plain``."""
    printer.text(words_of(part))
