"""Attribution suggests, intervention decides: regions are occluded, and every box is read again at its own raw row."""

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

FILL = "grey"  # blur and inpainting keep some colours of the occluded region: docs/measurements/shortcuts.md
OUTWARD = np.array([-1.0, -1.0, 1.0, 1.0])  # left and top edges move outward where their coordinates fall
LEAST = 1e-7  # probabilities are clipped this far from 0 and 1 before taking log-odds: what float32 can tell from 1


@dataclass(frozen=True)
class Change:
    """What an occlusion does to one detection: after minus before, at the detection's own raw row.

    Attributes:
        region: what was occluded.
        fill: what it was filled with.
        area: the region's share of the photograph's pixels, 0 to 1.
        before: the row's probability on the unchanged photograph.
        score: change of that probability.
        logit: change of its log-odds, probabilities clipped 1e-7 away from 0 and 1.
        edges: ``[4]`` (left, top, right, bottom) how far each edge moves outward, source pixels: positive where the box
            grows, as far as it lies on the photograph; NaN where rows are others on every copy and none overlaps.
        best: the highest probability after the change of any row of the same label whose box overlaps the detection's
            with an IoU of at least 0.5; 0 if there is none. A neighbouring row may still find the object.
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
class Probe:
    """A suspicious region to occlude, and the regions that it is compared with.

    Attributes:
        name: what is tested, such as ``"context"``.
        suspect: the region that attribution points to.
        controls: regions of the same area elsewhere; empty where there is no room for any.
    """

    name: str
    suspect: Region
    controls: tuple[Region, ...]


@dataclass(frozen=True)
class Intervention:
    """The result of a probe for one detection.

    Attributes:
        name: what was tested.
        suspect: what occluding the suspicious region does.
        controls: what occluding each control region does; empty where there was no room for any.
    """

    name: str
    suspect: Change
    controls: tuple[Change, ...]

    @property
    def difference(self) -> float:
        """Change of the score with the suspicious region minus its mean change with a control; NaN without any."""
        return self.suspect.score - _mean([change.score for change in self.controls])

    @property
    def extra_loss(self) -> float:
        """Share of the score lost with the suspicious region minus the mean share lost with a control; NaN without."""
        return self.suspect.loss - _mean([change.loss for change in self.controls])

    @property
    def extra_edges(self) -> Array:
        """``[4]`` outward move of each edge (left, top, right, bottom) minus the mean with a control, source pixels.

        NaN without controls.
        """
        if not self.controls:
            return np.full(4, np.nan)
        return self.suspect.edges - np.mean([change.edges for change in self.controls], 0)


def intervene(detector: Detector, canvas: Canvas, detections: Detections, regions: Sequence[Sequence[Region]],
              fill: str = FILL, chunk: int = CHUNK) -> list[list[Change]]:
    """Occlude each region and read each detection that it is for at its own raw row.

    Rows are never matched again, except where they are others on every copy: there the largest IoU times score of any
    row takes the place of the probability. A region of several detections is occluded once.

    Args:
        detector: what made the detections.
        canvas: of one photograph.
        detections: ``N`` of them, boxes in source pixels.
        regions: for each detection the regions to occlude, masks ``[h, w]`` in canvas pixels.
        fill: a name of :data:`detcam.diagnosis.interventions.fills.FILLS`.
        chunk: changed copies in one forward pass; the memory grows with it, the result does not depend on it.

    Returns:
        For each detection a change a region, in the order of ``regions``.

    Raises:
        InputError: there is no such fill, a region is empty or not of this canvas, or there are not as many lists of
            regions as detections.
    """
    if len(regions) != len(detections):
        raise InputError(f"regions of {len(regions)} detections: expected those of each of the {len(detections)}")
    masks, indices = distinct(regions)
    _check(masks, canvas.geometries[0])
    occlude = filler(canvas, fill)
    if not masks:
        return [[] for _ in regions]
    readings = read_copies(detector, canvas, detections,
                           lambda k: occlude(masks[k - 1].mask) if k else canvas.pixels[0], 1 + len(masks), chunk)
    return [[_change(region, fill, readings, i, 1 + k, canvas.geometries[0])
             for region, k in zip(regions[i], indices[i], strict=True)] for i in range(len(detections))]


def forward_passes(detector: Detector, regions: Sequence[Sequence[Region]]) -> int:
    """How many canvases :func:`intervene` runs the network on: each distinct region, and the unchanged photograph.

    Two-stage detectors take one more, on which their proposals are recorded.
    """
    occluded = len(distinct(regions)[0])
    return occluded + 1 + (detector.rows == FROZEN) if occluded else 0


def run_probes(detector: Detector, canvas: Canvas, detections: Detections, probes: Sequence[Sequence[Probe]],
               fill: str = FILL, chunk: int = CHUNK) -> list[list[Intervention]]:
    """Run each detection's probes: occlude their regions and read the detection again at its own raw row.

    Args:
        detector: what made the detections.
        canvas: of one photograph.
        detections: ``N`` of them, boxes in source pixels.
        probes: for each detection its probes.
        fill: a name of :data:`detcam.diagnosis.interventions.fills.FILLS`.
        chunk: changed copies in one forward pass; the memory grows with it, the result does not depend on it.

    Returns:
        For each detection a result a probe, in the order of ``probes``.

    Raises:
        InputError: as from :func:`intervene`.
    """
    changes = intervene(detector, canvas, detections, probe_regions(probes), fill, chunk)
    results = []
    for of_box, changes_of_box in zip(probes, changes, strict=True):
        rest = iter(changes_of_box)
        results.append([Intervention(probe.name, next(rest), tuple(next(rest) for _ in probe.controls))
                        for probe in of_box])
    return results


def probe_regions(probes: Sequence[Sequence[Probe]]) -> list[list[Region]]:
    """The regions of each detection's probes, for :func:`intervene` and :func:`forward_passes`."""
    return [[region for probe in of_box for region in (probe.suspect, *probe.controls)] for of_box in probes]


def _check(regions: Sequence[Region], geometry: Geometry) -> None:
    photograph = photograph_pixels(geometry)
    for region in regions:
        if region.mask.shape != geometry.canvas:
            raise InputError(f"region {region.name!r}: expected a mask of the canvas, {geometry.canvas}, got "
                             f"{region.mask.shape}")
        if not (region.mask & photograph).any():
            raise InputError(f"region {region.name!r}: no pixel of it lies on the photograph, so there is nothing to "
                             "occlude")


def _change(region: Region, fill: str, readings: Readings, i: int, k: int, geometry: Geometry) -> Change:
    """The change of detection ``i`` on copy ``k``; copy 0 is the unchanged photograph."""
    before, after = readings.own[i, 0], readings.own[i, k]
    x1, y1, x2, y2 = geometry.content
    low, high = np.array([x1, y1, x1, y1]), np.array([x2, y2, x2, y2])
    moved = readings.boxes[i, k].clip(low, high) - readings.boxes[i, 0].clip(low, high)
    return Change(region, fill, area_of(region, geometry), float(before), float(after - before),
                  _log_odds(after) - _log_odds(before), OUTWARD * moved / np.tile(geometry.scale, 2),
                  float(readings.best[i, k]))


def _log_odds(probability: float) -> float:
    kept = min(max(float(probability), LEAST), 1 - LEAST)
    return float(np.log(kept / (1 - kept)))


def _mean(values: Sequence[float]) -> float:
    return float(np.mean(values)) if values else float("nan")
