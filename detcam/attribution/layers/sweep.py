"""One box at many layers, from shallow to deep."""

from collections.abc import Sequence
from dataclasses import dataclass

from detcam.attribution.attribute import attribute
from detcam.attribution.gradients.tape import Tape
from detcam.attribution.heatmap import Heatmap
from detcam.attribution.layers.names import layers_of
from detcam.attribution.method import LAYER, Method
from detcam.attribution.target import Target
from detcam.detectors.base import Detector
from detcam.detectors.canvas import Canvas
from detcam.detectors.detections import Detections
from detcam.detectors.layers.stages import LEVEL, Stage
from detcam.errors import MethodError


@dataclass(frozen=True)
class Sweep:
    """One method's maps of every detection at many layers.

    Attributes:
        method: the method's name.
        channels: how many channels each layer has; layers stand in the order in which the network runs them.
        levels: of which level of the head a layer's map is the input.
        heatmaps: for each detection its map at each of those layers; empty for detections that were not asked for.
    """

    method: str
    channels: dict[str, int]
    levels: dict[str, int]
    heatmaps: tuple[dict[str, Heatmap], ...]

    def __getitem__(self, index: Sequence[int]) -> "Sweep":
        """The maps of some of the detections."""
        return Sweep(self.method, self.channels, self.levels, tuple(self.heatmaps[i] for i in index))


def sweep_of(detector: Detector, canvas: Canvas, detections: Detections, method: Method, target: Target,
             layers: Sequence[str] | None = None, only: Sequence[int] | None = None) -> Sweep:
    """A method's maps of each detection at many layers, from one forward pass and one backward pass a detection.

    Args:
        detector: what is explained.
        canvas: one photograph.
        detections: its boxes.
        method: a layer method.
        target: what is explained about each box.
        layers: their names, from shallow to deep; None takes :func:`stages`, which costs one more forward pass.
        only: the indices of the detections that are wanted; None for all.

    Raises:
        LayerError: an unknown layer, or one that gives no map.
        MethodError: it is no layer method.
    """
    if method.kind != LAYER:
        raise MethodError(f"method {method.name!r} does not go layer by layer, and a sweep needs a layer "
                          "method, such as 'hirescam'")
    if layers is None:
        chosen = detector.stages(canvas.pixels)
    else:
        chosen = [Stage(name, int(name.removeprefix(LEVEL)) if name.startswith(LEVEL) else None)
                  for name in layers_of(detector, layers, 0)]
    names = [stage.name for stage in chosen]
    wanted = sorted(range(len(detections)) if only is None else only)
    heatmaps: list[dict[str, Heatmap]] = [{} for _ in range(len(detections))]
    with Tape(detector, canvas.pixels, names) as tape:
        found = attribute(detector, canvas, detections[wanted], method, names, target, tape=tape)
        for i, by_layer in zip(wanted, found.by_layer, strict=True):
            heatmaps[i] = by_layer
        channels = {name: int(tape.activations[name].shape[1]) for name in names}
    levels = {stage.name: stage.level for stage in chosen if stage.level is not None}
    return Sweep(method.name, channels, levels, tuple(heatmaps))

