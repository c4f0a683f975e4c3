"""How well a detector finds the objects of one class: AP, recall and overlap by height, as COCO defines them."""

import math
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from detcam.datasets.ground_truth import GroundTruth
from detcam.datasets.matching import match
from detcam.detectors.base import Detector
from detcam.errors import DataError
from detcam.imaging.boxes import iou
from detcam.imaging.image import load_image

CANVAS = 300.0  # pixels: heights are measured after stretching each photograph to this side, for every detector alike
HEIGHTS = {"all": (0.0, 1e5), "below 32 px": (0.0, 32.0), "32 to 96 px": (32.0, 96.0), "from 96 px": (96.0, 1e5)}
LEAST_SCORE = 0.01
OVERLAPS = np.linspace(0.5, 0.95, 10)  # COCO's
DRAWS = 1000
OUTSIDE = 2e5  # pixels: a height in no range, so that COCO ignores the object and what finds it


@dataclass(frozen=True)
class Case:
    """One photograph's true boxes and detections of one class, stretched to 300 x 300 px.

    Attributes:
        true_boxes: ``[M, 4]`` xyxy.
        crowd: ``[M]`` True for crowds, in which detections count neither way.
        boxes: ``[N, 4]`` xyxy, detections.
        scores: ``[N]``.
        difficult: ``[M]`` True for objects too hard to ask for, whose detections count neither way; none by default.
    """

    true_boxes: NDArray[np.float64]
    crowd: NDArray[np.bool_]
    boxes: NDArray[np.float64]
    scores: NDArray[np.float64]
    difficult: NDArray[np.bool_] = field(default_factory=lambda: np.zeros(0, bool))

    def __post_init__(self) -> None:
        if not len(self.difficult):  # not said: none is
            object.__setattr__(self, "difficult", np.zeros(len(self.true_boxes), bool))


@dataclass(frozen=True)
class Figure:
    """One line of the evaluation: the objects of one range of heights.

    Attributes:
        heights: the range in words; other objects, and what finds them, are ignored.
        objects, photographs: how many there are.
        ap50: average precision at IoU 0.5 (COCO's 101 points), NaN without objects.
        ap: its mean over IoU 0.5 to 0.95.
        recall: share of objects found at IoU 0.5 by any detection.
        mean_iou: mean overlap of the objects found with what found them.
        interval: the middle 95 % of AP50 over draws of the photographs with replacement, or None.
    """

    heights: str
    objects: int
    photographs: int
    ap50: float
    ap: float
    recall: float
    mean_iou: float
    interval: tuple[float, float] | None

    def as_json(self) -> dict[str, Any]:
        """The figure with 4 decimals, and None for what does not exist: JSON knows no NaN."""
        content = {key: (None if math.isnan(value) else round(value, 4)) if isinstance(value, float) else value
                   for key, value in asdict(self).items()}
        if self.interval is not None:
            content["interval"] = [round(end, 4) for end in self.interval]
        return content


def case_of(detector: Detector, truth: GroundTruth, class_name: str) -> Case:
    """Detect on a photograph, scores from 0.01.

    Raises:
        ImageError: the photograph cannot be read.
        ClassNameError: the detector has no such class.
    """
    image, own = load_image(truth.file), truth.of_class(class_name)
    found = detector.detect(image, LEAST_SCORE)
    found = found[np.isin(found.labels, detector.labels_of([class_name]))]
    stretch = CANVAS / np.array([image.width, image.height, image.width, image.height])
    return Case(own.boxes * stretch, own.crowd, found.boxes * stretch, found.scores, own.difficult)


def cases_of(detector: Detector, photographs: Sequence[GroundTruth], class_name: str) -> list[Case]:
    """:func:`case_of` for each of several photographs."""
    return [case_of(detector, truth, class_name) for truth in photographs]


def evaluate(cases: Sequence[Case], draws: int = DRAWS, seed: int = 0,
             step: Callable[[], None] = lambda: None) -> list[Figure]:
    """A line for every range of heights.

    Args:
        cases: one a photograph.
        draws: how often the photographs are drawn anew for the interval; 0 for none.
        seed: where the draws start from.
        step: called after each draw.
    """
    run = _run_coco(cases, OVERLAPS)
    precision, recall = _precision(run), run.eval["recall"][0, 0, :, -1]
    intervals = _intervals(cases, draws, seed, step) if draws else [None] * len(HEIGHTS)
    figures = []
    for index, (name, (low, high)) in enumerate(HEIGHTS.items()):
        counts = [int((_inside(case, low, high)).sum()) for case in cases]
        found = [overlap for case in cases for overlap in _overlaps(case, low, high)]
        figures.append(Figure(
            heights=name, objects=sum(counts), photographs=sum(count > 0 for count in counts),
            ap50=float(precision[0, index]), ap=float(precision[:, index].mean()),
            recall=float(recall[index]) if sum(counts) else np.nan,
            mean_iou=float(np.mean(found)) if found else np.nan, interval=intervals[index],
        ))
    return figures


