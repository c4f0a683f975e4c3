"""Attribution suggests, intervention decides: regions are hidden, and every box is read again at its own row."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from detcam.attribution.inputs.baselines import photograph_pixels
from detcam.detectors.base import FROZEN, Detector
from detcam.detectors.canvas import Canvas
from detcam.detectors.detections import Detections
from detcam.diagnosis.interventions.copies import CHUNK, Readings, read_copies
from detcam.diagnosis.interventions.fills import filler
from detcam.diagnosis.interventions.regions import Region, area_of, distinct
from detcam.errors import InputError
from detcam.imaging.geometry import Geometry

Array = NDArray[np.float64]

FILL = "grey"  # blur and inpainting leave the colours of what is hidden: docs/measurements/shortcuts.md
OUTWARD = np.array([-1.0, -1.0, 1.0, 1.0])  # left and top edges move outward where their coordinates fall
LEAST = 1e-7  # a probability is kept so far from 0 and 1 before its log-odds are taken: what float32 can tell from 1


@dataclass(frozen=True)
class Change:
    """What becomes of one detection when one region is hidden: after minus before, at the detection's own row.

    Attributes:
        region: what was hidden.
        fill: by what.
        area: the region's share of the photograph's pixels.
        before: the row's probability on the photograph as it is.
        score: change of that probability.
        logit: change of its log-odds, probabilities kept 1e-7 away from 0 and 1.
        edges: ``[4]`` (left, top, right, bottom) how far each edge moves outward, source pixels: positive where the box
            grows, as far as it lies on the photograph; NaN where rows are others on every copy and none overlaps.
        best: the highest probability after the change of any row of the same label whose box overlaps the detection's
            with an IoU of at least 0.5; 0 if there is none. A neighbour may find what the own row lost.
    """

    region: Region
    fill: str
    area: float
    before: float
    score: float
    logit: float
    edges: Array
    best: float

    @property
    def loss(self) -> float:
        """The share of the score that is lost: 1 where nothing is left, negative where it grows."""
        return -self.score / self.before if self.before else float("nan")


@dataclass(frozen=True)
class Question:
    """A suspicious region, and what hiding it is compared with.

    Attributes:
        name: what is asked, such as ``"context"``.
        suspect: the region that attribution points to.
        controls: regions of the same area elsewhere; empty where there is no room for any.
    """

    name: str
    suspect: Region
    controls: tuple[Region, ...]


@dataclass(frozen=True)
class Intervention:
    """The answer to a question about one detection.

    Attributes:
        name: what was asked.
        suspect: what hiding the suspicious region does.
        controls: what hiding each control region does; empty where there was no room for any.
    """

    name: str
    suspect: Change
    controls: tuple[Change, ...]

    @property
    def difference(self) -> float:
        """Change of the score under the suspicious region minus its mean change under the controls; NaN without any."""
        return self.suspect.score - _mean([each.score for each in self.controls])

    @property
    def extra_loss(self) -> float:
        """Share of the score lost with the suspicious region minus the mean share lost with a control; NaN without."""
        return self.suspect.loss - _mean([each.loss for each in self.controls])

    @property
    def extra_edges(self) -> Array:
        """``[4]`` outward change of each edge beyond the mean of the controls, source pixels; NaN without any."""
        if not self.controls:
            return np.full(4, np.nan)
        return self.suspect.edges - np.mean([each.edges for each in self.controls], 0)


def intervene(detector: Detector, canvas: Canvas, detections: Detections, regions: Sequence[Sequence[Region]],
              fill: str = FILL, chunk: int = CHUNK) -> list[list[Change]]:
    """Hide each region and read each detection that asks about it at its own row.

    Rows are never matched anew, but where they are others on every copy: there the largest IoU times score of any row
    takes the place of the probability. A region that several detections ask about is hidden once.

    Args:
        detector: whose detections they are.
        canvas: one photograph.
        detections: the boxes.
        regions: for each detection those that are asked about.
        fill: a name of :data:`detcam.diagnosis.interventions.fills.FILLS`.
        chunk: changed copies in one forward pass; the memory grows with it, the result does not depend on it.

    Returns:
        For each detection a change a region, in the order of ``regions``.

    Raises:
        InputError: no such fill, regions that are not those of these detections or this canvas, or an empty one.
    """
    if len(regions) != len(detections):
        raise InputError(f"regions of {len(regions)} detections: expected those of each of the {len(detections)}")
    kept, places = distinct(regions)
    _check(kept, canvas.geometries[0])
    hide = filler(canvas, fill)
    if not kept:
        return [[] for _ in regions]
    read = read_copies(detector, canvas, detections,
                       lambda number: hide(kept[number - 1].mask) if number else canvas.pixels[0], 1 + len(kept), chunk)
    return [[_change(own, fill, read, index, 1 + place, canvas.geometries[0])
             for own, place in zip(regions[index], places[index], strict=True)] for index in range(len(detections))]


def forward_passes(detector: Detector, regions: Sequence[Sequence[Region]]) -> int:
    """How many canvases :func:`intervene` runs the network on: each distinct region, and the photograph as it is.

    Two-stage detectors take one more, on which their proposals are recorded.
    """
    hidden = len(distinct(regions)[0])
    return hidden + 1 + (detector.rows == FROZEN) if hidden else 0


def answer(detector: Detector, canvas: Canvas, detections: Detections, questions: Sequence[Sequence[Question]],
           fill: str = FILL, chunk: int = CHUNK) -> list[list[Intervention]]:
    """Each detection's questions, answered; as :func:`intervene`."""
    changes = intervene(detector, canvas, detections, asked_regions(questions), fill, chunk)
    answers = []
    for own, found in zip(questions, changes, strict=True):
        rest = iter(found)
        answers.append([Intervention(each.name, next(rest), tuple(next(rest) for _ in each.controls)) for each in own])
    return answers


def asked_regions(questions: Sequence[Sequence[Question]]) -> list[list[Region]]:
    """The regions that each detection's questions need, for :func:`intervene` and :func:`forward_passes`."""
    return [[region for each in own for region in (each.suspect, *each.controls)] for own in questions]


def _check(regions: Sequence[Region], geometry: Geometry) -> None:
    photograph = photograph_pixels(geometry)
    for region in regions:
        if region.mask.shape != geometry.canvas:
            raise InputError(f"region {region.name!r}: expected a mask of the canvas, {geometry.canvas}, got "
                             f"{region.mask.shape}")
        if not (region.mask & photograph).any():
            raise InputError(f"region {region.name!r}: no pixel of it lies on the photograph, so there is nothing to "
                             "hide")


def _change(region: Region, fill: str, read: Readings, index: int, place: int, geometry: Geometry) -> Change:
    before, after = read.own[index, 0], read.own[index, place]
    x1, y1, x2, y2 = geometry.content
    low, high = np.array([x1, y1, x1, y1]), np.array([x2, y2, x2, y2])
    moved = read.boxes[index, place].clip(low, high) - read.boxes[index, 0].clip(low, high)
    return Change(region, fill, area_of(region, geometry), float(before), float(after - before),
                  _log_odds(after) - _log_odds(before), OUTWARD * moved / np.tile(geometry.scale, 2),
                  float(read.best[index, place]))


def _log_odds(probability: float) -> float:
    kept = min(max(float(probability), LEAST), 1 - LEAST)
    return float(np.log(kept / (1 - kept)))


def _mean(values: Sequence[float]) -> float:
    return float(np.mean(values)) if values else float("nan")
