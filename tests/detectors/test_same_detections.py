"""The adapter's detections are the library's own, with the rows that they came from.

A case counts only if it has at least 20 detections and 5 suppressed rows.
"""

from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from support.models import (
    calibrate,
    calibrate_dense,
    calibrate_rcnn,
    calibrate_ssd,
    photograph,
    shift_class_bias,
    spread_outputs,
)
from support.tiny import yolo_class
from support.tiny_dense import TINY_DENSE
from support.tiny_detr import random_rtdetr, tiny_hf
from torchvision.models import get_model

import detcam
from detcam.detectors.base import PER_INPUT, Detector
from detcam.detectors.canvas import Canvas
from detcam.detectors.detections import Detections
from detcam.detectors.for_torchvision.dense import DenseDetector
from detcam.detectors.for_torchvision.rcnn import RCNNDetector
from detcam.detectors.for_torchvision.ssd import SSDDetector
from detcam.detectors.for_transformers.detr import HFDetrDetector
from detcam.detectors.for_ultralytics.rtdetr import RTDETRDetector
from detcam.detectors.for_ultralytics.yolo import YOLODetector
from detcam.detectors.from_tensors import without_rows
from detcam.detectors.prediction import Prediction
from detcam.imaging.boxes import EDGES
from detcam.imaging.image import Image

SIZES = {"wide": (900, 220), "tall": (210, 900), "tiny": (48, 36), "large": (2600, 1900)}
MIN_DETECTIONS, MIN_SUPPRESSED = 20, 5


def assert_same(ours: Detections, theirs: Detections) -> None:
    assert len(ours) == len(theirs)
    np.testing.assert_array_equal(ours.labels, theirs.labels)
    np.testing.assert_allclose(ours.scores, theirs.scores, rtol=0, atol=1e-5)
    np.testing.assert_allclose(ours.boxes, theirs.boxes, rtol=0, atol=0.01)


def in_order_of(ours: Detections, theirs: Detections) -> Detections:
    """The same detections in the order of others: the library counts queries in another order, so that ties differ."""
    apart = np.abs(ours.boxes[:, None] - theirs.boxes[None]).max(-1) + 1e6 * (ours.labels[:, None] != theirs.labels)
    order = apart.argmin(1)
    assert sorted(order.tolist()) == list(range(len(theirs)))
    return theirs[order]


def assert_rows(prediction: Prediction, canvas: Canvas, found: Detections) -> None:
    """Every row, read from its own level's map, gives the score and the box that were reported for it."""
    height, width = canvas.geometries[0].source
    assert len(found)
    for index, (row, label) in enumerate(zip(found.rows.tolist(), found.labels.tolist(), strict=True)):
        assert prediction.probability(row, label).item() == pytest.approx(found.scores[index], abs=1e-5)
        box = np.array([[prediction.edge(row, edge).item() for edge in EDGES]])
        box = canvas.geometries[0].to_source(box)[0].clip(0, [width, height, width, height])
        reported = found.boxes[index].clip(0, [width, height, width, height])  # transformers' boxes are not clipped
        np.testing.assert_allclose(box, reported, rtol=0, atol=0.02)


def suppressed(detector: Detector, prediction: Prediction, found: Detections, min_score: float) -> int:
    """How many rows stood above the threshold and were not reported (by NMS or top-k)."""
    scores = prediction.scores[0]
    if isinstance(detector, RCNNDetector):  # whose rows have a class each
        return int((scores > min_score).sum()) - len(found)
    if isinstance(detector, SSDDetector):  # every class of a row is a candidate, but for the background
        return int((scores[:, 1:] > min_score).sum()) - len(found)
    if detector.rows == PER_INPUT or isinstance(detector, DenseDetector):  # which have no background
        return int((scores > min_score).sum()) - len(found)
    return int((scores.amax(1) > min_score).sum()) - len(found)


def threshold(scores: torch.Tensor, rank: int) -> float:
    """A score near the ``rank``-th best that no row comes near, so that rounding does not decide who is above it."""
    near = scores.flatten().sort(descending=True).values[rank - 10 : rank + 10]
    widest = int((near[:-1] - near[1:]).argmax())
    return float((near[widest] + near[widest + 1]) / 2)


