"""Adapter for a plain callable, from a photograph to boxes, whose layers and gradients are out of reach."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from detcam.detectors.base import PER_INPUT, Detector
from detcam.detectors.canvas import Canvas
from detcam.detectors.detections import Detections
from detcam.detectors.from_tensors import detections_of, without_rows
from detcam.detectors.prediction import Prediction
from detcam.detectors.table_prediction import TablePrediction, table_prediction
from detcam.errors import DetectorError, InputError, LayerError
from detcam.imaging.geometry import Geometry
from detcam.imaging.image import Image

UNKNOWN = "unknown"  # the fingerprint of a callable
Answer = tuple[NDArray[np.float32], NDArray[np.int64], NDArray[np.float32]]  # boxes [N, 4], labels [N], scores [N]


class Callee(nn.Module):
    """A callable in the place of a network, without weights and without layers."""

    def __init__(self, function: Callable[[NDArray[np.uint8]], Any]) -> None:
        super().__init__()
        self.function = function

    def forward(self, rgb: NDArray[np.uint8]) -> Any:
        return self.function(rgb)


class BlackBoxDetector(Detector):
    """A callable from a photograph to boxes; the canvas is the photograph as it is.

    Its rows are its detections, in its own order: another photograph has others. Methods that mask the photograph
    explain it (D-RISE is the default); layers, gradients, edges and its selection step by step are out of reach.

    Args:
        function: uint8 ``[H, W, 3]`` RGB to ``(boxes [N, 4] xyxy source pixels, labels [N], scores [N])``, NumPy
            arrays, tensors or lists. It has to give the same answer twice.
        class_names: label to class name; a sequence names the labels from 0 on.
        name: what messages and provenance call it; None takes the function's own name.

    Raises:
        InputError: there are no class names.
    """

    family = "blackbox"
    rows = PER_INPUT
    differentiable = False
    default_method = "drise"

    def __init__(self, function: Callable[[NDArray[np.uint8]], Any],
                 class_names: Mapping[int, str] | Sequence[str] | None = None, name: str | None = None) -> None:
        self.name = name or str(getattr(function, "__name__", type(function).__name__))
        if not class_names:
            raise InputError(f"{self.name}: a plain callable needs class_names, a list from label 0 on or a dictionary")
        self.model = Callee(function)
        self.architecture = "callable"
        named = class_names.items() if isinstance(class_names, Mapping) else enumerate(class_names)
        self.class_names = {int(label): str(class_name) for label, class_name in named}

    @property
    def head(self) -> None:
        return None

    @property
    def n_levels(self) -> int:
        return 0

    @property
    def targets(self) -> tuple[str, ...]:
        """The box being found at all, which is what D-RISE explains under each of these names."""
        return "logit", "probability", "similarity"

    @property
    def fingerprint(self) -> str:
        """``"unknown"``: which weights a callable uses, if any, cannot be seen."""
        return UNKNOWN

    @property
    def device(self) -> torch.device:
        return torch.device("cpu")

    @property
    def dtype(self) -> torch.dtype:
        return torch.float32

    def auto_layer(self, level: int) -> str:
        raise LayerError(f"{self.name} is a plain callable and has no layers: use method='drise'")

    @property
    def mismatch_hint(self) -> str:
        return "it does not give the same answer twice: switch off what is random in it"

    def canvas(self, image: Image) -> Canvas:
        pixels = torch.from_numpy(image.rgb).permute(2, 0, 1)[None].float() / 255
        size = (image.height, image.width)
        return Canvas(pixels, (Geometry(size, size, (1.0, 1.0)),))

    def forward(self, pixels: Tensor) -> TablePrediction:
        """Ask about each canvas ``[B, 3, h, w]``; shorter answers are filled up with empty boxes of score 0."""
        bytes_ = (pixels.detach() * 255).round().clamp(0, 255).to(torch.uint8).permute(0, 2, 3, 1).cpu().numpy()
        answers = [self._ask(np.ascontiguousarray(rgb)) for rgb in bytes_]
        most = max(1, *(len(scores) for _, _, scores in answers))
        boxes = torch.zeros(len(answers), most, 4)
        scores = torch.zeros(len(answers), most, max(self.class_names) + 1)
        for image, (answered, labels, values) in enumerate(answers):
            boxes[image, : len(answered)] = torch.from_numpy(answered)
            scores[image, torch.arange(len(answered)), torch.from_numpy(labels)] = torch.from_numpy(values)
        return table_prediction(scores, boxes, lambda values: values)  # no logits: scores stand for them

    def _ask(self, rgb: NDArray[np.uint8]) -> Answer:
        """The callable's answer about a photograph, uint8 ``[H, W, 3]`` RGB, checked.

        Raises:
            DetectorError: it is not boxes, labels and scores of one length, or has a score outside 0..1 or a label
                without a name.
        """
        answer = self.model(rgb)
        try:
            boxes, labels, scores = map(_array, answer)
            boxes = boxes.reshape(-1, 4) if boxes.size == 0 else boxes
        except (TypeError, ValueError):
            raise DetectorError(f"{self.name}: expected (boxes [N, 4], labels [N], scores [N]), got "
                                f"{type(answer).__name__}") from None
        if boxes.shape != (len(scores), 4) or labels.shape != scores.shape or scores.ndim != 1:
            raise DetectorError(f"{self.name}: expected boxes [N, 4], labels [N] and scores [N], got "
                                f"{list(boxes.shape)}, {list(labels.shape)} and {list(scores.shape)}")
        if len(scores) and not 0 <= scores.min() <= scores.max() <= 1:
            raise DetectorError(f"{self.name}: expected scores from 0 to 1, got {scores.min():g} to {scores.max():g}")
        unknown = set(labels.astype(int).tolist()) - set(self.class_names)
        if unknown:
            raise DetectorError(f"{self.name}: answered with label {min(unknown)}, which is not in class_names: add it")
        return boxes.astype(np.float32), labels.astype(np.int64), scores.astype(np.float32)

    def select(self, prediction: Prediction, canvas: Canvas, min_score: float) -> list[Detections]:
        selected = []
        for boxes, scores in zip(prediction.boxes, prediction.scores, strict=True):
            best, labels = scores.max(1)
            rows = torch.where(best > min_score)[0]
            selected.append(detections_of(prediction, rows, labels[rows], best[rows], boxes[rows]))
        return selected

    def library_detections(self, image: Image, min_score: float) -> Detections:
        boxes, labels, scores = map(torch.from_numpy, self._ask(np.ascontiguousarray(image.rgb)))
        kept = scores > min_score
        return without_rows(boxes[kept], labels[kept], scores[kept])


def _array(values: Any) -> NDArray[Any]:
    return values.detach().cpu().numpy() if isinstance(values, Tensor) else np.asarray(values)
