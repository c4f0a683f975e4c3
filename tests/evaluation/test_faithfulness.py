"""Insertion and deletion, on a planted detector whose score is a known function of the red of one cell."""

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from support.planted import CELL, planted_ssd
from support.tiny import photograph, tiny_yolo

from detcam.attribution.heatmap import Heatmap
from detcam.attribution.inputs.baselines import blurred, mean_colour, photograph_pixels
from detcam.detectors.base import Detector
from detcam.detectors.canvas import Canvas
from detcam.detectors.detections import Detections
from detcam.detectors.for_torchvision.ssd import SSDDetector
from detcam.detectors.for_ultralytics.yolo import YOLODetector
from detcam.evaluation.baseline_maps import gaussian_map, random_map
from detcam.evaluation.faithfulness import Curve, InsertionDeletion, pixel_ranks, pixel_shares
from detcam.evaluation.pass_counter import count_passes
from detcam.imaging.geometry import Geometry
from detcam.imaging.grid import Grid
from detcam.imaging.image import Image

SIDE = 96
OWN = (slice(5 * CELL, 6 * CELL), slice(4 * CELL, 5 * CELL))  # the pixels that the box's score is made of
COUNTS = np.array([0, 16, 32, 48, 64, 1000, SIDE * SIDE])  # pixels that come or go


def sigmoid(values: NDArray[np.float64]) -> NDArray[np.float64]:
    return 1 / (1 + np.exp(-values))


def pixel_map(values: NDArray[np.float64], geometry: Geometry | None = None) -> Heatmap:
    return Heatmap(values, Grid((1.0, 1.0)), geometry or Geometry(values.shape, values.shape, (1.0, 1.0)), "pixels")