def predicted(detector: Detector, image: Image) -> tuple[Canvas, Prediction]:
    """A photograph's canvas and what the network says about it, for several thresholds."""
    canvas = detector.canvas(image)
    with detector.borrowed(), torch.no_grad():
        return canvas, detector.forward(canvas.pixels)


def compare(detector: Detector, image: Image, min_score: float, asked: tuple[Canvas, Prediction] | None = None) -> bool:
    """Check one photograph; True if it counts."""
    canvas, prediction = asked or predicted(detector, image)
    ours, theirs = detector.select(prediction, canvas, min_score)[0], detector.library_detections(image, min_score)
    assert_same(ours, in_order_of(ours, theirs) if detector.rows == PER_INPUT else theirs)
    assert_rows(prediction, canvas, ours)
    return len(ours) >= MIN_DETECTIONS and suppressed(detector, prediction, ours, min_score) >= MIN_SUPPRESSED


@pytest.fixture(scope="module", params=["ssd300_vgg16", "ssdlite320_mobilenet_v3_large"])
def ssd(request: pytest.FixtureRequest) -> SSDDetector:
    torch.manual_seed(0)
    model = get_model(request.param, weights=None, weights_backbone=None, num_classes=21)
    detector = SSDDetector(model, name=request.param)
    if "lite" in request.param:
        calibrate_ssd(detector, photograph((640, 480)))
        model.double()  # float32 rounds its random weights' logits to 3e-4, the library's own as well as ours
        spread_outputs(detector, photograph((640, 480)), 1.0, 0.5)
    shift_class_bias(detector, photograph((640, 480)), candidates=300)
    return detector


@pytest.mark.parametrize("size", SIZES)
def test_torchvision_ssd(ssd: SSDDetector, size: str) -> None:
    image = photograph(SIZES[size])
    asked = predicted(ssd, image)
    scores = asked[1].scores[0, :, 1:]
    for rank in (150, 600):
        assert compare(ssd, image, threshold(scores, rank), asked), "too few detections: this case proves nothing"


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("limits", [(2000, 2000), (40, 25)])
@pytest.mark.parametrize("name", TINY_DENSE)
def test_tiny_dense_detectors(name: str, limits: tuple[int, int], size: str) -> None:
    detector, image = TINY_DENSE[name](), photograph(SIZES[size])
    detector.model.double()  # in float32 rounding decides between scores that are as close as these
    detector.model.topk_candidates, detector.model.detections_per_img = limits
    detector.model.nms_thresh = 0.4
    asked = predicted(detector, image)
    scores = asked[1].scores[0]
    for rank in (100, 200):
        assert compare(detector, image, threshold(scores, rank), asked), "too few detections: this case proves nothing"


@pytest.mark.parametrize("name", ["retinanet_resnet50_fpn", "retinanet_resnet50_fpn_v2", "fcos_resnet50_fpn"])
def test_torchvision_s_own_dense_detectors(name: str) -> None:
    """Published architectures on small canvases."""
    torch.manual_seed(0)
    model = get_model(name, weights=None, weights_backbone=None, num_classes=7, min_size=128, max_size=192)
    detector = detcam.load(model)
    assert isinstance(detector, DenseDetector)
    calibrate_dense(detector, photograph((640, 480)))
    model.double()
    image = photograph((400, 300), "chelsea.png")
    asked = predicted(detector, image)
    scores = asked[1].scores[0]
    assert compare(detector, image, threshold(scores, 300), asked), "too few detections: this case proves nothing"


@pytest.fixture(scope="module", params=["fasterrcnn_mobilenet_v3_large_320_fpn", "maskrcnn_resnet50_fpn_v2"])
def rcnn(request: pytest.FixtureRequest) -> RCNNDetector:
    torch.manual_seed(0)
    size = {} if "320" in request.param else {"min_size": 128, "max_size": 256, "rpn_post_nms_top_n_test": 200}
    model = get_model(request.param, weights=None, weights_backbone=None, num_classes=21, **size)
    detector = RCNNDetector(model.double())  # float32 rounds its random weights' logits, the library's as well as ours
    calibrate_rcnn(detector, photograph((640, 480)), candidates=300)
    return detector


