"""The layers of a detector that are worth looking at, and whose levels' boxes each of them can explain."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch

from detcam.attribution.gradients.tape import Tape
from detcam.attribution.layers.names import AUTO
from detcam.attribution.target import TARGETS
from detcam.detectors.base import Detector
from detcam.detectors.canvas import Canvas
from detcam.detectors.prediction import Prediction
from detcam.imaging.grid import Grid


@dataclass(frozen=True)
class UsefulLayer:
    """A layer that ``layer=`` takes.

    Attributes:
        name: what it is called there.
        grid: stride and origin of its cells, canvas pixels.
        cells: height and width of its map, in cells.
        channels: how many it has.
        level: the head's level that its map is the input of; None for the others.
        explains: the levels whose boxes rest on it, of those that have rows on the canvas.
        in_depth: whether ``layer="depth"`` fuses it for every box; a box's own level it fuses always.
        edge_layer: whether the evidence on the edges is taken there.
    """

    name: str
    grid: Grid
    cells: tuple[int, int]
    channels: int
    level: int | None
    explains: tuple[int, ...]
    in_depth: bool
    edge_layer: bool


def useful_layers(detector: Detector, canvas: Canvas) -> list[UsefulLayer]:
    """One layer for each change of the map's size, from shallow to deep, and the edge layer.

    Whether a layer can explain the boxes of a level is tested with that level's best row on the canvas: it can where
    autograd finds a path from the layer to that row.

    Args:
        detector: whose layers.
        canvas: one photograph.
    """
    found = detector.stages(canvas.pixels)
    levels = {stage.name: stage.level for stage in found}
    edge = detector.edge_layer
    names = list(levels)
    if edge not in (AUTO, *names):
        order = {name: place for place, (name, _) in enumerate(detector.model.named_modules())}
        after = [place for place, name in enumerate(names) if order.get(name, -1) > order[edge]]
        names.insert(after[0] if after else len(names), edge)
    depth = {stage.name for stage in detector.depth_layers}
    with Tape(detector, canvas.pixels, names) as tape:
        explains: dict[str, list[int]] = {name: [] for name in names}
        for level, key in _best_rows(tape.prediction, sorted(detector.class_names)).items():
            for name, gradient in zip(names, next(tape.gradients_at(names, [key], TARGETS["logit"])), strict=True):
                if gradient is not None:
                    explains[name].append(level)
        return [UsefulLayer(name, tape.grid(name), _cells(tape, name), int(tape.activations[name].shape[1]),
                            levels.get(name), tuple(explains[name]), name in depth, name == edge) for name in names]


def _cells(tape: Tape, name: str) -> tuple[int, int]:
    height, width = tape.activations[name].shape[-2:]
    return int(height), int(width)


def _best_rows(prediction: Prediction, labels: Sequence[int]) -> dict[int, tuple[int, int]]:
    """Row and label of the highest score of each level that has rows; of all rows, as level -1, without levels."""
    best = {}
    rows, scores, columns = prediction.candidates(labels)
    if not prediction.levels:
        place, column = divmod(int(scores.argmax()), scores.shape[1])
        return {-1: (int(rows[place]), int(columns[place, column]))}
    for number in range(len(prediction.levels)):
        own = torch.isin(rows, prediction.rows_at(number).to(rows.device))
        if own.any():
            place, column = divmod(int(scores[own].argmax()), scores.shape[1])
            best[number] = int(rows[own][place]), int(columns[own][place, column])
    return best
