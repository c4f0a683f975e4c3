"""Maps compared on the same detections: where their heat lies, how faithful they are, what they cost."""

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
from detcam.evaluation.faithfulness import STEPS, Probe, pixel_ranks, pixel_shares
from detcam.evaluation.map_spec import Recipe
from detcam.evaluation.pass_counter import Passes, counted
from detcam.imaging.boxes import areas
from detcam.imaging.image import load_image

Row = dict[str, Any]
TIMED = 3  # plain forwards, of which the median counts


@dataclass(frozen=True)
class Plan:
    """How to compare.

    Attributes:
        class_name: the class of the objects.
        min_score: detections with a score above this.
        objects: at most so many a photograph, drawn by the seed among the detections that found a true box.
        target: what the maps explain: a name of :data:`detcam.attribution.target.TARGETS`.
        baselines: names of :data:`detcam.attribution.inputs.baselines.BASELINES`.
        steps: steps of the insertion and deletion curves.
        chunk: masked canvases in one forward pass.
        seed: where draws, noise and random maps start from.
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
    """One photograph's detections to be explained, and the true objects behind them."""

    canvas: Canvas
    chosen: Detections
    true: NDArray[np.int64]
    truth: GroundTruth
    forward: float


def compare_photograph(detector: Detector, truth: GroundTruth, recipes: Sequence[Recipe], plan: Plan) -> list[Row]:
    """A row for each chosen object of a photograph and each map.

    Curves are shares of the detection's own score, so that every box counts alike. Each row has ``photograph``,
    ``row``, ``label``, ``score``, ``size`` (square root of the box's area, canvas pixels), ``level``, ``map``,
    ``status``, ``forwards``, ``backwards`` (over the objects explained together), ``worth`` (seconds
    over those of a plain forward of the canvas, likewise), ``on mask``, ``on others``, ``peak on mask``, and for each
    baseline ``B``: ``B insertion``, ``B deletion``, ``B insertion 10%``, ``B deletion 10%``, ``B insertion best`` and
    ``B deletion best`` (of the best row of the same label on the box), and ``B empty`` (the whole photo masked).

    Raises:
        ImageError: the photograph cannot be read.
    """
    subject = _subject(detector, truth, plan)
    if not len(subject.chosen):
        return []
    probes = [Probe(detector, subject.canvas, subject.chosen[[index]], plan.baselines, plan.chunk)
              for index in range(len(subject.chosen))]
    masks = [_masks(subject, index, plan.class_name) for index in range(len(subject.chosen))]
    rows = []
    for recipe in recipes:
        with counted(detector) as passes:
            maps = recipe.make(detector, subject.canvas, subject.chosen, TARGETS[plan.target], plan.seed)
        for index, heatmap in enumerate(maps):
            rows.append({**_about(subject, index), "map": recipe.words, "status": heatmap.status,
                         **_cost(passes, subject), **_shares(heatmap, *masks[index]),
                         **_curves(heatmap, probes[index], plan)})
    return rows


def _subject(detector: Detector, truth: GroundTruth, plan: Plan) -> Subject:
    image = load_image(truth.file)
    found = detector.detect(image, plan.min_score)
    found = found[np.isin(found.labels, detector.labels_of([plan.class_name]))]
    own = truth.of_class(plan.class_name)
    matched = match(found.boxes, found.scores, own.boxes, own.crowd, difficult=own.difficult)
    candidates = np.flatnonzero(matched >= 0)
    generator = np.random.default_rng([plan.seed, crc32(truth.file.name.encode())])
    chosen = np.sort(generator.permutation(candidates)[: plan.objects])
    canvas = detector.canvas(image)
    return Subject(canvas, found[chosen], matched[chosen], own, _seconds_of_a_forward(detector, canvas))


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
    """The object's own pixels, and those of all others of its class, crowds too; None where they are not known."""
    own: NDArray[np.bool_] | None = None
    others: NDArray[np.bool_] | None = None
    for number, mask in enumerate(subject.truth.masks):
        if mask is None:
            continue
        pixels = mask.decode()
        if number == subject.true[index]:
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
    found = mask_shares(heatmap, own, others)
    return {"on mask": found.own, "on others": found.others, "peak on mask": found.peak}


def _curves(heatmap: Heatmap, probe: Probe, plan: Plan) -> Row:
    curves = probe.curves(pixel_ranks(heatmap, plan.seed), pixel_shares(plan.steps))
    row = {}
    for baseline, pair in curves.items():
        for kind, curve in zip(("deletion", "insertion"), pair, strict=True):
            row[f"{baseline} {kind}"] = curve.area() / probe.score
            row[f"{baseline} {kind} 10%"] = curve.first() / probe.score
            row[f"{baseline} {kind} best"] = curve.area("best") / probe.score
        row[f"{baseline} empty"] = probe.empty_score(baseline) / probe.score
    return row


def compare(detector: Detector, photographs: Sequence[GroundTruth], recipes: Sequence[Recipe], plan: Plan,
            failures: dict[str, str], done: Callable[[str, str], bool] = lambda photograph, words: False
            ) -> Iterator[list[Row]]:
    """:func:`compare_photograph` for one photograph after the other; a bad one is noted and passed over.

    Args:
        detector, recipes, plan: as there.
        photographs: with their true objects.
        failures: filled with each photograph that failed, and why.
        done: whether a map (its words) of a photograph (its file's name) need not be made.
    """
    for truth in photographs:
        wanted = [each for each in recipes if not done(truth.file.name, each.words)]
        rows: list[Row] = []
        try:
            rows = compare_photograph(detector, truth, wanted, plan) if wanted else []
        except Exception as error:  # a long run goes on: photographs fail in many ways
            failures[truth.file.name] = " ".join(str(error).split()) or type(error).__name__
        yield rows
