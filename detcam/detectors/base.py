"""What every detector family offers: canvas, forward, and the library's own selection with rows."""

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from functools import cached_property
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from detcam.detectors.canvas import Canvas
from detcam.detectors.detections import Detections
from detcam.detectors.finite import refuse_bad_prediction, refuse_bad_weights
from detcam.detectors.layers.stages import LEVEL, Stage, stages
from detcam.detectors.model_state import borrowed, fingerprint_of
from detcam.detectors.parity import refuse_other_detections
from detcam.detectors.prediction import Prediction
from detcam.detectors.selection.selection import Selection
from detcam.errors import ClassNameError, DetectorError, near
from detcam.imaging.image import Image

BLANK = 64  # pixels a side of a photograph whose content does not matter
DETECT, CLASSIFY = "detect", "classify"
FIXED, FROZEN, PER_INPUT = "fixed", "frozen", "per_input"

CLASS_TARGETS = ("logit", "probability", "margin")
BOX_TARGETS = ("left", "top", "right", "bottom", "width", "height")
SIMILARITY = "similarity"  # IoU times class score with any row: for rows that are others on every changed copy
OBJECTNESS = "objectness"


class Detector(ABC):
    """A model of one family: its canvas, its raw predictions, its detections with their rows, its levels and layers.

    Attributes:
        name: what messages and provenance call it.
        family: the adapter's word, such as ``"ssd"``.
        architecture: what models with other weights share with it, such as ``"yolov8n"``.
        model: the network that is explained.
        class_names: label to class name, of all that the model may report.
        rows: what a row is on a changed copy of a photograph: ``"fixed"``, the same anchor or cell; ``"frozen"``, the
            same proposal inside :meth:`frozen_proposals` and another one outside; ``"per_input"``, always another one.
        differentiable: whether layers and gradients can be read; of a plain callable there are only the answers.
        default_method: the method that explains it where no other is named.
        min_score: the score above which detections are explained where no other is named, 0..1.
        task: ``"detect"``, or ``"classify"`` where every detection is a class of the whole photograph.
    """

    name: str
    family: str
    architecture: str
    model: Any  # an nn.Module, whose own attributes only its adapter knows
    class_names: dict[int, str]
    rows: str = FIXED
    differentiable: bool = True
    default_method: str = "hirescam"
    min_score: float = 0.25  # what ultralytics' predict takes
    task: str = DETECT
    _checked: bool = False
    _weights_checked: bool = False

    @abstractmethod
    def canvas(self, image: Image) -> Canvas:
        """The photograph after the model's own resizing and padding, as a canvas of one image.

        Its pixels are RGB in 0..1, before the model's normalisation, on the model's device and of its kind of floats.
        """

    @abstractmethod
    def forward(self, pixels: Tensor) -> Prediction:
        """Run the network on canvases, in the caller's gradient mode.

        Args:
            pixels: ``[B, 3, h, w]`` RGB in 0..1.
        """

    @abstractmethod
    def select(self, prediction: Prediction, canvas: Canvas, min_score: float) -> list[Detections]:
        """The library's own threshold, top-k and suppression, with rows.

        Args:
            prediction: of ``B`` canvases.
            canvas: the same canvases.
            min_score: detections have a higher score, 0..1.

        Returns:
            One :class:`Detections` an image, boxes in source pixels, in the library's order.
        """

    def selection(self, prediction: Prediction, canvas: Canvas, min_score: float) -> Selection:
        """The steps of :meth:`select` on image 0, as data: what it keeps, and why it drops what it drops.

        Args:
            prediction, canvas, min_score: of :meth:`select`.

        Raises:
            DetectorError: this family's selection is not known step by step.
        """
        raise DetectorError(f"{self.name}: the selection of {self.family} models is not known step by step, so detcam "
                            "cannot say why a place has no box; ask about the boxes that it draws")

    @abstractmethod
    def library_detections(self, image: Image, min_score: float) -> Detections:
        """What the library itself reports for a photograph above a score: boxes in source pixels, no rows (-1)."""

    @property
    @abstractmethod
    def head(self) -> nn.Module | None:
        """The module whose first argument is the list of the levels' maps ``[B, c, h, w]``; None without levels."""

    def head_modules(self, level: int) -> tuple[nn.Module, ...]:
        """The modules that turn the map of a level (its index) into class logits and box outputs; none where a row
        depends on more of the map than a few cells around its own."""
        return ()

    def auto_layer(self, level: int) -> str:
        """The layer that ``layer="auto"`` means for a box of a level (its index): what the head takes as that level."""
        return f"{LEVEL}{level}"

    @property
    def neck(self) -> nn.Module | None:
        """The module that makes fine maps from the backbone's coarse ones, where it is one module; None otherwise."""
        return None

    @property
    def edge_layer(self) -> str:
        """The layer at which the evidence for an edge is measured."""
        return "auto"

    @property
    def targets(self) -> tuple[str, ...]:
        """The targets that can be explained about a row; ``"objectness"`` only where the heads have one."""
        return (*CLASS_TARGETS, *BOX_TARGETS, SIMILARITY)

    @property
    def has_edges(self) -> bool:
        """Whether the edges of its boxes can be explained."""
        return BOX_TARGETS[0] in self.targets

    @contextmanager
    def frozen_proposals(self, prediction: Prediction, rows: bool = True) -> Iterator[None]:
        """In the block every forward pass takes the proposals of ``prediction``, so that rows keep their meaning.

        Detectors whose rows are not ``"frozen"`` do nothing here.

        Args:
            prediction: of the unchanged canvas.
            rows: False lets the detector find its proposals on every copy; only the photograph's size on the canvas is
                taken from ``prediction``.
        """
        yield

    @cached_property
    def depth_layers(self) -> tuple[Stage, ...]:
        """The layers that ``layer="depth"`` fuses with the box's own level, from shallow to deep."""
        stages = [stage for stage in self.stages(self.blank_canvas()) if not stage.name.startswith(LEVEL)]
        order = {name: i for i, (name, _) in enumerate(self.model.named_modules())}
        names = [stage.name for stage in stages]
        if self.edge_layer in names:
            first = names.index(self.edge_layer)
        else:
            edge = order.get(self.edge_layer, len(order))
            first = next((i for i, name in enumerate(names) if order[name] >= edge), len(stages))
        return tuple(stage for stage in stages[first:] if self.in_depth(stage))

    def blank_canvas(self) -> Tensor:
        """Grey pixels ``[1, 3, h, w]``, RGB in 0..1, on a canvas large enough to tell layers by their maps' sizes."""
        return self.canvas(Image(np.full((BLANK, BLANK, 3), 114, np.uint8), "a blank photograph")).pixels

    def stages(self, pixels: Tensor) -> list[Stage]:
        """The layers worth looking at, from shallow to deep, on a canvas ``[1, 3, h, w]``, RGB in 0..1."""
        def run() -> None:
            with self.borrowed(), torch.no_grad():
                self.forward(pixels)

        return stages(self.model, self.head, self.neck, run)

    def in_depth(self, stage: Stage) -> bool:
        """Whether a stage that is no shallower than the edge layer is one of ``depth_layers``: no level's input is."""
        return stage.level is None

    @property
    def mismatch_hint(self) -> str:
        """The end of the error message for detections that differ from the model's own: what to set or to compare."""
        return "this model post-processes in its own way, which detcam cannot follow"

    @property
    def rivals(self) -> dict[int, str]:
        """The columns of a row's logits that compete for it, with their names: the classes and, where there is one, the
        background."""
        return self.class_names

    @cached_property
    def fingerprint(self) -> str:
        """Which weights these are: the first 16 hexadecimal digits of a SHA-256 over all of them."""
        return fingerprint_of(self.model)

    @property
    def device(self) -> torch.device:
        """Where the model runs."""
        return next(self.model.parameters()).device

    @property
    def dtype(self) -> torch.dtype:
        """The model's kind of floats."""
        return next(self.model.parameters()).dtype

    def detect(self, image: Image, min_score: float | None = None) -> Detections:
        """Detections of a photograph, equal to the library's own, with their rows.

        Args:
            image: the photograph.
            min_score: detections have a higher score, 0..1; None takes the detector's ``min_score``.

        Raises:
            MismatchError, WeightsError, DetectorError: as of :meth:`check`.
        """
        canvas = self.canvas(image)
        with self.borrowed(), torch.no_grad():
            prediction = self.forward(canvas.pixels)
        self.check(image, prediction, canvas)
        return self.select(prediction, canvas, self.min_score if min_score is None else min_score)[0]

    def check(self, image: Image, prediction: Prediction, canvas: Canvas) -> None:
        """Refuse numbers that are not finite, and, once, detections that are not the model's own.

        They are compared on the first photograph on which the model detects anything.

        Args:
            image: the photograph.
            prediction: what the network says about it.
            canvas: on which it was asked.

        Raises:
            WeightsError: weights are NaN or infinite.
            DetectorError: scores or boxes are, though the weights are finite.
            MismatchError: the detections differ; the message says where, and what to set.
        """
        if not self._weights_checked:
            refuse_bad_weights(self.model, self.name)
            self._weights_checked = True
        refuse_bad_prediction(self, image.name, prediction, canvas.pixels)
        if not self._checked:
            self._checked = refuse_other_detections(self, image, prediction, canvas)

    def borrowed(self) -> AbstractContextManager[None]:
        """In the block the model is in evaluation mode with frozen weights; after it, it is as it was before."""
        return borrowed(self.model)

    def layer_names(self) -> list[str]:
        """The names that ``layer=`` takes: ``level.0`` and so on for the head's inputs, then the model's modules."""
        levels = [f"{LEVEL}{i}" for i in range(self.n_levels)]
        return levels + [name for name, _ in self.model.named_modules() if name]

    @property
    @abstractmethod
    def n_levels(self) -> int:
        """How many feature levels the head has."""

    @property
    def levels(self) -> Sequence[int]:
        """The indices of the levels that detections come from; -1 alone where the head has no levels."""
        return range(self.n_levels) or (-1,)

    def labels_of(self, classes: str | int | Sequence[str | int]) -> list[int]:
        """The labels of some classes, one for each that is named, in their order.

        Args:
            classes: class names or labels (``"person"``, ``1`` or ``"1"``), one or several. A class name that reads
                like a label is a name.

        Raises:
            ClassNameError: the detector has no such class.
        """
        by_name = {name: label for label, name in self.class_names.items()}
        labels = []
        for wanted in [classes] if isinstance(classes, (str, int)) else classes:
            if wanted in by_name:
                labels.append(by_name[str(wanted)])
            elif str(wanted).isdecimal() and int(wanted) in self.class_names:
                labels.append(int(wanted))
            else:
                raise ClassNameError(f"{self.name} has no class {wanted!r}: {near(str(wanted), by_name)}")
        return labels
