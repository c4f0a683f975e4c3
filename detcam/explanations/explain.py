"""explain(): one photograph to every box beside its own heatmaps and numbers."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from detcam.attribution.layers.names import DEPTH
from detcam.attribution.layers.sweep import sweep_of
from detcam.attribution.method import LAYER, Method
from detcam.attribution.target import Target, difference
from detcam.attribution.task import keys_of
from detcam.detectors.base import Detector
from detcam.errors import InputError
from detcam.explanations.build import explained_by, numbered_detections, trace
from detcam.explanations.explanation import Explanation, indices_of_numbers
from detcam.explanations.settings import setting_of
from detcam.imaging.image import load_image
from detcam.measures.reference import Reference
from detcam.verdicts.place import places_of
from detcam.verdicts.search import best_rows

MAX_BOXES = 30


def explain(detector: Detector, image: Any, *, method: Any = None, layer: str | Sequence[str] = DEPTH,
            target: str | Target = "logit", min_score: float | None = None,
            classes: str | Sequence[str | int] | None = None, max_boxes: int | None = MAX_BOXES, edges: bool = True,
            edge_maps: bool = False, edge_layer: str | None = None, reference: Reference | None = None,
            seed: int = 0, at: Any = None, box: Any = None, sweep: bool | Sequence[int] = False,
            versus: int | None = None) -> Explanation:
    """Explain every box that the detector draws on a photograph, or why it draws none at a place.

    With ``at`` or ``box``, the raw row that speaks for each place is explained instead, detected or not, with a
    :class:`Verdict` on it, and beside it what took its place: the box that suppressed it, the class that won its row.

    Args:
        detector: from :func:`detcam.load`.
        image: a path, PIL image, NumPy array ``[H, W, 3]`` RGB or torch tensor ``[3, H, W]``.
        method: a name, a :class:`Method`, a function ``(activations, gradients) -> [h, w]``, or a list of those;
            None is ``"hirescam"``, and ``"drise"`` for a plain callable.
        layer: ``"depth"`` (the box's own level fused with shallower layers: the most faithful maps, docs/measurements),
            ``"auto"`` (the box's own level), a layer's name, or a list of names to fuse.
        target: ``"logit"``, ``"probability"``, ``"margin"`` (the logit minus the runner-up's, the background included
            where there is one), ``"left"``, ``"top"``, ``"right"``, ``"bottom"``, ``"width"``, ``"height"``,
            ``"objectness"`` where the head has one, ``"similarity"`` (the largest IoU with the box times score of any
            row), or a :class:`Target`. Where the detector's rows are others on every changed copy of a photograph,
            methods that change it explain the similarity instead of the logit or the probability.
        min_score: detections with a score above this; None is 0.25, for ``detcam-person-ssd`` 0.5, for a classifier 0.
        classes: only these class names or indices; a string is one class.
        max_boxes: at most so many, best score first; None for all.
        edges: measure what each edge rests on, where the detector's boxes have edges to explain.
        edge_maps: also keep each edge's signed map.
        edge_layer: where the evidence on an edge is taken; None is the detector's own choice.
        reference: sound boxes to compare the evidence with; None takes the one that ships for this detector, if any.
        seed: where a method's noise starts from.
        at: a point ``(x, y)`` in source pixels, or a list of points, to ask about.
        box: a box ``(x1, y1, x2, y2)`` in source pixels, or a list of boxes, to ask about.
        sweep: also keep the first layer method's maps at one layer for each change of the map's size, of every
            detection, or of those with these numbers (from 1).
        versus: explain of every box what speaks for it and not for the box with this number (from 1): the difference
            of the two targets.

    Raises:
        InputError: an argument, image, layer, method or class is not what was expected.
        MismatchError: the model's own detections are not the ones the adapter selects.
    """
    setting = setting_of(detector, method, layer, target, min_score, edges, edge_maps, edge_layer, reference, seed)
    if max_boxes is not None and max_boxes < 1:
        raise InputError(f"max_boxes {max_boxes}: expected at least 1")
    swept = swept_method(setting.methods) if sweep else None
    photo = load_image(image)
    places = places_of(at, box, photo)
    wanted = None if classes is None else detector.labels_of(classes)
    canvas = detector.canvas(photo)
    with setting.tape(detector, canvas) as tape:
        detector.check(photo, tape.prediction, canvas)
        every = numbered_detections(detector.select(tape.prediction, canvas, setting.min_score)[0], wanted)
        asked = None if not places else best_rows(
            detector, tape.prediction, canvas, photo, places, every, setting.min_score, wanted)
        detections = every[: max_boxes or len(every)] if asked is None else asked.detections
        numbered = tuple(range(1, len(detections) + 1)) if asked is None else asked.numbered
        what = setting.target
        if versus is not None:
            other = indices_of_numbers([versus], numbered, "versus")[0]
            what = difference(what, keys_of(detections)[other], f"box {versus}")
        traced = trace(detector, tape, canvas, [detections], setting, what)[0]
    explanation = explained_by(traced, detector, canvas, photo, setting, detections, numbered, len(every), asked)
    if swept is None:
        return explanation
    only = None if isinstance(sweep, bool) else indices_of_numbers(sweep, numbered, "sweep")
    return replace(explanation, sweep=sweep_of(detector, canvas, detections, swept, what, only=only))


def swept_method(methods: Sequence[Method]) -> Method:
    """The method that a sweep takes: the first layer method.

    Raises:
        InputError: all of them explain pixels.
    """
    for method in methods:
        if method.kind == LAYER:
            return method
    raise InputError(f"a sweep goes through layers, and {methods[0].name!r} knows no layers: add a layer method, such "
                     "as 'hirescam'")
