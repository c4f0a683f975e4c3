"""Comparing maps on the same detections: where their heat lies, how faithful they are, and what they cost."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from time import perf_counter
from typing import Any
from zlib import crc32

import numpy as np
import torch
from numpy.typing import NDArray

from detcam.attribution.heatmap import Heatmap
from detcam.attribution.inputs.baselines import BASELINES
from detcam.attribution.target import TARGETS
from detcam.datasets.ground_truth import GroundTruth
from detcam.datasets.matching import match
from detcam.detectors.base import Detector
from detcam.detectors.canvas import Canvas
from detcam.detectors.detections import Detections
from detcam.diagnosis.attention.mask_shares import mask_shares
from detcam.diagnosis.interventions.copies import CHUNK
from detcam.evaluation.faithfulness import STEPS, InsertionDeletion, pixel_ranks, pixel_shares
from detcam.evaluation.map_spec import MapSpec
from detcam.evaluation.pass_counter import Passes, count_passes
from detcam.imaging.boxes import areas
from detcam.imaging.image import load_image

Row = dict[str, Any]
TIMED = 3  # forward passes whose median is the time of one


@dataclass(frozen=True)
class Plan:
    """The settings of a comparison.

    Attributes:
        class_name: the class of the objects.
        min_score: detections with a score above this.
        objects: at most so many per photograph, drawn at random from the detections with a true box.
        target: the target of the maps, a name in :data:`detcam.attribution.target.TARGETS`.
        baselines: names in :data:`detcam.attribution.inputs.baselines.BASELINES`.
        steps: steps of the insertion and deletion curves.
        chunk: masked canvases in one forward pass.
        seed: of the draws, the noise and the random maps.
    """

    class_name: str = "person"
    min_score: float = 0.25
    objects: int = 1
    target: str = "logit"
    baselines: tuple[str, ...] = tuple(BASELINES)
    steps: int = STEPS
    chunk: int = CHUNK
    seed: int = 0


@dataclass(frozen=True)
class Subject:
    """The detections of one photograph that are explained, with their true objects.

    Attributes:
        canvas: the photograph.
        chosen: the N detections.
        true: ``[N]`` the index in ``truth`` of each detection's object.
        truth: the true objects of the class.
        forward: seconds that one forward pass of the canvas takes.
    """

    canvas: Canvas
    chosen: Detections
    true: NDArray[np.int64]
    truth: GroundTruth
    forward: float


def compare_photograph(detector: Detector, truth: GroundTruth, specs: Sequence[MapSpec], plan: Plan) -> list[Row]:
    """Measure each map on some objects of one photograph.

    The insertion and deletion curves are divided by the detection's own score, so that every box counts alike.

    Args:
        detector: whose detections are explained.
        truth: the photograph with its true objects.
        specs: the maps.
        plan: the settings.

    Returns:
        A row for each chosen object and each map, with ``photograph``, ``row``, ``label``, ``score``, ``size`` (square
        root of the box's area, canvas pixels), ``level``, ``map`` and ``status``; the cost per object: ``forwards`` and
        ``backwards`` (passes) and ``worth`` (time, in forward passes of the canvas); ``on mask``, ``on others`` and
        ``peak on mask`` (:func:`detcam.diagnosis.attention.mask_shares.mask_shares`); and for each baseline ``B``:
        ``B insertion``, ``B deletion``, ``B insertion 10%``, ``B deletion 10%``, ``B insertion best`` and
        ``B deletion best`` (of the best row with the same label in the box), and ``B empty`` (all pixels replaced).

    Raises:
        ImageError: the photograph cannot be read.
    """
    subject = _subject(detector, truth, plan)
    if not len(subject.chosen):
        return []
    probes = [InsertionDeletion(detector, subject.canvas, subject.chosen[[index]], plan.baselines, plan.chunk)
              for index in range(len(subject.chosen))]
    masks = [_masks(subject, index, plan.class_name) for index in range(len(subject.chosen))]
    rows = []
    for spec in specs:
        with count_passes(detector) as passes:
            maps = spec.make(detector, subject.canvas, subject.chosen, TARGETS[plan.target], plan.seed)
        for index, heatmap in enumerate(maps):
            rows.append({**_about(subject, index), "map": spec.words, "status": heatmap.status,
                         **_cost(passes, subject), **_shares(heatmap, *masks[index]),
                         **_curves(heatmap, probes[index], plan)})
    return rows


def _subject(detector: Detector, truth: GroundTruth, plan: Plan) -> Subject:
    image = load_image(truth.file)
    detections = detector.detect(image, plan.min_score)
    detections = detections[np.isin(detections.labels, detector.labels_of([plan.class_name]))]
    objects = truth.of_class(plan.class_name)
    matched = match(detections.boxes, detections.scores, objects.boxes, objects.crowd, difficult=objects.difficult)
    candidates = np.flatnonzero(matched >= 0)
    generator = np.random.default_rng([plan.seed, crc32(truth.file.name.encode())])
    chosen = np.sort(generator.permutation(candidates)[: plan.objects])
    canvas = detector.canvas(image)
    return Subject(canvas, detections[chosen], matched[chosen], objects, _seconds_of_a_forward(detector, canvas))


def _seconds_of_a_forward(detector: Detector, canvas: Canvas) -> float:
    taken = []
    with detector.borrowed(), torch.no_grad():
        for _ in range(TIMED):
            start = perf_counter()
            detector.forward(canvas.pixels)
            taken.append(perf_counter() - start)
    return float(np.median(taken))


def _masks(subject: Subject, index: int, class_name: str
           ) -> tuple[NDArray[np.bool_] | None, NDArray[np.bool_] | None]:
    """The pixels of the object, and of all other objects of its class including crowds; None without a mask."""
    own: NDArray[np.bool_] | None = None
    others: NDArray[np.bool_] | None = None
    for i, mask in enumerate(subject.truth.masks):
        if mask is None:
            continue
        pixels = mask.decode()
        if i == subject.true[index]:
            own = pixels
        else:
            others = pixels if others is None else others | pixels
    return own, others


def _about(subject: Subject, index: int) -> Row:
    one = subject.chosen[[index]]
    box = subject.canvas.geometries[0].to_canvas(one.boxes)
    return {"photograph": subject.truth.file.name, "row": int(one.rows[0]), "label": int(one.labels[0]),
            "score": float(one.scores[0]), "size": float(np.sqrt(areas(box)[0])), "level": int(one.levels[0])}


def _cost(passes: Passes, subject: Subject) -> Row:
    count = len(subject.chosen)
    return {"forwards": passes.forwards / count, "backwards": passes.backwards / count,
            "worth": passes.seconds / count / subject.forward}


def _shares(heatmap: Heatmap, own: NDArray[np.bool_] | None, others: NDArray[np.bool_] | None) -> Row:
    on_masks = mask_shares(heatmap, own, others)
    return {"on mask": on_masks.own, "on others": on_masks.others, "peak on mask": on_masks.peak}


def _curves(heatmap: Heatmap, probe: InsertionDeletion, plan: Plan) -> Row:
    curves = probe.curves(pixel_ranks(heatmap, plan.seed), pixel_shares(plan.steps))
    row = {}
    for baseline, pair in curves.items():
        for kind, curve in zip(("deletion", "insertion"), pair, strict=True):
            row[f"{baseline} {kind}"] = curve.area() / probe.score
            row[f"{baseline} {kind} 10%"] = curve.first() / probe.score
            row[f"{baseline} {kind} best"] = curve.area("best") / probe.score
        row[f"{baseline} empty"] = probe.empty_score(baseline) / probe.score
    return row


def compare_maps(detector: Detector, photographs: Sequence[GroundTruth], specs: Sequence[MapSpec], plan: Plan,
            failures: dict[str, str], done: Callable[[str, str], bool] = lambda photograph, words: False
            ) -> Iterator[list[Row]]:
    """Call :func:`compare_photograph` on one photograph after the other; a failure is recorded, and the run goes on.

    Args:
        detector: whose detections are explained.
        photographs: with their true objects.
        specs: the maps.
        plan: the settings.
        failures: filled with the file name of each photograph that failed, and the reason.
        done: ``(file name of a photograph, words of a map)`` to whether that map is done already.

    Yields:
        The rows of each photograph.
    """
    for truth in photographs:
        wanted = [spec for spec in specs if not done(truth.file.name, spec.words)]
        rows: list[Row] = []
        try:
            rows = compare_photograph(detector, truth, wanted, plan) if wanted else []
        except Exception as error:  # a long run goes on: photographs fail in many ways
            failures[truth.file.name] = " ".join(str(error).split()) or type(error).__name__
        yield rows
