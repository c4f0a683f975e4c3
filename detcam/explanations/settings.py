"""What is done with every box: the methods, layers and targets, checked against the detector."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from detcam.attribution.attribute import check_method, share_a_pass
from detcam.attribution.gradients.tape import Tape
from detcam.attribution.layers.names import DEPTH, layers_of_all
from detcam.attribution.method import LAYER, Method
from detcam.attribution.methods.registry import get_method
from detcam.attribution.methods.table import CHANNEL
from detcam.attribution.target import Target, get_target
from detcam.detectors.base import Detector
from detcam.detectors.canvas import Canvas
from detcam.errors import InputError
from detcam.measures.reference import Reference


@dataclass(frozen=True)
class Setting:
    """What is done with every row, checked against the detector.

    Attributes:
        methods: at least one.
        layer: ``"depth"``, ``"auto"``, a layer's name, or several names to fuse.
        edge_maps: whether each edge's signed map is kept.
        edge_layer: where the evidence on an edge is taken; None is the detector's own choice.
        reference: sound boxes to compare the evidence with; None is the shipped one, where there is one.
        seed: where a method's noise starts from.
        target: what is explained.
        min_score: the detections are those with a score above it.
        edges: whether what each edge rests on is measured.
    """

    methods: tuple[Method, ...]
    layer: str | Sequence[str]
    target: Target
    min_score: float
    edges: bool
    edge_maps: bool
    edge_layer: str | None
    reference: Reference | None
    seed: int

    def layers(self, detector: Detector) -> list[str]:
        """Every layer that boxes of any level are explained at.

        Raises:
            LayerError: the detector has no such layer.
        """
        recorded = any(each.kind in (LAYER, CHANNEL) for each in self.methods)
        found = layers_of_all(detector, self.layer, detector.levels) if recorded else []
        edge_layer = self.edge_layer or detector.edge_layer
        return found + (layers_of_all(detector, edge_layer, detector.levels) if self.edges else [])

    def tape(self, detector: Detector, canvas: Canvas) -> Tape:
        """One forward pass of the canvas that serves the boxes, their maps and their edges, whatever they are."""
        return Tape(detector, canvas.pixels, self.layers(detector))

    def together(self, detector: Detector) -> bool:
        """Whether several photographs can be explained by one forward pass."""
        return share_a_pass(detector, self.methods, self.target)


def setting_of(detector: Detector, method: Any = None, layer: str | Sequence[str] = DEPTH,
               target: str | Target = "logit", min_score: float | None = None, edges: bool = True,
               edge_maps: bool = False, edge_layer: str | None = None, reference: Reference | None = None,
               seed: int = 0) -> Setting:
    """A setting from the arguments of :func:`detcam.explain` of the same names.

    Raises:
        InputError, MethodError: the detector has no edges, or not what a method or target needs.
    """
    min_score = detector.min_score if min_score is None else min_score
    if not detector.has_edges and (edge_maps or edge_layer or reference):
        raise InputError(f"edge_maps, edge_layer and reference: the boxes of {detector.name} have no edges to explain")
    if not 0 <= min_score < 1:
        raise InputError(f"min_score {min_score}: expected a number from 0 to 1")
    method = detector.default_method if method is None else method
    methods = tuple(get_method(each) for each in (method if isinstance(method, (list, tuple)) else [method]))
    if not methods:
        raise InputError("no method named: give at least one")
    for each in methods:
        check_method(detector, each)
    return Setting(methods, layer, get_target(target, detector), min_score, edges and detector.has_edges, edge_maps,
                   edge_layer, reference, seed)