@pytest.fixture(scope="module")
def planted() -> tuple[Detector, Canvas, Detections]:
    """A planted SSD, a photograph of three by three red cells, and the box of the middle one."""
    detector = SSDDetector(planted_ssd(SIDE), {1: "person"}, "planted")
    rgb = np.zeros((SIDE, SIDE, 3), np.uint8)
    rgb[..., 1:] = np.random.default_rng(0).integers(0, 255, (SIDE, SIDE, 2))
    rgb[4 * CELL : 7 * CELL, 3 * CELL : 6 * CELL] = (255, 0, 0)
    canvas = detector.canvas(Image(rgb, "red"))
    with torch.no_grad():
        prediction = detector.forward(canvas.pixels)
    row = (5 * SIDE // CELL + 4) * prediction.levels[0].per_cell
    box = prediction.boxes[0, row].double().numpy()[None]
    one = Detections(box, np.array([1]), np.array([float(prediction.scores[0, row, 1])]), np.array([row]),
                     np.array([0]), np.array([[5, 4]]))
    return detector, canvas, one


@pytest.fixture
def own_first() -> Heatmap:
    """Every pixel of the box's own cell before all others, no two alike."""
    values = np.random.default_rng(1).random((SIDE, SIDE))
    values[OWN] += 1
    return pixel_map(values)


def test_row_curves_are_those_computed_by_hand(planted: tuple[Detector, Canvas, Detections], own_first: Heatmap
                                               ) -> None:
    """logit = 12 * mean red of the own cell - 8, and the mean colour's red is the patch's share of the photograph."""
    probe = InsertionDeletion(*planted, ("mean",))
    shares = COUNTS / SIDE**2
    deletion, insertion = probe.curves(pixel_ranks(own_first), shares)["mean"]
    base = 9 * CELL**2 / SIDE**2
    gone = np.minimum(COUNTS, 64) / 64
    by_hand = sigmoid(12 * ((1 - gone) + gone * base) - 8), sigmoid(12 * (gone + (1 - gone) * base) - 8)
    np.testing.assert_allclose(deletion.row, by_hand[0], rtol=1e-5)
    np.testing.assert_allclose(insertion.row, by_hand[1], rtol=1e-5)
    areas = [sum((a + b) / 2 * width for a, b, width in zip(curve[1:], curve, np.diff(shares), strict=False))
             for curve in by_hand]
    assert [deletion.area(), insertion.area()] == pytest.approx(areas, rel=1e-5)
    assert probe.score == pytest.approx(sigmoid(np.array(4.0)))
    assert probe.empty_score("mean") == pytest.approx(sigmoid(np.array(12 * base - 8)), rel=1e-4)


def test_a_neighbour_that_overlaps_by_half_wins_the_box(planted: tuple[Detector, Canvas, Detections],
                                                        own_first: Heatmap) -> None:
    """Boxes of 24 px, 8 px apart, have an IoU of 0.5: when the own cell is gone, the next red one has the score."""
    probe = InsertionDeletion(*planted, ("mean",))
    deletion, _ = probe.curves(pixel_ranks(own_first), COUNTS / SIDE**2)["mean"]
    assert deletion.row[4] < 0.01
    np.testing.assert_allclose(deletion.best[:5], sigmoid(np.array(4.0)), rtol=1e-5)
    assert deletion.best[-1] < 0.01
    assert deletion.area("best") > deletion.area() + 0.05


def test_a_map_of_the_cause_is_more_faithful_than_its_opposite(planted: tuple[Detector, Canvas, Detections],
                                                               own_first: Heatmap) -> None:
    """The blur, 5 px wide here, leaves much of a patch of 24 px; the mean colour leaves nothing."""
    probe = InsertionDeletion(*planted)
    right, wrong = (probe.curves(pixel_ranks(each), pixel_shares(8))
                    for each in (own_first, pixel_map(own_first.values.max() - own_first.values)))
    faithful = {(name, kind): pair[1].area() - pair[0].area()
                for kind, curves in (("right", right), ("wrong", wrong)) for name, pair in curves.items()}
    assert faithful["mean", "right"] > 0.9 * probe.score
    assert faithful["mean", "wrong"] < -0.7 * probe.score  # the last interval is wide
    assert faithful["blur", "right"] > 0.005 > -0.005 > faithful["blur", "wrong"]


@pytest.mark.parametrize("chunk", [1, 3, 64])
def test_chunks_do_not_change_the_curves(chunk: int) -> None:
    detector = YOLODetector(tiny_yolo(), {"imgsz": 128})
    image = Image(photograph(2), "rectangles")
    canvas, found = detector.canvas(image), detector.detect(image)
    ranks = pixel_ranks(gaussian_map(canvas.geometries[0], canvas.geometries[0].to_canvas(found.boxes)[0]))
    wanted = InsertionDeletion(detector, canvas, found[[0]], chunk=8).curves(ranks, pixel_shares(6))
    got = InsertionDeletion(detector, canvas, found[[0]], chunk=chunk).curves(ranks, pixel_shares(6))
    assert len(wanted) > 1
    for baseline in wanted:
        for first, second in zip(wanted[baseline], got[baseline], strict=True):
            np.testing.assert_allclose(first.row, second.row, atol=1e-5)
            np.testing.assert_allclose(first.best, second.best, atol=1e-5)
            assert first.row.min() < 0.8 * first.row.max()


def test_curves_read_the_row_that_was_asked_about() -> None:
    """Against the slow and obvious version: one masked canvas after the other, written pixel by pixel."""
    detector = YOLODetector(tiny_yolo(), {"imgsz": 128})
    image = Image(photograph(1, 70, 128), "rectangles")
    canvas, found = detector.canvas(image), detector.detect(image)
    one, geometry = found[[3]], canvas.geometries[0]
    heatmap = random_map(geometry, Grid((16.0, 16.0)), (6, 8), 5)
    shares = np.array([0, 0.1, 0.4, 1])
    ranks, base = pixel_ranks(heatmap), blurred(canvas)
    deletion, insertion = InsertionDeletion(detector, canvas, one, ("blur",)).curves(ranks, shares)["blur"]
    total = int((ranks >= 0).sum())
    for index, share in enumerate(shares):
        masked, filled = canvas.pixels.clone(), base.clone()
        for y, x in zip(*np.nonzero((ranks >= 0) & (ranks < round(share * total))), strict=True):
            masked[0, :, y, x], filled[0, :, y, x] = base[0, :, y, x], canvas.pixels[0, :, y, x]
        with torch.no_grad():
            for pixels, curve in ((masked, deletion), (filled, insertion)):
                score = detector.forward(pixels).scores[0, int(one.rows[0]), int(one.labels[0])]
                assert curve.row[index] == pytest.approx(float(score), abs=1e-5)


def test_ranks_follow_the_values_and_leave_the_padding_out() -> None:
    geometry = Geometry(source=(2, 4), canvas=(6, 4), scale=(1, 1), offset=(0, 2))
    values = np.zeros((6, 4))
    values[2:4] = [[8, 7, 6, 5], [1, 2, 3, 4]]
    values[0] = 99  # padding
    ranks = pixel_ranks(pixel_map(values, geometry))
    assert ranks.tolist() == [[-1] * 4] * 2 + [[0, 1, 2, 3], [7, 6, 5, 4]] + [[-1] * 4] * 2
    assert photograph_pixels(geometry).sum() == 8


def test_equal_values_come_in_an_order_of_their_own_that_every_map_shares() -> None:
    values = np.zeros((20, 20))
    values[3:6, 3:6] = np.arange(1, 10).reshape(3, 3)
    first, again = pixel_ranks(pixel_map(values)), pixel_ranks(pixel_map(values.copy()))
    assert (first == again).all()
    assert np.sort(first.ravel()).tolist() == list(range(400))
    assert (first[3:6, 3:6].ravel() == np.arange(9)[::-1]).all()
    others = np.flatnonzero(values.ravel() == 0)
    place = np.corrcoef(first.ravel()[others], others)[0, 1]
    assert abs(place) < 0.2  # neither top to bottom nor left to right
    assert (pixel_ranks(pixel_map(values), seed=1) != first).any()


def test_what_speaks_against_the_box_comes_with_what_says_nothing() -> None:
    values = np.zeros((4, 4))
    values[0, 0], values[3] = 1, -5
    same = np.zeros((4, 4))
    same[0, 0] = 1
    assert (pixel_ranks(pixel_map(values)) == pixel_ranks(pixel_map(same))).all()


def test_between_cells_the_order_is_that_of_bilinear_values() -> None:
    """Against torch's own bilinear enlargement, which has the same centres."""
    values = np.random.default_rng(0).random((3, 4))
    geometry = Geometry((24, 32), (24, 32), (1.0, 1.0))
    heatmap = Heatmap(values, Grid((8.0, 8.0)), geometry, "layer")
    enlarged = torch.nn.functional.interpolate(torch.from_numpy(values)[None, None], scale_factor=8, mode="bilinear",
                                               align_corners=False)[0, 0].numpy()
    by_rank = np.empty(enlarged.size)
    by_rank[pixel_ranks(heatmap).ravel()] = enlarged.ravel()
    assert (np.diff(by_rank) <= 1e-12).all()


def test_baselines_leave_the_padding_as_it_is() -> None:
    detector = YOLODetector(tiny_yolo(), {"imgsz": 128})
    canvas = detector.canvas(Image(photograph(0, 40, 128), "wide"))
    inside = photograph_pixels(canvas.geometries[0])
    assert not inside.all()
    for baseline in (blurred(canvas), mean_colour(canvas)):
        assert torch.equal(baseline[0, :, ~inside], canvas.pixels[0, :, ~inside])
        assert (baseline[0][:, inside].std(1) < 0.7 * canvas.pixels[0][:, inside].std(1)).all()
    assert torch.allclose(mean_colour(canvas)[0][:, inside], canvas.pixels[0][:, inside].mean(1, keepdim=True))


def test_area_and_first_tenth_of_a_straight_line() -> None:
    shares = pixel_shares(16)
    curve = Curve(shares, 1 - shares, shares)
    assert curve.area() == pytest.approx(0.5)
    assert curve.first() == pytest.approx(0.9)
    assert curve.first("best") == pytest.approx(0.1)
    assert shares[[0, 1, 9, -1]] == pytest.approx([0, 0.01, 0.1, 1])


def test_gaussian_is_a_gaussian_on_the_box() -> None:
    geometry = Geometry((40, 40), (40, 40), (1.0, 1.0))
    heatmap = gaussian_map(geometry, np.array([10.0, 4, 30, 36]))
    assert np.unravel_index(heatmap.values.argmax(), (40, 40)) in {(19, 19), (19, 20), (20, 19), (20, 20)}
    y, x = 35.5, 29.5
    by_hand = np.exp(-0.5 * (((x - 20) / 5) ** 2 + ((y - 20) / 8) ** 2))
    assert heatmap.values[35, 29] == pytest.approx(by_hand)


def test_passes_are_counted() -> None:
    from detcam.attribution.attribute import attribute
    from detcam.attribution.methods.registry import get_method
    from detcam.attribution.target import TARGETS

    detector = YOLODetector(tiny_yolo(), {"imgsz": 128})
    image = Image(photograph(1), "rectangles")
    canvas, found = detector.canvas(image), detector.detect(image)[[0, 1]]
    for method, layer, forwards, least in (("hirescam", "model.4", 1, 2), ("smoothgrad", "auto", 6, 4),
                                           ("drise", "auto", 7, 0)):
        settings = {"samples": 6} if layer == "auto" else {}
        with count_passes(detector) as counts:
            attribute(detector, canvas, found, get_method(method, **settings), layer, TARGETS["logit"])
        assert counts.forwards == forwards
        assert least <= counts.backwards <= 3 * least
        assert counts.seconds > 0
    assert torch.autograd.grad.__module__ == "torch.autograd"
