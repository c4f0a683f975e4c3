"""What a diagnosis holds: arrays and records of one photograph, before anything is said of them."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from detcam.attribution.heatmap import Heatmap
from detcam.datasets.ground_truth import GroundTruth
from detcam.detectors.detections import Detections
from detcam.diagnosis.attention.pull import Pull
from detcam.diagnosis.attention.shortcuts import Shortcuts
from detcam.diagnosis.error_types import ErrorAssignment
from detcam.diagnosis.interventions.intervention import Intervention
from detcam.explanations.explanation import Explanation
from detcam.imaging.boxes import EDGES, edge_lengths
from detcam.imaging.image import Image
from detcam.measures.siblings import Siblings
from detcam.verdicts.verdict import Verdict

Array = NDArray[np.float64]


@dataclass(frozen=True)
class MissedObject:
    """A true object that no detection found.

    Attributes:
        truth: which of the photograph's true objects.
        excused: a detection that is of another class, or badly placed, stands on it: TIDE counts that error alone.
        verdict: what became of the raw row that speaks for it; None where the family's selection is not known step by
            step.
        row: its place among ``Diagnosis.lost``; None without a verdict.
        winner: the place there of what took its place, if anything did.
        difference: what speaks for the row and not for the winner, where it was asked for.
    """

    truth: int
    counted_elsewhere: bool
    verdict: Verdict | None
    row: int | None = None
    winner: int | None = None
    difference: Heatmap | None = None


@dataclass(frozen=True)
class DiagnosisData:
    """One photograph: its detections, judged, and those in question explained.

    In question are the detections of the asked classes, and those of other classes that stand on their objects.

    Attributes:
        image: the photograph.
        truth: its true boxes.
        classes: the asked classes.
        found: every detection of an annotated class, best score first: number 1 is the first.
        judged: of all of ``found``.
        boxes: those in question, with their heatmaps and, where it was asked for, what their edges rest on.
        index: ``[N]`` the place of each of them in ``found``.
        outward: ``[N, 4]`` how far each edge lies outside the true one, source pixels; NaN without a true box.
        leakage: ``[N, M]`` share of each one's heat on each true object.
        pulls: what pulls each edge of each of them outward, where that was asked for and there is a true box.
        siblings: the rows on the same place.
        shortcuts: whether each one's heat has the pattern of a shortcut.
        interventions: what becomes of each one when suspicious regions are hidden; None if that was not asked for.
        missed: the objects of the asked classes that no detection found.
        lost: the rows that speak for those, each followed by what took its place; None if there are none.
    """

    image: Image
    truth: GroundTruth
    classes: tuple[str, ...]
    found: Detections
    assignment: ErrorAssignment
    boxes: Explanation
    index: NDArray[np.int64]
    outward: Array
    leakage: Array
    pulls: tuple[tuple[Pull, ...] | None, ...]
    siblings: tuple[Siblings, ...]
    shortcuts: tuple[Shortcuts, ...]
    interventions: tuple[tuple[Intervention, ...], ...] | None
    missed: tuple[MissedObject, ...]
    lost: Explanation | None

    def __len__(self) -> int:
        return len(self.index)

    def type_of(self, box: int) -> str:
        """The error type of a box in question, or ``"correct"`` or ``"ignored"``."""
        return self.assignment.types[self.index[box]]

    def truth_of(self, box: int) -> int:
        """The true object that a box in question is compared with, -1 for none."""
        return int(self.assignment.truth[self.index[box]])

    @property
    def shares(self) -> Array:
        """``outward`` over the true width or height, ``[N, 4]``."""
        own = self.assignment.truth[self.index]
        lengths = np.full((len(own), 4), np.nan)
        lengths[own >= 0] = edge_lengths(self.truth.boxes[own[own >= 0]]).clip(1)
        return self.outward / lengths

    def worst_edge(self, box: int) -> str | None:
        """The edge with the largest error over width or height; None without a true box."""
        errors = np.abs(self.shares[box])
        return None if np.isnan(errors).all() else EDGES[int(errors.argmax())]
