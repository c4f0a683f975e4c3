"""Explanations made by hand: photographs, boxes and heat of which everything is known."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from detcam.attribution.heatmap import OK, Heatmap
from detcam.detectors.detections import Detections
from detcam.explanations.explanation import Explanation, Maps
from detcam.imaging.geometry import Geometry
from detcam.imaging.grid import Grid
from detcam.imaging.image import Image
from detcam.measures.edge_evidence import Edges
from detcam.measures.shares import shares


def photograph(height: int = 120, width: int = 160, name: str = "photos/street.jpg", value: int | None = None) -> Image:
    """A photograph of one grey value, or of a smooth pattern."""
    if value is not None:
        return Image(np.full((height, width, 3), value, np.uint8), name)
    y, x = np.mgrid[:height, :width]
    return Image(np.stack([x * 255 // width, y * 255 // height, (x + y) % 256], -1).astype(np.uint8), name)


def stretch(image: Image, canvas: tuple[int, int]) -> Geometry:
    """The photograph stretched over the whole canvas ``(h, w)``."""
    return Geometry((image.height, image.width), canvas, (canvas[1] / image.width, canvas[0] / image.height))


def letterbox(image: Image, canvas: tuple[int, int]) -> Geometry:
    """The photograph in the middle of the canvas ``(h, w)`` with padding around it."""
    scale = min(canvas[1] / image.width, canvas[0] / image.height)
    offset = ((canvas[1] - scale * image.width) / 2, (canvas[0] - scale * image.height) / 2)
    return Geometry((image.height, image.width), canvas, (scale, scale), offset)


def hot_cell(shape: tuple[int, int], cell: tuple[int, int], grid: Grid, geometry: Geometry, value: float = 3.0,
             layer: str = "level.0", status: str = OK) -> Heatmap:
    """A map of zeros with one hot cell ``(y, x)``; with another status than ok, of zeros alone."""
    values = np.zeros(shape, np.float32)
    if status == OK:
        values[cell] = value
    return Heatmap(values, grid, geometry, layer, status)


def detections_of(boxes: Sequence[Sequence[float]], labels: Sequence[int] | None = None) -> Detections:
    """Detections with falling scores, one row each."""
    count = len(boxes)
    return Detections(
        boxes=np.array(boxes, float).reshape(-1, 4),
        labels=np.array(labels if labels is not None else [0] * count, np.int64),
        scores=np.linspace(0.95, 0.3, count) if count else np.zeros(0),
        rows=np.arange(count), levels=np.zeros(count, np.int64), cells=np.zeros((count, 2), np.int64))


def explanation_of(image: Image, boxes: Sequence[Sequence[float]], heatmaps: Sequence[Sequence[Heatmap]] | None = None,
                   *, methods: Sequence[str] = ("hirescam",), class_names: dict[int, str] | None = None,
                   labels: Sequence[int] | None = None, evidence: NDArray[np.float64] | None = None,
                   edges: bool = True, edge_maps: bool = False, percentiles: NDArray[np.float64] | None = None,
                   found: int | None = None, **provenance: Any) -> Explanation:
    """An explanation of boxes (source pixels) by heatmaps ``[method][detection]``, a hot cell in the middle if None."""
    geometry, count = stretch(image, (64, 64)), len(boxes)
    grid = Grid((8.0, 8.0))
    if heatmaps is None:
        heatmaps = [[hot_cell((8, 8), (4, 4), grid, geometry) for _ in boxes] for _ in methods]
    detections = detections_of(boxes, labels)
    rng = np.random.default_rng(0)
    signed = tuple(tuple(Heatmap(rng.normal(size=(8, 8)).astype(np.float32), grid, geometry, "model.4")
                         for _ in range(4)) for _ in boxes)
    table = rng.uniform(0.1, 1, (count, 4)) if evidence is None else evidence
    measured = Edges(table, np.full((count, 4), np.nan), None, ("model.4",) * count, signed if edge_maps else None)
    return Explanation(
        image=image, detections=detections, class_names=class_names or {0: "person"},
        maps=tuple(Maps(name, "logit", tuple(maps), tuple(shares(maps, detections.boxes)))
                   for name, maps in zip(methods, heatmaps, strict=True)),
        edges=measured if edges else None, percentiles=percentiles, heat_gap=np.full((count, 4), np.nan),
        provenance={"detector": "synthetic.pt", "min_score": 0.25, "reference": None, **provenance},
        numbered=tuple(range(1, count + 1)), detection_count=count if found is None else found,
    )