@pytest.mark.parametrize("size", SIZES)
def test_torchvision_rcnn(rcnn: RCNNDetector, size: str) -> None:
    if rcnn.n_levels > 2 and size != "wide":
        pytest.skip("one size is enough of a model that takes so long")
    image = photograph(SIZES[size])
    asked = predicted(rcnn, image)
    scores = asked[1].scores[0]
    for rank in (60, 200):
        assert compare(rcnn, image, threshold(scores, rank), asked), "too few detections: this case proves nothing"


SLIM = {"yolov3": 0.125, "yolov3-spp": 0.125, "yolov9c": 0.25}  # the width of those that come in one large size
YOLOS = ("yolov3", "yolov3-spp", "yolov3-tiny", "yolov5n", "yolov5n-p6", "yolov8n", "yolov9t", "yolov9c", "yolo11n",
         "yolo12n", *(f"{name}:{head}" for name in ("yolov10n", "yolo26n") for head in ("one2many", "one2one", "")),
         "yolov8n-pose", "yolo11n-seg", "yolo26n-seg:one2one", "yolo26n-pose:one2many")


@pytest.fixture(scope="module", params=YOLOS)
def yolo(request: pytest.FixtureRequest) -> YOLODetector:
    from detcam.detectors.for_ultralytics.lazy_import import import_ultralytics

    import_ultralytics()
    from ultralytics.nn.tasks import yaml_model_load

    name, _, head = request.param.partition(":")
    settings = yaml_model_load(f"{name}.yaml")
    if name in SLIM:
        settings["width_multiple"] = SLIM[name]
    torch.manual_seed(0)
    model = yolo_class(name)(settings, nc=80, verbose=False)
    model.names = {label: f"thing {label}" for label in range(80)}
    calibrate(model)
    imgsz = 480 if name == "yolov3-tiny" else 320  # it has no fine level, and few rows
    detector = YOLODetector(model, {"imgsz": imgsz}, name=request.param, head=head or None)
    spread_outputs(detector, photograph((640, 480)), 2.0, 4.0 if detector.head.reg_max > 1 else 1.0)
    shift_class_bias(detector, photograph((640, 480)), candidates=400)
    return detector


@pytest.mark.parametrize("size", SIZES)
def test_ultralytics_yolo(yolo: YOLODetector, size: str) -> None:
    image = photograph(SIZES[size])
    asked = predicted(yolo, image)
    scores = asked[1].scores[0].amax(1)
    many = len(scores) // 3
    ranks = (340, 400) if yolo.end2end else (many, many * 2)  # its 300 best are kept
    for rank in ranks:
        assert compare(yolo, image, threshold(scores, rank), asked), "too few detections: this case proves nothing"


@pytest.mark.parametrize("name", ["yolov10n", "yolo26n"])
def test_end_to_end_yolo_follows_what_predict_does(name: str) -> None:
    from detcam.detectors.for_ultralytics.lazy_import import import_ultralytics

    import_ultralytics()
    from ultralytics import YOLO

    live = YOLO(f"{name}.yaml")
    image = photograph((320, 240))
    live.predict(image.rgb[..., ::-1].copy(), verbose=False, imgsz=320)
    detector = detcam.load(live, imgsz=320)
    assert isinstance(detector, YOLODetector)
    assert detector.end2end == live.predictor.model.end2end
    assert detcam.load(live, imgsz=320, head="one2one").end2end  # type: ignore[attr-defined]
    assert not detcam.load(live, imgsz=320, head="one2many").end2end  # type: ignore[attr-defined]


@pytest.fixture(scope="module", params=["rtdetr-l", "rtdetr-resnet50"])
def rtdetr(request: pytest.FixtureRequest) -> RTDETRDetector:
    from detcam.detectors.for_ultralytics.lazy_import import import_ultralytics

    import_ultralytics()
    from ultralytics.nn.tasks import yaml_model_load

    model = random_rtdetr(yaml_model_load(f"{request.param}.yaml"), 0, 320)
    return RTDETRDetector(model, {"imgsz": 320}, name=request.param)


