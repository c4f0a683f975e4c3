"""Numbers of the edges, against slow and obvious versions."""

import numpy as np
import pytest
import torch
from support.tiny import photograph, tiny_detector

from detcam.detectors.base import Detector
from detcam.imaging.boxes import EDGES, iou
from detcam.imaging.image import Image
from detcam.measures.edge_evidence import measure_edges, sibling_spread

IMAGE = Image(photograph(2), "rectangles")


LAYERS = {"ssd": "backbone.stem.3", "ssdlite": "backbone.features.0.4"}


@pytest.fixture(scope="module", params=["ssd", "ssdlite", "yolov8n", "yolov10n:one2one", "yolo26n"])
def detector(request: pytest.FixtureRequest) -> Detector:
    found: Detector = tiny_detector(request.param)
    return found


def test_evidence_is_the_sum_of_gradient_times_activation(detector: Detector) -> None:
    """One plain backward pass a box and edge, by nothing but torch and a hook."""
    layer = LAYERS.get(detector.name, "model.2")
    found = detector.detect(IMAGE)[:3]
    canvas = detector.canvas(IMAGE)
    measured = measure_edges(detector, canvas, found, layer, maps=True)
    held: list[torch.Tensor] = []

    def keep(_: object, __: object, output: torch.Tensor) -> torch.Tensor:
        held.append(output.detach().requires_grad_(True))
        return held[-1].clone()

    boxes = canvas.geometries[0].to_canvas(found.boxes)
    assert measured.maps is not None
    assert len(found) == 3
    for index, row in enumerate(found.rows.tolist()):
        for column, edge in enumerate(EDGES):
            held.clear()
            hook = detector.model.get_submodule(layer).register_forward_hook(keep)
            detector.forward(canvas.pixels).edge(row, edge).sum().backward()
            hook.remove()
            gradient = held[0].grad
            assert gradient is not None
            product = (gradient * held[0]).detach()[0]
            length = boxes[index, 2 + column % 2] - boxes[index, column % 2]
            assert measured.evidence[index, column] == pytest.approx(float(product.abs().sum()) / length, rel=1e-3)
            np.testing.assert_allclose(measured.maps[index][column].values, product.sum(0).numpy(), rtol=1e-3,
                                       atol=1e-4 * float(product.abs().max()))
    detector.model.zero_grad(set_to_none=True)


def test_sibling_spread_is_the_deviation_of_the_rows_that_were_suppressed(detector: Detector) -> None:
    found, canvas = detector.detect(IMAGE), detector.canvas(IMAGE)
    with torch.no_grad():
        prediction = detector.forward(canvas.pixels)
    spread = sibling_spread(prediction, found)
    np.testing.assert_allclose(measure_edges(detector, canvas, found[:3]).sibling_spread, spread[:3], rtol=1e-5)
    boxes, scores = prediction.boxes[0].numpy().astype(float), prediction.scores[0].numpy()
    seen = 0
    for index, (row, label) in enumerate(zip(found.rows, found.labels, strict=True)):
        group = [boxes[other] for other in range(len(boxes))
                 if scores[other, label] > 0.05 and iou(boxes[[row]], boxes[[other]])[0, 0] > 0.5]
        if len(group) < 2:
            assert np.isnan(spread[index]).all()
            continue
        seen += 1
        own = boxes[row]
        lengths = np.array([own[2] - own[0], own[3] - own[1]] * 2).clip(1)
        np.testing.assert_allclose(spread[index], np.array(group).std(0) / lengths, rtol=1e-5)
    assert seen >= 3


def test_distribution_spread_is_there_where_a_head_predicts_distributions(detector: Detector) -> None:
    found = detector.detect(IMAGE)[:5]
    canvas = detector.canvas(IMAGE)
    spread = measure_edges(detector, canvas, found).distribution_spread
    if getattr(detector.head, "reg_max", 1) == 1:
        assert spread is None
        return
    assert spread is not None
    with torch.no_grad():
        prediction = detector.forward(canvas.pixels)
    bins = torch.arange(16.0)
    assert len(found) == 5
    for index in range(len(found)):
        weights = prediction.box_outputs(int(found.rows[index]))[0].view(4, 16).softmax(1)
        mean = (weights * bins).sum(1, keepdim=True)
        deviation = (weights * (bins - mean) ** 2).sum(1).sqrt() * prediction.levels[found.levels[index]].grid.stride[0]
        box = canvas.geometries[0].to_canvas(found.boxes[index])
        lengths = np.array([box[2] - box[0], box[3] - box[1]] * 2).clip(1)
        np.testing.assert_allclose(spread[index], deviation.numpy() / lengths, rtol=1e-4)
