"""Why nothing was detected at a place: the raw row that fits it best, and the step that dropped that row."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray

from detcam.attribution.heatmap import Heatmap
from detcam.detectors.base import Detector
from detcam.detectors.canvas import Canvas
from detcam.detectors.detections import Detections
from detcam.detectors.from_tensors import detections_of
from detcam.detectors.prediction import Prediction
from detcam.detectors.selection.drop_reason import SCORE
from detcam.detectors.selection.selection import Selection
from detcam.errors import ClassNameError
from detcam.imaging.geometry import Geometry
from detcam.imaging.image import Image
from detcam.measures.shares import Shares, shares
from detcam.verdicts.place import Choice, Place, choose
from detcam.verdicts.verdict import Reason, Rival, Verdict

HOPELESS = 0.05  # nobody sets the threshold lower: further reasons for dropping such a row do not matter


@dataclass(frozen=True)
class BestRows:
    """The raw rows that fit some places best, each followed by its rivals.

    Attributes:
        detections: ``R`` rows, detections and dropped ones, boxes xyxy source pixels.
        verdicts: ``R``, one a row; None for a rival.
        numbered: ``R`` numbers from 1: a detection keeps its own, dropped rows follow after the last one.
        found: all detections of the classes in question.
    """

    detections: Detections
    verdicts: tuple[Verdict | None, ...]
    numbered: tuple[int, ...]
    found: Detections

    def shares(self, heatmaps: Sequence[Heatmap]) -> list[Shares]:
        """Where each row's heat lies; the other boxes are the photograph's detections.

        Args:
            heatmaps: ``R``, one a row.
        """
        rows = zip(heatmaps, self.detections.boxes, self.detections.rows, self.detections.labels, strict=True)
        where = []
        for heatmap, box, row, label in rows:
            others = self.found.boxes[(self.found.rows != row) | (self.found.labels != label)]
            where.append(shares([heatmap], np.concatenate([box[None], others]))[0])
        return where


def best_rows(detector: Detector, prediction: Prediction, canvas: Canvas, image: Image, places: Sequence[Place],
        found: Detections, min_score: float, labels: Sequence[int] | None = None) -> BestRows:
    """Find the raw row that fits each place best, and why it is not a detection.

    Args:
        detector: what made the prediction.
        prediction: of the canvas.
        canvas: of one photograph.
        image: that photograph.
        places: points or boxes, source pixels.
        found: all detections with a score above ``min_score``, of the classes in question, boxes xyxy source pixels.
        min_score: the score threshold, from 0 to 1.
        labels: only these class indices; None for all.

    Raises:
        ClassNameError: the background is the only class in question.
    """
    search = _Search(detector, prediction, detector.selection(prediction, canvas, min_score), found,
                     _source_boxes(prediction, canvas.geometries[0]))
    allowed = search.object_labels(labels)
    for place in places:
        search.add(place, search.choose(place, allowed if place.label is None else [place.label], image))
    return BestRows(search.detections(), tuple(search.verdicts), tuple(search.numbers), found)


def _source_boxes(prediction: Prediction, geometry: Geometry) -> NDArray[np.float64]:
    """All rows' boxes ``[A, 4]`` xyxy, source pixels, clipped to the photograph."""
    height, width = geometry.source
    boxes = geometry.to_source(prediction.boxes[0].cpu().double().numpy())
    return boxes.clip(0, [width, height, width, height]).astype(np.float64)


class _Search:
    """Collects rows with their numbers and verdicts, place after place."""

    def __init__(self, detector: Detector, prediction: Prediction, selection: Selection, found: Detections,
                 boxes: NDArray[np.float64]) -> None:
        self.names, self.prediction, self.selection = detector.class_names, prediction, selection
        self.labels = [int(label) for label in torch.unique(selection.pairs.labels)]
        self.boxes = boxes
        self.known = {pair: number for number, pair in enumerate(
            zip(found.rows.tolist(), found.labels.tolist(), strict=True), 1)}
        self.pairs: list[tuple[int, int]] = []
        self.verdicts: list[Verdict | None] = []
        self.numbers: list[int] = []

    def object_labels(self, labels: Sequence[int] | None) -> list[int]:
        """The class indices in question, without the background."""
        objects = [label for label in self.labels if labels is None or label in labels]
        if not objects:
            raise ClassNameError("the background is not a class that can be detected: name another one")
        return objects

    def name(self, label: int) -> str:
        """The class name of a label."""
        return self.names.get(label, f"class {label}")

    def score(self, row: int, label: int) -> float:
        """A row's score for a class, from 0 to 1."""
        return float(self.prediction.profiles(torch.tensor([row]), [label])[0, 0])

    def choose(self, place: Place, labels: Sequence[int], image: Image) -> Choice:
        """The row that fits a place best, as one of some classes."""
        rows, scores, row_labels = (tensor.cpu().numpy() for tensor in self.prediction.candidates(labels))
        choice = choose(place, self.boxes[rows], scores.astype(np.float64), row_labels, image)
        return replace(choice, row=int(rows[choice.row]))

    def add(self, place: Place, choice: Choice) -> None:
        """Add the row of a place, and its rivals."""
        pair = choice.row, choice.label
        number, reasons = self._number(pair), self._reasons(pair)
        best = max(self.labels, key=lambda label: self.score(choice.row, label))
        self._append(pair, number, Verdict(
            place=place, near=choice.near, iou=choice.iou, number=number, class_name=self.name(choice.label),
            score=self.score(*pair), best_class=self.name(best),
            best_score=self.score(choice.row, best), detected=not reasons, reasons=reasons))
        for rival in (reason.rival for reason in reasons):
            if rival is not None and (rival.row, rival.label) not in self.pairs:
                self._append((rival.row, rival.label), rival.number, None)

    def _append(self, pair: tuple[int, int], number: int, verdict: Verdict | None) -> None:
        self.pairs.append(pair)
        self.numbers.append(number)
        self.verdicts.append(verdict)

    def _number(self, pair: tuple[int, int]) -> int:
        return self.known.setdefault(pair, len(self.known) + 1)

    def _reasons(self, pair: tuple[int, int]) -> tuple[Reason, ...]:
        drop_reasons = self.selection.drop_reasons(*pair, HOPELESS)
        if drop_reasons and drop_reasons[0].kind == SCORE and drop_reasons[0].value < HOPELESS:
            drop_reasons = drop_reasons[:1]
        return tuple(Reason(reason.kind, reason.value, reason.limit, reason.others,
                            None if reason.winner is None else self._rival(reason.winner)) for reason in drop_reasons)

    def _rival(self, pair: tuple[int, int]) -> Rival:
        row, label = pair
        return Rival(row, label, self.name(label), self.score(*pair), self._number(pair),
                     not self.selection.drop_reasons(row, label))

    def detections(self) -> Detections:
        """The rows as detections."""
        rows, labels = torch.tensor(self.pairs, dtype=torch.long).view(-1, 2).T
        scores = torch.tensor([self.score(*pair) for pair in self.pairs], dtype=torch.float64)
        return detections_of(self.prediction, rows, labels, scores, torch.from_numpy(self.boxes)[rows])
