"""One detection under many methods, each timed; a method that cannot explain it says why."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from time import perf_counter
from typing import Any

import numpy as np

from detcam.attribution.attribute import attribute
from detcam.attribution.layers.names import DEPTH
from detcam.attribution.method import Method
from detcam.attribution.target import Target, get_target
from detcam.detectors.base import Detector
from detcam.errors import DetcamError, InputError
from detcam.explanations.build import maps_of, numbered_detections
from detcam.explanations.explanation import Explanation
from detcam.explanations.provenance import provenance_of
from detcam.imaging.image import load_image
from detcam.measures.shares import shares


@dataclass(frozen=True)
class MethodComparison:
    """One detection under several methods.

    Attributes:
        explanation: of the one detection, with the maps of every method that explains it.
        seconds: how long each of those took, with forward passes of its own.
        refused: the others, and why they cannot explain it.
    """

    explanation: Explanation
    seconds: tuple[float, ...]
    refused: dict[str, str]


def compare_methods(detector: Detector, image: Any, number: int, methods: Sequence[Method], *,
                    layer: str | Sequence[str] = DEPTH, target: str | Target = "logit", min_score: float | None = None,
                    classes: str | Sequence[str | int] | None = None, seed: int = 0,
                    step: Callable[[Method], None] = lambda method: None) -> MethodComparison:
    """Explain one detection with one method after the other.

    Args:
        detector: from :func:`detcam.load`.
        image: a path, PIL image, uint8 NumPy array ``[H, W, 3]`` RGB or torch tensor ``[3, H, W]``.
        number: which detection, best score first, from 1.
        methods: at least one.
        layer: ``"depth"``, ``"auto"``, a layer's name, or a list of names to fuse; pixel methods do not use it.
        target: what is explained: a name, such as ``"logit"``, or a :class:`Target`.
        min_score: detections with a score above this, from 0 to 1; None is the detector's own threshold.
        classes: only these class names or indices; a string is one class.
        seed: where a method's noise starts from.
        step: called with each method before it runs.

    Raises:
        InputError: there is no such detection, or no method can explain it.
    """
    photo = load_image(image)
    min_score = detector.min_score if min_score is None else min_score
    wanted = None if classes is None else detector.labels_of(classes)
    found = numbered_detections(detector.detect(photo, min_score), wanted)
    if not 1 <= number <= len(found):
        have = f"its boxes are 1 to {len(found)}" if len(found) else f"nothing has a score above {min_score:g}"
        raise InputError(f"{photo.name}: there is no box {number}; {have}")
    one, what, canvas = found[[number - 1]], get_target(target, detector), detector.canvas(photo)
    maps, seconds, refused = [], [], {}
    for method in methods:
        step(method)
        begun = perf_counter()
        try:
            attribution = attribute(detector, canvas, one, method, layer, what, seed)
        except DetcamError as error:
            refused[method.name] = str(error)
            continue
        seconds.append(perf_counter() - begun)
        maps.append(maps_of(attribution, method, shares(attribution, one.boxes)))
    if not maps:
        raise InputError(f"no method explains box {number}: " + "; ".join(refused.values()))
    explanation = Explanation(
        image=photo, detections=one, class_names=detector.class_names, maps=tuple(maps), edges=None, percentiles=None,
        heat_gap=np.full((1, 4), np.nan), provenance=provenance_of(detector, None, min_score, seed),
        numbered=(number,), detection_count=len(found))
    return MethodComparison(explanation, tuple(seconds), refused)