@pytest.mark.parametrize("size", SIZES)
def test_ultralytics_rtdetr(rtdetr: RTDETRDetector, size: str) -> None:
    image = photograph(SIZES[size])
    asked = predicted(rtdetr, image)
    scores = asked[1].scores[0]
    for rank in (320, 600):  # of pairs of query and class, of which the best 300 are kept
        assert compare(rtdetr, image, threshold(scores, rank), asked), "too few detections: this case proves nothing"


@pytest.mark.parametrize("timm", [False, True])
@pytest.mark.parametrize("kind", ["detr", "conditional_detr"])
def test_transformers_detr(kind: str, timm: bool) -> None:
    pytest.importorskip("transformers", reason="DETR needs transformers: pip install 'detcam[detr]'")
    detector = HFDetrDetector(*tiny_hf(kind, timm=timm))
    counted = 0
    for size in SIZES.values():
        image = photograph(size)
        canvas = detector.canvas(image)
        with detector.borrowed(), torch.no_grad():
            prediction = detector.forward(canvas.pixels)
        classes = len(detector.class_names)
        scores = prediction.scores[0, :, :classes].amax(1) if kind == "detr" else prediction.scores[0].flatten()
        for rank in (20, 30):  # of 40 queries, or of 120 pairs
            ours = detector.select(prediction, canvas, threshold_near(scores, rank))[0]
            assert_same(ours, detector.library_detections(image, threshold_near(scores, rank)))
            assert_rows(prediction, canvas, ours)
            counted += len(ours) >= MIN_DETECTIONS
    assert counted >= len(SIZES)


def threshold_near(scores: torch.Tensor, rank: int) -> float:
    """As :func:`threshold`, of few scores."""
    near = scores.flatten().sort(descending=True).values[rank - 2 : rank + 3]
    widest = int((near[:-1] - near[1:]).argmax())
    return float((near[widest] + near[widest + 1]) / 2)


CROWDS = ("000000217285.jpg", "000000002299.jpg", "000000012639.jpg")


def photographs(assets: Path) -> list[Image]:
    """Real ones with many persons, and the first of them wide, tall, tiny and large."""
    images = [detcam.load_image(assets / "persons_eval" / "images" / name) for name in CROWDS]
    return images + [Image(cv2.resize(images[0].rgb, size), f"{word} {CROWDS[0]}") for word, size in SIZES.items()]


@pytest.mark.assets
@pytest.mark.parametrize("min_score", [0.001, 0.01, 0.05, 0.25])
def test_real_yolo_weights(assets: Path, min_score: float) -> None:
    from detcam.detectors.for_ultralytics.lazy_import import import_ultralytics

    import_ultralytics()
    from ultralytics import YOLO

    path = assets / "weights" / "yolov8n-rebuilt.pt"
    detector, live = detcam.load(path), YOLO(path)
    images = photographs(assets)
    for image in images:
        bgr = np.ascontiguousarray(image.rgb[..., ::-1])
        theirs = live.predict(bgr, conf=min_score, verbose=False)[0].boxes
        assert_same(detector.detect(image, min_score), without_rows(theirs.xyxy, theirs.cls, theirs.conf))
    if min_score <= 0.01:
        assert sum(compare(detector, image, min_score) for image in images) >= len(images) - 1  # all but the tiny one


@pytest.mark.assets
@pytest.mark.parametrize("min_score", [0.05, 0.1, 0.25])
def test_real_ssd_weights_with_their_own_postprocessing(assets: Path, min_score: float) -> None:
    detector = detcam.load(f"{assets}/weights/ssd300_mobilenetv1_coco.py:build", score_activation="sigmoid",
                           weights=assets / "weights" / "ssd300_mobilenetv1_coco.pth")
    images = photographs(assets)
    counted = [compare(detector, image, min_score) for image in images]
    assert min_score > 0.1 or all(counted)


@pytest.mark.assets
def test_a_model_with_another_activation_is_refused_with_what_to_set(assets: Path) -> None:
    detector = detcam.load(f"{assets}/weights/ssd300_mobilenetv1_coco.py:build",
                           weights=assets / "weights" / "ssd300_mobilenetv1_coco.pth")
    with pytest.raises(detcam.DetcamError, match=r"the first: detcam finds label .* set score_activation='sigmoid'"):
        detcam.explain(detector, photographs(assets)[0])
