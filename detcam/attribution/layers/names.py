"""Which layers a box is explained at."""

from collections.abc import Iterable, Sequence

from detcam.detectors.base import Detector
from detcam.errors import LayerError, near

AUTO = "auto"
DEPTH = "depth"


def layers_of(detector: Detector, layer: str | Sequence[str], level: int) -> tuple[str, ...]:
    """The layers to explain a box of ``level`` at.

    ``"auto"`` is the detector's ``auto_layer`` of the level, its input to the head;
    ``"depth"`` that and the detector's ``depth_layers``.

    Raises:
        LayerError: no name was given, or the detector has no such layer.
    """
    names = [layer] if isinstance(layer, str) else list(layer)
    if not names:
        raise LayerError("no layer named: give 'depth', 'auto', a name, or several names to fuse")
    known = detector.layer_names()
    for name in names:
        if name not in (AUTO, DEPTH) and name not in known:
            raise LayerError(f"{detector.name} has no layer {name!r}: {near(name, [DEPTH, AUTO, *known])}")
    own = detector.auto_layer(level)
    deep = [stage.name for stage in detector.depth_layers if stage.level != level] if DEPTH in names else []
    meant = {AUTO: [own], DEPTH: [own, *deep]}
    return tuple(dict.fromkeys(each for name in names for each in meant.get(name, [name])))


def layers_of_all(detector: Detector, layer: str | Sequence[str], levels: Iterable[int]) -> list[str]:
    """Every layer that boxes of these levels are explained at, each once.

    Raises:
        LayerError: the detector has no such layer.
    """
    return list(dict.fromkeys(name for level in levels for name in layers_of(detector, layer, level)))
