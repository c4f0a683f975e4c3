"""The result of a diagnosis."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from detcam.diagnosis.check import Check
from detcam.diagnosis.diagnosis_data import DiagnosisData
from detcam.diagnosis.edge_table import edge_table
from detcam.diagnosis.parts import DetectionDiagnosis, MissedDiagnosis
from detcam.diagnosis.sentences.object_names import missed_label
from detcam.errors import InputError

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class Diagnosis(DiagnosisData):
    """One photograph: its detections with their error types, those in question explained. Its data: ``DiagnosisData``.

    Its methods take a detection's number as the figures show it, from 1, or a missed object's name there, such as
    ``"Miss 1"``. As the last line of a notebook's cell it shows its first pages.
    """

    @property
    def numbers(self) -> tuple[int | str, ...]:
        """The numbers of the detections in question, then the names of the missed objects."""
        return (*(int(i) + 1 for i in self.evaluated), *(missed_label(k + 1) for k in range(len(self.missed))))

    def by_number(self, number: int | str) -> DetectionDiagnosis | MissedDiagnosis:
        """A detection in question by its number, or a missed object by its name.

        Args:
            number: one of ``numbers``, such as ``2`` or ``"Miss 1"``.

        Raises:
            InputError: there is none; the message lists those that there are.
        """
        if number not in self.numbers:
            known = ", ".join(map(str, self.numbers)) or "none, as there is no detection in question and none is missed"
            raise InputError(f"no number {number!r} in this diagnosis; known: {known}")
        i = self.numbers.index(number)
        if i < len(self):
            return DetectionDiagnosis(int(number), i, self)
        return MissedDiagnosis(str(number), i - len(self), self)

    def sentences(self, number: int | str) -> list[str]:
        """The sentences about a detection in question, or about a missed object.

        Args:
            number: one of ``numbers``, such as ``2`` or ``"Miss 1"``.

        Raises:
            InputError: there is none; the message lists those that there are.
        """
        return self.by_number(number).sentences

    def edge_table(self, number: int) -> pd.DataFrame:
        """The four edges of a detection: errors, evidence, and how far occlusion moved them.

        Args:
            number: of a detection in question, from 1.

        Returns:
            A line an edge (``left``, ``top``, ``right``, ``bottom``), with the columns of
            :func:`detcam.diagnosis.edge_table.edge_table`.

        Raises:
            InputError: there is no such detection.
        """
        return edge_table(self, self._detection(number).index)

    def check(self, number: int) -> Check:
        """What occluding regions did to a detection.

        Args:
            number: of a detection in question, from 1.

        Raises:
            InputError: there is no such detection, or nothing was occluded.
        """
        one = self._detection(number)
        if self.interventions is None:
            raise InputError("nothing was occluded in this diagnosis: diagnose with intervene=True")
        return Check(one.number, one.index, self)

    def _detection(self, number: int) -> DetectionDiagnosis:
        one = self.by_number(number)
        if isinstance(one, MissedDiagnosis):
            raise InputError(f"{one.number} is a missed object, which has no detection: expected a number")
        return one
