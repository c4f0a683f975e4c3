"""Whose pixels the heat lies on, and what pulls an edge: against counting canvas pixels one by one."""

from pathlib import Path

import numpy as np
import pytest
from faster_coco_eval.core import mask as coco_mask
from numpy.typing import NDArray
from support.synthetic import letterbox, photograph
from support.tiny import photograph as rectangles
from support.tiny import tiny_ssd

import detcam
from detcam.attribution.heatmap import ZERO, Heatmap
from detcam.datasets.ground_truth import GroundTruth, Mask
from detcam.diagnosis.attention.leakage import Cells, leakage
from detcam.diagnosis.attention.pull import pull_of
from detcam.imaging.boxes import iou
from detcam.imaging.grid import Grid
from detcam.measures.siblings import siblings_of

IMAGE = photograph(90, 150)
GEOMETRY = letterbox(IMAGE, (96, 128))
BOXES = np.array([[10.0, 12, 60, 80], [40, 20, 110, 70.5]])


def random_map(seed: int, signed: bool = False) -> Heatmap:
    values = np.random.default_rng(seed).normal(size=(12, 16)).astype(np.float32)
    return Heatmap(values, Grid((8.0, 8.0)), GEOMETRY, "layer", signed=signed)


def truth_of(masks: tuple[Mask | None, ...] = ()) -> GroundTruth:
    return GroundTruth(Path("street.jpg"), BOXES, ("person",) * 2, np.zeros(2, bool), masks)


def disc(height: int, width: int) -> NDArray[np.bool_]:
    y, x = np.mgrid[:height, :width]
    return np.asarray((y - 40) ** 2 + (x - 70) ** 2 < 25**2)


def fine(values: NDArray[np.floating], times: int = 5) -> NDArray[np.floating]:
    """Values of cells of 8 canvas pixels, constant over each, ``times`` points a pixel along each axis."""
    return np.kron(values, np.ones((8 * times, 8 * times)))


def points(times: int = 5) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Source positions of those points."""
    y, x = ((np.arange(side * times) + 0.5) / times for side in (96, 128))
    return ((x - GEOMETRY.offset[0]) / GEOMETRY.scale[0])[None], ((y - GEOMETRY.offset[1]) / GEOMETRY.scale[1])[:, None]


def test_leakage_equals_counting_points() -> None:
    pixels = disc(90, 150)
    encoded = coco_mask.encode(np.asfortranarray(pixels.astype(np.uint8)))
    masks = (Mask(90, 150, bytes(encoded["counts"])), None)
    x, y = points()
    on_mask = np.zeros((96 * 5, 128 * 5), bool)
    inside = np.broadcast_to((x >= 0) & (x < 150), on_mask.shape) & (y >= 0) & (y < 90)
    rows, columns = (np.floor(np.broadcast_to(each, on_mask.shape)).astype(int) for each in (y, x))
    on_mask[inside] = pixels[rows[inside], columns[inside]]
    x1, y1, x2, y2 = BOXES[1]
    in_box = (x > x1) & (x < x2) & (y > y1) & (y < y2)
    found = leakage([random_map(0), random_map(1)], Cells(truth_of(masks)))
    for index in range(2):
        heat = fine(random_map(index).values.clip(0))
        slow = [heat[on].sum() / heat.sum() for on in (on_mask, in_box)]
        np.testing.assert_allclose(found[index], slow, atol=4e-3)


def test_a_map_of_nothing_has_no_shares() -> None:
    empty = Heatmap(np.zeros((12, 16), np.float32), Grid((8.0, 8.0)), GEOMETRY, "layer", ZERO)
    assert np.isnan(leakage([empty], Cells(truth_of()))).all()
    assert leakage([], Cells(truth_of())).shape == (0, 2)


@pytest.mark.parametrize("edge", ["left", "top", "right", "bottom"])
def test_pull_equals_counting_points(edge: str) -> None:
    heatmap, box = random_map(3, signed=True), BOXES[0]
    x, y = points()
    way = -1 if edge in ("left", "top") else 1
    out = fine(way * heatmap.values).clip(0)
    past = {"left": x < box[0], "top": y < box[1], "right": x > box[2], "bottom": y > box[3]}[edge]
    past = np.broadcast_to(past, out.shape)
    outside = ~((x > box[0]) & (x < box[2]) & (y > box[1]) & (y < box[3]))
    found = pull_of(heatmap, edge, box)
    assert found.beyond == pytest.approx(out[past].sum() / out.sum(), abs=4e-3)
    assert found.outside == pytest.approx(out[outside].sum() / out.sum(), abs=4e-3)
    assert found.outward == pytest.approx(out.sum() / np.abs(fine(heatmap.values)).sum())
    assert pull_of(heatmap, edge, box, Cells(truth_of()).of(heatmap)[0]) == found


def test_an_edge_that_nothing_pulls_out() -> None:
    inward = Heatmap(np.ones((12, 16), np.float32), Grid((8.0, 8.0)), GEOMETRY, "layer")
    found = pull_of(inward, "top", BOXES[0])
    assert found.outward == 0
    assert np.isnan(found.beyond)
    nothing = Heatmap(np.zeros((12, 16), np.float32), Grid((8.0, 8.0)), GEOMETRY, "layer")
    assert np.isnan(pull_of(nothing, "top", BOXES[0]).outward)


def test_siblings_are_the_rows_on_the_same_place() -> None:
    import torch

    detector = detcam.load(tiny_ssd())
    canvas = detector.canvas(detcam.load_image(rectangles(1)))
    with torch.no_grad():
        prediction = detector.forward(canvas.pixels)
    found = detector.select(prediction, canvas, 0.2)[0]
    boxes = prediction.boxes[0].double().numpy()
    survivors = 0
    for index in range(len(found)):
        row, label = int(found.rows[index]), int(found.labels[index])
        slow = [other for other in range(len(boxes)) if other != row
                and float(prediction.scores[0, other, label]) > 0.05
                and float(iou(boxes[[row]], boxes[[other]])[0, 0]) > 0.5]
        own = siblings_of(prediction, found, index)
        assert sorted(own.rows.tolist()) == slow
        assert (np.diff(own.scores) <= 0).all()
        kept = {(int(a), int(b)) for a, b in zip(found.rows, found.labels, strict=True)}
        assert len(own.survived) == sum((other, label) in kept for other in slow)
        survivors += len(own.survived)
        assert own.suppressed + len(own.survived) == len(slow)
    assert len(found) > 5
