"""Detection transformers, whose rows are queries: predictions and detections, for every family of them.

A query looks at the whole photograph; the level and the cell that it is explained at are each family's to say.
"""

from abc import abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

import torch
from torch import Tensor
from torchvision.ops import box_convert

from detcam.detectors.base import PER_INPUT, Detector
from detcam.detectors.canvas import Canvas
from detcam.detectors.detections import Detections
from detcam.detectors.from_tensors import detections_of
from detcam.detectors.prediction import Level, Prediction
from detcam.detectors.selection.selection import Selection
from detcam.imaging.grid import Grid


@dataclass(frozen=True)
class Queries:
    """What the last decoder layer says about each query, on the graph.

    Attributes:
        logits: ``[B, Q, C]`` class logits of ``Q`` queries.
        boxes: ``[B, Q, 4]`` centre x and y, width and height as shares of the canvas.
        levels: ``[B, Q]`` the index of the level that a query is explained at.
        cells: ``[B, Q, 2]`` the cell ``(y, x)`` of that level that it belongs to.
    """

    logits: Tensor
    boxes: Tensor
    levels: Tensor
    cells: Tensor


@dataclass(frozen=True)
class QueryPrediction(Prediction):
    """A prediction whose rows are queries, which are others on every changed copy of a photograph (``PER_INPUT``).

    Its levels say where the head's maps lie on the canvas, and hold no outputs: the queries do.

    Attributes:
        queries: the raw outputs, on the graph.
    """

    queries: Queries = field(kw_only=True)

    def level_of(self, row: int) -> int:
        return int(self.queries.levels[0, row])

    def cell_of(self, row: int) -> tuple[int, int]:
        y, x = self.queries.cells[0, row].tolist()
        return y, x

    def rows_at(self, level: int) -> Tensor:
        return torch.where(self.queries.levels[0] == level)[0]

    def class_logits(self, row: int) -> Tensor:
        return self.queries.logits[:, row]

    def box_outputs(self, row: int) -> Tensor:
        return self.queries.boxes[:, row]

    def of_image(self, image: int) -> "QueryPrediction":
        """The prediction for one image of the batch alone, with the levels and cells of its queries."""
        only = slice(image, image + 1)
        queries = Queries(self.queries.logits[only], self.queries.boxes[only], self.queries.levels[only],
                          self.queries.cells[only])
        return replace(super().of_image(image), queries=queries)


def query_prediction(queries: Queries, maps: Sequence[tuple[int, int]], size: tuple[int, int],
                     activate: Callable[[Tensor], Tensor]) -> QueryPrediction:
    """The prediction of a batch of canvases.

    Args:
        queries: what is said about each query.
        maps: height and width of each level, in cells.
        size: height and width of the canvas, in pixels.
        activate: logits ``[..., C]`` to probabilities ``[..., C]``.
    """
    height, width = size
    canvas = queries.boxes.new_tensor([width, height, width, height])

    def decode(raw: Tensor, rows: Tensor) -> Tensor:
        corners: Tensor = box_convert(raw, "cxcywh", "xyxy") * canvas
        return corners

    with torch.no_grad():
        scores = activate(queries.logits.detach())
        boxes = decode(queries.boxes.detach(), torch.empty(0))
    levels = tuple(_empty(boxes, cells, Grid((width / cells[1], height / cells[0]))) for cells in maps)
    return QueryPrediction(boxes, scores, levels, activate, decode, queries=queries)


def _empty(boxes: Tensor, cells: tuple[int, int], grid: Grid) -> Level:
    """A level of so many cells, height and width, without outputs."""
    nothing = boxes.new_empty((len(boxes), 0, *cells))
    return Level(nothing, nothing, 1, 0, grid)


def cells_of_centres(boxes: Tensor, cells: tuple[int, int]) -> Tensor:
    """The cell ``(y, x)`` in which each box's centre lies, ``[B, Q, 2]``.

    Args:
        boxes: ``[B, Q, 4]`` centre x and y, width and height as shares of the canvas.
        cells: height and width of the level, in cells.
    """
    height, width = cells
    x, y = (boxes[..., 0] * width).long().clamp(0, width - 1), (boxes[..., 1] * height).long().clamp(0, height - 1)
    return torch.stack([y, x], -1)


def query_detections(prediction: Prediction, canvas: Canvas, image: int, rows: Tensor, labels: Tensor) -> Detections:
    """Detections of one image of the batch, their boxes in source pixels and not clipped.

    Args:
        prediction: of the batch.
        canvas: the batch.
        image: the image's index in it.
        rows: ``[N]`` the queries that are detected.
        labels: ``[N]``.
    """
    assert isinstance(prediction, QueryPrediction)
    alone = prediction.of_image(image)
    boxes = torch.from_numpy(canvas.geometries[image].to_source(alone.boxes[0, rows].double().cpu().numpy()))
    return detections_of(alone, rows, labels, alone.scores[0, rows, labels], boxes)


class QueryDetector(Detector):
    """A detector whose rows are queries, others on every changed copy of a photograph."""

    rows = PER_INPUT

    def select(self, prediction: Prediction, canvas: Canvas, min_score: float) -> list[Detections]:
        selected = []
        for image in range(len(canvas.geometries)):
            kept = self._selection(prediction, image, min_score).kept()
            selected.append(query_detections(prediction, canvas, image, kept.rows, kept.labels))
        return selected

    def selection(self, prediction: Prediction, canvas: Canvas, min_score: float) -> Selection:
        return self._selection(prediction, 0, min_score)

    @abstractmethod
    def _selection(self, prediction: Prediction, image: int, min_score: float) -> Selection:
        """The steps of the family's selection for one image of the batch, by its index."""
