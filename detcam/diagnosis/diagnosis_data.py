"""The data of a diagnosis: arrays and records of one photograph."""

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
        truth: its index among the photograph's true objects.
        counted_elsewhere: whether a detection with a classification or localization error lies on it: TIDE counts that
            error, and does not count the object as missed.
        verdict: what became of the raw row that fits it best; None where the family's box selection is not known step
            by step.
        row: the index of that row in ``Diagnosis.best_rows``; None without a verdict.
        rival: the index there of the row that beat or suppressed it, if there is one.
        difference: heatmap of the best row's score minus the rival's, where that was requested.
    """

    truth: int
    counted_elsewhere: bool
    verdict: Verdict | None
    row: int | None = None
    rival: int | None = None
    difference: Heatmap | None = None


@dataclass(frozen=True)
class DiagnosisData:
    """One photograph: its detections with their error types, those in question explained.

    In question are the detections of the requested classes, and detections of other classes that lie on their objects.

    Attributes:
        image: the photograph.
        truth: its true boxes.
        classes: the requested classes.
        detections: every detection of an annotated class, best score first: number 1 is the first.
        assignment: the error type of each of ``detections``.
        boxes: the detections in question, with their heatmaps and, where requested, the evidence on their edges.
        evaluated: ``[N]`` the index of each of them in ``detections``.
        outward: ``[N, 4]`` (left, top, right, bottom) how far each edge lies outside the true one, source pixels;
            negative inside; NaN without a true box.
        leakage: ``[N, M]`` the share of each heatmap that lies on each true object, 0 to 1.
        pulls: for each of them where the evidence lies that moves each edge outward; None where that was not requested
            or there is no true box.
        siblings: for each of them the raw rows that detect the same object.
        shortcuts: for each of them the four shortcut patterns of its heatmap.
        interventions: for each of them what occluding regions did; None if that was not requested.
        missed: the objects of the requested classes that no detection found.
        best_rows: the raw rows that fit those best, each followed by its rival; None if there are none.
    """

    image: Image
    truth: GroundTruth
    classes: tuple[str, ...]
    detections: Detections
    assignment: ErrorAssignment
    boxes: Explanation
    evaluated: NDArray[np.int64]
    outward: Array
    leakage: Array
    pulls: tuple[tuple[Pull, ...] | None, ...]
    siblings: tuple[Siblings, ...]
    shortcuts: tuple[Shortcuts, ...]
    interventions: tuple[tuple[Intervention, ...], ...] | None
    missed: tuple[MissedObject, ...]
    best_rows: Explanation | None

    def __len__(self) -> int:
        return len(self.evaluated)

    def type_of(self, i: int) -> str:
        """The error type of the ``i``-th detection in question, or ``"correct"`` or ``"ignored"``."""
        return self.assignment.types[self.evaluated[i]]

    def truth_of(self, i: int) -> int:
        """The index of the true object that the ``i``-th detection in question is compared with; -1 for none."""
        return int(self.assignment.truth[self.evaluated[i]])

    @property
    def shares(self) -> Array:
        """``[N, 4]`` (left, top, right, bottom) ``outward`` over the true width (left, right) or height."""
        truth = self.assignment.truth[self.evaluated]
        lengths = np.full((len(truth), 4), np.nan)
        lengths[truth >= 0] = edge_lengths(self.truth.boxes[truth[truth >= 0]]).clip(1)
        return self.outward / lengths

    def worst_edge(self, i: int) -> str | None:
        """The edge of the ``i``-th detection in question with the largest error over width or height; None without a
        true box."""
        errors = np.abs(self.shares[i])
        return None if np.isnan(errors).all() else EDGES[int(errors.argmax())]
