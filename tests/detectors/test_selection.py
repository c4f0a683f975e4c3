"""The steps of a selection keep what the library keeps, and what they name as the reason is the reason.

Every counterfactual is put to the library's own selection: with the named limit moved, or the named winner gone, the
pair is detected, or is dropped by the next step that was named.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace

import numpy as np
import pytest
import torch
from support.tiny import THRESHOLD, photograph, tiny_detector, tiny_ssd, tiny_yolo
from support.tiny_dense import TINY_DENSE
from support.tiny_detr import tiny_rtdetr
from support.tiny_rcnn import tiny_fasterrcnn

from detcam.detectors.base import Detector
from detcam.detectors.for_torchvision.rcnn import RCNNDetector
from detcam.detectors.for_torchvision.ssd import SSDDetector
from detcam.detectors.for_ultralytics.rtdetr import RTDETRDetector
from detcam.detectors.for_ultralytics.yolo import YOLODetector, YoloPrediction
from detcam.detectors.prediction import Prediction
from detcam.detectors.selection.drop_reason import CLASS, MASK, MOST, SCORE, SUPPRESSED, TOP, DropReason
from detcam.detectors.selection.steps import just_below
from detcam.imaging.image import Image

DROPPED_BY = {  # the steps of which each must drop something
    "ssd": {SCORE, TOP, SUPPRESSED, MOST},
    "fasterrcnn": {SCORE, SUPPRESSED, MOST},
    "yolov8n": {CLASS, SCORE, SUPPRESSED, MOST},
    "yolov8n agnostic": {CLASS, SCORE, SUPPRESSED, MOST},
    "yolo26n": {SCORE, TOP, MOST},
    "yolo26n agnostic": {CLASS, SCORE, TOP, MOST},
    "rtdetr": {SCORE, TOP, MOST},
    "detr": {CLASS, SCORE},
    "yolo26n-seg": {SCORE, TOP, MOST, MASK},
    "retinanet": {SCORE, TOP, SUPPRESSED, MOST},
    "fcos": {SCORE, TOP, SUPPRESSED, MOST},
}
ASKED = 40  # dropped pairs of each detector that are asked about

Pair = tuple[int, int]


class Case:
    """A tiny detector with a photograph in which every step of its selection drops something."""

    def __init__(self, kind: str) -> None:
        self.kind = kind
        name, _, agnostic = kind.partition(" ")
        if kind in ("ssd", *TINY_DENSE):
            self.detector: Detector = SSDDetector(tiny_ssd()) if kind == "ssd" else TINY_DENSE[kind]()
            model = self.detector.model
            model.topk_candidates, model.detections_per_img, model.nms_thresh = 60, 25, 0.45
        elif kind == "rtdetr":
            self.detector = RTDETRDetector(tiny_rtdetr(), {"imgsz": 128, "max_det": 20})
        elif kind == "detr":
            self.detector = tiny_detector(kind)
        elif kind == "fasterrcnn":
            two_stage = tiny_fasterrcnn()
            two_stage.roi_heads.detections_per_img = 25
            self.detector = RCNNDetector(two_stage)
        else:
            head = "one2one" if name.startswith("yolo26n") else None
            settings = {"imgsz": 128, "max_det": 20, "agnostic_nms": bool(agnostic), "iou": 0.5}
            self.detector = YOLODetector(tiny_yolo(name), settings, head=head)
            if head:
                self.detector.head.max_det, self.detector.head.agnostic_nms = 30, bool(agnostic)
        self.image = Image(photograph(1 if name == "yolo26n-seg" else 2), "tiny")  # the second has hardly empty masks
        self.canvas = self.detector.canvas(self.image)
        self.prediction = self.predict()

    def predict(self) -> Prediction:
        with self.detector.borrowed(), torch.no_grad():
            return self.detector.forward(self.canvas.pixels)

    def pairs(self, prediction: Prediction | None = None, min_score: float = THRESHOLD) -> list[Pair]:
        """What the library's own selection keeps."""
        found = self.detector.select(prediction or self.prediction, self.canvas, min_score)[0]
        return list(zip(found.rows.tolist(), found.labels.tolist(), strict=True))

    def drop_reasons(self, pair: Pair, prediction: Prediction | None = None, min_score: float = THRESHOLD
                ) -> tuple[DropReason, ...]:
        return self.detector.selection(prediction or self.prediction, self.canvas, min_score).drop_reasons(*pair)

    def without(self, prediction: Prediction, pair: Pair) -> Prediction:
        """The prediction with a pair's score set to 0, also in the network's own output."""
        row, label = pair
        scores = prediction.scores.clone()
        scores[0, row, label if scores.shape[-1] > 1 else 0] = 0
        if not isinstance(prediction, YoloPrediction):
            return replace(prediction, scores=scores)
        output = prediction.output.clone()
        if self.detector.end2end:
            output = self._end_to_end(prediction, scores)
        else:
            output[0, 4 + label, row] = 0
        return replace(prediction, scores=scores, output=output)

    def _end_to_end(self, prediction: Prediction, scores: torch.Tensor) -> torch.Tensor:
        extra = [] if prediction.masks is None else [prediction.masks.coefficients.transpose(1, 2)]
        return self.detector.head.postprocess(torch.cat([prediction.boxes, scores, *extra], -1))

    @contextmanager
    def limits(self, top: float | None, most: float | None) -> Iterator[Prediction]:
        """The library's own settings for how many are taken, and the prediction under them."""
        if hasattr(self.detector.model, "topk_candidates"):
            holders = [(self.detector.model, "topk_candidates", top), (self.detector.model, "detections_per_img", most)]
        elif self.kind == "detr":
            holders = []  # every query stands for its best class, and all that pass are taken
        elif isinstance(self.detector, RCNNDetector):
            holders = [(self.detector.model.roi_heads, "detections_per_img", most)]
        else:
            assert isinstance(self.detector, (YOLODetector, RTDETRDetector))
            attribute = "max_det" if isinstance(self.detector, YOLODetector) else "num_queries"
            holders = [(self.detector.head, attribute, top), (self.detector._predictor.args, "max_det", most)]
        before = [(holder, name, getattr(holder, name)) for holder, name, _ in holders]
        try:
            for holder, name, value in holders:
                if value is not None:
                    setattr(holder, name, int(value))
            yield self.predict() if top is not None and self.detector.family == "yolo" else self.prediction
        finally:
            for holder, name, value in before:
                setattr(holder, name, value)

    def detected_with(self, pair: Pair, drop_reasons: Sequence[DropReason]) -> bool:
        """Whether the library's own selection keeps a pair once these reasons are taken away."""
        by_kind = {reason.kind: reason for reason in drop_reasons}
        value = {kind: by_kind[kind].value if kind in by_kind else None for kind in (SCORE, TOP, MOST)}
        min_score = THRESHOLD if value[SCORE] is None else just_below(value[SCORE])
        with self.limits(value[TOP], value[MOST]) as prediction:
            if CLASS in by_kind:
                for label in range(prediction.scores.shape[-1]):
                    if label != pair[1]:
                        prediction = self.without(prediction, (pair[0], label))
            if MASK in by_kind:
                prediction = replace(prediction, masks=None)
            if SUPPRESSED not in by_kind:
                return pair in self.pairs(prediction, min_score)
            return self._frees(pair, prediction, min_score)

    def _frees(self, pair: Pair, prediction: Prediction, min_score: float) -> bool:
        """Whether a pair is kept when one named winner after the other is taken away, each of which was kept itself."""
        with self.limits(None, 10**6):
            for _ in range(50):
                kept, drop_reasons = self.pairs(prediction, min_score), self.drop_reasons(pair, prediction, min_score)
                if pair in kept:
                    return not drop_reasons
                assert [reason.kind for reason in drop_reasons] == [SUPPRESSED]
                assert drop_reasons[0].winner in kept
                assert drop_reasons[0].value > drop_reasons[0].limit
                prediction = self.without(prediction, drop_reasons[0].winner)
        return False


