"""One detection or one missed object of a diagnosis, with all that is known of it."""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from detcam.diagnosis.diagnosis_data import DiagnosisData, MissedObject
from detcam.diagnosis.error_types import type_words
from detcam.diagnosis.sentences.detections import sentences_of, sentences_of_missed
from detcam.diagnosis.sentences.object_names import missed_words
from detcam.explanations.explanation import DetectionExplanation


@dataclass(frozen=True)
class DetectionDiagnosis:
    """One detection with its error type, explained. As the last line of a notebook's cell it shows its picture.

    Attributes:
        number: its number in the figures, from 1.
        index: its index in ``parent.boxes``, from 0.
        parent: the diagnosis that it belongs to.
    """

    number: int
    index: int
    parent: DiagnosisData = field(repr=False, compare=False)

    @property
    def type(self) -> str:
        """The error type, or ``"correct"`` or ``"ignored"``."""
        return self.parent.type_of(self.index)

    @property
    def explanation(self) -> DetectionExplanation:
        """Its box, score, heatmaps and numbers."""
        one: DetectionExplanation = self.parent.boxes[self.index]
        return one

    @property
    def true_box(self) -> NDArray[np.float64] | None:
        """``[4]`` xyxy, source pixels: the true box that it is compared with; None for a box on nothing."""
        true = self.parent.truth_of(self.index)
        return None if true < 0 else self.parent.truth.boxes[true]

    @property
    def sentences(self) -> list[str]:
        """The sentences about it; the first one names its error."""
        return sentences_of(self.parent, self.index)

    @property
    def title(self) -> str:
        """Its class, score and type, such as ``"person 0.72: localization error"``."""
        return f"{self.explanation.class_name} {self.explanation.score:.2f}: {type_words(self.type)}"


@dataclass(frozen=True)
class MissedDiagnosis:
    """One missed object and why it was missed. As the last line of a notebook's cell it shows its picture.

    Attributes:
        number: its name in the figures, such as ``"Miss 1"``.
        index: its index in ``parent.missed``, from 0.
        parent: the diagnosis that it belongs to.
    """

    number: str
    index: int
    parent: DiagnosisData = field(repr=False, compare=False)

    @property
    def missed(self) -> MissedObject:
        """Its true object, the raw row that fits it best, and what became of that row."""
        return self.parent.missed[self.index]

    @property
    def explanation(self) -> DetectionExplanation | None:
        """The raw row that fits it best; None where the detector's box selection is not known step by step."""
        row, best = self.missed.row, self.parent.best_rows
        return None if row is None or best is None else best[row]

    @property
    def true_box(self) -> NDArray[np.float64]:
        """``[4]`` xyxy, source pixels."""
        return self.parent.truth.boxes[self.missed.truth]

    @property
    def sentences(self) -> list[str]:
        """The sentences about it; the last one says why its best raw row was dropped."""
        return sentences_of_missed(self.parent, self.index)

    @property
    def title(self) -> str:
        """Its class and what became of it, such as ``"person: missed"``."""
        return f"{self.parent.truth.class_names[self.missed.truth]}: {missed_words(self.missed)}"
