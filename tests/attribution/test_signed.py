"""Maps of edges and of differences have both signs: in the numbers, in the store and in the figures."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from support.tiny import photograph, tiny_ssd

import detcam
from detcam.attribution.gradients.tape import Tape
from detcam.attribution.heatmap import Heatmap, fuse
from detcam.attribution.target import TARGETS
from detcam.detectors.base import BOX_TARGETS
from detcam.detectors.for_torchvision.ssd import SSDDetector
from detcam.imaging.grid import Grid
from detcam.imaging.image import Image
from detcam.views.explanation.figure import figures

IMAGE = Image(photograph(1), "rectangles.png")
LAYER = "backbone.stem"


@pytest.fixture(scope="module")
def detector() -> SSDDetector:
    return SSDDetector(tiny_ssd())


@pytest.mark.parametrize("target", BOX_TARGETS)
def test_a_positive_value_moves_the_edge_up(detector: SSDDetector, target: str) -> None:
    """A little more of the layer where the map is positive, in proportion to it, must raise the number."""
    one = detcam.explain(detector, IMAGE, target=target, layer=LAYER, max_boxes=1, edges=False)[0]
    assert one.heatmap.signed
    assert (one.heatmap.values > 0).any()
    assert (one.heatmap.values < 0).any()
    canvas = detector.canvas(IMAGE)
    with Tape(detector, canvas.pixels, [LAYER]) as tape:
        before = float(TARGETS[target].read(tape.prediction, one.row, one.label).detach())
    for sign in (1, -1):
        cells = torch.from_numpy(sign * one.heatmap.values > 0)

        def stronger(_: object, __: object, output: torch.Tensor, cells: torch.Tensor = cells) -> torch.Tensor:
            return output * (1 + 1e-3 * cells)

        hook = detector.model.get_submodule(LAYER).register_forward_hook(stronger)
        with torch.no_grad():
            after = float(TARGETS[target].read(detector.forward(canvas.pixels), one.row, one.label))
        hook.remove()
        assert sign * (after - before) > 0


def test_a_class_map_has_a_positive_part_alone(detector: SSDDetector) -> None:
    explanation = detcam.explain(detector, IMAGE, max_boxes=1, edges=False)
    assert not explanation[0].heatmap.signed
    assert explanation.maps[0].sign_meanings is None


def map_of(values: list[list[float]], stride: float, signed: bool) -> Heatmap:
    geometry = detcam.Geometry((8, 8), (8, 8), (1.0, 1.0))
    return Heatmap(np.array(values, np.float32), Grid((stride, stride)), geometry, f"stride {stride}", signed=signed)


def test_fused_with_both_signs() -> None:
    fine = map_of([[2, -2], [0, 4]], 4.0, True)  # mean heat 2
    coarse = map_of([[-3]], 8.0, True)
    found = fuse({"fine": fine, "coarse": coarse})
    assert found.signed
    np.testing.assert_allclose(found.values, [[1 - 1, -1 - 1], [0 - 1, 2 - 1]])
    assert found.scales == {"fine": 2.0, "coarse": 3.0}
    np.testing.assert_allclose(found.heat, [[0, 2], [1, 1]])
    plain = fuse({"fine": replace(fine, signed=False), "coarse": replace(coarse, signed=False)})
    np.testing.assert_allclose(plain.values, np.array([[2, 0], [0, 4]]) / 1.5)


def test_stored_and_read_again(detector: SSDDetector, tmp_path: Path) -> None:
    explanation = detcam.explain(detector, IMAGE, target="left", max_boxes=2, edges=False)
    detcam.save([explanation], tmp_path / "out")
    again = detcam.load_explanations(tmp_path / "out", images={IMAGE.name: IMAGE})[0]
    assert again.maps[0].sign_meanings == ("outward", "inward")
    assert again[0].heatmap.signed
    np.testing.assert_array_equal(again[0].heatmap.heat, explanation[0].heatmap.heat)


@pytest.mark.parametrize(("options", "words"), [
    ({"target": "top"}, {"outward", "inward", "Heat: what moves the box's top edge"}),
    ({"target": "width"}, {"narrower", "wider", "Heat: what changes the box's width"}),
    ({"versus": 2}, {"for box 2", "for this box", "Heat: evidence for this box and for the other box"}),
    ({}, {"none", "100 %", "Heat: evidence for the box"}),
])
def test_the_figure_says_what_the_signs_mean(detector: SSDDetector, options: dict[str, object], words: set[str]
                                             ) -> None:
    explanation = detcam.explain(detector, IMAGE, max_boxes=2, edges=False, **options)  # type: ignore[arg-type]
    written = {text.get_text() for figure in figures(explanation) for axes in figure.axes for text in axes.texts}
    assert words <= written


def test_red_raises_and_blue_lowers(detector: SSDDetector) -> None:
    from detcam.views.page.crop import under_heat, whole

    grey = np.full((8, 8, 3), 128, np.uint8)
    photo = Image(grey, "grey")
    heatmap = map_of([[1, -1], [0, 0]], 4.0, True)
    drawn = under_heat(grey, heatmap, whole(photo), 1.0, "inferno").astype(int)
    assert drawn[0, 0, 0] > drawn[0, 0, 2] + 50
    assert drawn[0, -1, 2] > drawn[0, -1, 0] + 50