def best_f1_score(cases: Sequence[Case], heights: str = "all") -> float:
    """The score at which F1 is highest (IoU 0.5, one range of heights), read off COCO's precision-recall curve."""
    run = _run_coco(cases, OVERLAPS[:1])
    precision, scores = (run.eval[name][0, :, 0, list(HEIGHTS).index(heights), -1] for name in ("precision", "scores"))
    f1 = 2 * precision * run.params.recThrs / np.maximum(precision + run.params.recThrs, 1e-9)
    return float(scores[f1.argmax()])


def _inside(case: Case, low: float, high: float) -> NDArray[np.bool_]:
    """Which true boxes are objects of a range of heights, and neither crowds nor difficult."""
    heights = case.true_boxes[:, 3] - case.true_boxes[:, 1]
    return (heights >= low) & (heights <= high) & ~case.crowd & ~case.difficult


def _overlaps(case: Case, low: float, high: float) -> list[float]:
    """Overlap of each object of a range of heights with the detection that found it."""
    if not len(case.boxes) or not len(case.true_boxes):
        return []
    overlap, wanted = iou(case.boxes, case.true_boxes), _inside(case, low, high)
    found = match(case.boxes, case.scores, case.true_boxes, case.crowd, difficult=case.difficult)
    return [float(overlap[index, true]) for index, true in enumerate(found) if true >= 0 and wanted[true]]


def _run_coco(cases: Sequence[Case], overlaps: NDArray[np.float64]) -> Any:
    """COCO's own evaluation. An annotation's "area" is its height here, so that COCO's area ranges select heights."""
    try:
        from faster_coco_eval import COCO, COCOeval_faster
    except ImportError:
        raise DataError("evaluating a detector needs faster-coco-eval: pip install 'detcam[data]', or '.[data]' in a "
                        "clone") from None

    def table(listed: list[dict[str, Any]]) -> Any:
        return COCO({"info": {}, "images": [{"id": number, "width": CANVAS, "height": CANVAS}
                                            for number in range(1, len(cases) + 1)],
                     "categories": [{"id": 1, "name": "object"}],
                     "annotations": [each | {"id": number} for number, each in enumerate(listed, 1)]})

    truth, found = [], []
    for number, case in enumerate(cases, 1):
        hard = case.difficult & ~case.crowd
        truth += [_annotation(number, box) | {"iscrowd": int(crowd)}
                  for box, crowd in zip(case.true_boxes[~hard].tolist(), case.crowd[~hard].tolist(), strict=True)]
        truth += [_annotation(number, box) | {"iscrowd": 0, "area": OUTSIDE} for box in _difficult(case, hard)]
        found += [_annotation(number, box) | {"iscrowd": 0, "score": score}
                  for box, score in zip(case.boxes.tolist(), case.scores.tolist(), strict=True)]
    run = COCOeval_faster(table(truth), table(found), "bbox", print_function=lambda *_: None)
    run.params.iouThrs = overlaps
    run.params.areaRng = [list(limits) for limits in HEIGHTS.values()]
    run.params.areaRngLbl = list(HEIGHTS)
    run.evaluate()
    run.accumulate()
    return run


def _difficult(case: Case, hard: NDArray[np.bool_]) -> list[list[float]]:
    """The difficult boxes, each as often as a detection may find it: COCO ignores one detection an ignored box."""
    boxes = case.true_boxes[hard]
    takers = (iou(case.boxes, boxes) >= OVERLAPS[0]).sum(0)
    return np.repeat(boxes, takers, axis=0).tolist()


def _annotation(image: int, box: list[float]) -> dict[str, Any]:
    x1, y1, x2, y2 = box
    return {"image_id": image, "category_id": 1, "bbox": [x1, y1, x2 - x1, y2 - y1], "area": y2 - y1}


def _precision(run: Any) -> NDArray[np.float64]:
    """``[overlaps, heights]``: COCO's 101-point average precision; NaN where a range has no objects."""
    precision = run.eval["precision"][:, :, 0, :, -1].mean(axis=1)
    return np.where(precision < 0, np.nan, precision)


def _intervals(cases: Sequence[Case], draws: int, seed: int, step: Callable[[], None]
               ) -> list[tuple[float, float] | None]:
    """The middle 95 % of AP50 over draws; a draw without objects in a range says nothing about it."""
    random = np.random.default_rng(seed)
    values = []
    for _ in range(draws):
        chosen = random.integers(len(cases), size=len(cases))
        values.append(_precision(_run_coco([cases[i] for i in chosen], OVERLAPS[:1]))[0])
        step()
    columns = [column[~np.isnan(column)] for column in np.stack(values, axis=1)]
    return [(float(np.percentile(column, 2.5)), float(np.percentile(column, 97.5))) if len(column) else None
            for column in columns]