@pytest.fixture(scope="module", params=DROPPED_BY)
def case(request: pytest.FixtureRequest) -> Case:
    return Case(request.param)


def test_the_steps_keep_what_the_library_keeps(case: Case) -> None:
    for min_score in (0.1, THRESHOLD, 0.6):
        kept = case.detector.selection(case.prediction, case.canvas, min_score).kept()
        ours = list(zip(kept.rows.tolist(), kept.labels.tolist(), strict=True))
        assert ours == case.pairs(min_score=min_score)
    assert len(case.pairs()) >= 10
    assert not any(case.drop_reasons(pair) for pair in case.pairs())


def test_each_drop_reason_is_true_and_needed(case: Case) -> None:
    selection = case.detector.selection(case.prediction, case.canvas, THRESHOLD)
    kept = set(case.pairs())
    order = np.random.default_rng(0).permutation(len(selection.pairs))
    best = torch.argsort(selection.pairs.scores, descending=True).tolist()[: ASKED // 2]
    asked = [pair for pair in map(selection.pairs.pair, [*best, *order[: ASKED // 2].tolist()]) if pair not in kept]
    kinds: set[str] = set()
    for pair in asked:
        drop_reasons = case.drop_reasons(pair)
        assert drop_reasons, f"{pair} is dropped, and nothing says why"
        kinds.update(reason.kind for reason in drop_reasons)
        if any(reason.kind == TOP and reason.value > case.prediction.boxes.shape[1] for reason in drop_reasons):
            continue  # an end-to-end head takes no more pairs than it has rows, whatever is set
        assert case.detected_with(pair, drop_reasons), f"{pair}: {drop_reasons} is not all that drops it"
        for index in range(len(drop_reasons)):
            fewer = drop_reasons[:index] + drop_reasons[index + 1 :]
            if any(reason.kind == SUPPRESSED for reason in fewer):
                continue  # with its winners gone a pair moves up in rank
            assert not case.detected_with(pair, fewer), f"{pair}: {drop_reasons[index]} does not drop it"
    assert kinds == DROPPED_BY[case.kind]


def test_of_a_hopeless_score_the_threshold_alone_is_named(case: Case) -> None:
    selection = case.detector.selection(case.prediction, case.canvas, THRESHOLD)
    low = selection.pairs.scores.argsort()[:3].tolist()
    for pair in map(selection.pairs.pair, low):
        every, few = selection.drop_reasons(*pair), selection.drop_reasons(*pair, hopeless=1.0)
        score_is_first = case.kind in ("ssd", "retinanet", "fcos")
        assert few == (every[:1] if score_is_first else every) or (few[0].kind, few) == (SCORE, every[:1])
        assert len(few) == 1 or not score_is_first


def test_numbers_are_the_pair_s_own(case: Case) -> None:
    scores = case.prediction.scores[0]
    pairs = case.detector.selection(case.prediction, case.canvas, THRESHOLD).pairs
    assert (pairs.rows % 7 == 0).any()
    for row, label in (pairs.pair(index) for index in range(len(pairs)) if int(pairs.rows[index]) % 7 == 0):
        own = float(case.prediction.scores_of(label)[0, row])
        for reason in case.drop_reasons((row, label)):
            if reason.kind == SCORE:
                assert reason.value == pytest.approx(own, abs=1e-6)
                assert reason.value <= reason.limit == THRESHOLD
            elif reason.kind == CLASS:
                assert reason.winner == (row, int(scores[row].argmax()))
                assert reason.limit == pytest.approx(float(scores[row].max()), abs=1e-6)
                assert reason.limit >= reason.value
            elif reason.kind == MASK:
                assert (reason.value, reason.limit) == (0, 1)
            else:
                assert reason.value > reason.limit
