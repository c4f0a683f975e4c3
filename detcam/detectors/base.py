"""What every detector family offers: canvas, forward, and the library's own selection with rows."""

import math
from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cached_property
from hashlib import sha256
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from detcam.detectors.canvas import Canvas
from detcam.detectors.detections import Detections
from detcam.detectors.finite import refuse_bad_prediction, refuse_bad_weights
from detcam.detectors.layers.stages import LEVEL, Stage, stages
from detcam.detectors.parity import first_difference
from detcam.detectors.prediction import Prediction
from detcam.detectors.selection.selection import Selection
from detcam.errors import ClassNameError, DetectorError, MismatchError, near
from detcam.imaging.image import Image

BLANK = 64  # pixels a side of a photograph whose content does not matter
CHECK_SCORE = 0.05  # the threshold of the check against the model's own detections
CHECK_PIXELS = 4_000_000  # of a photograph on which it is made at most: about 250 MB in the library's hands
DETECT, CLASSIFY = "detect", "classify"
FIXED, FROZEN, PER_INPUT = "fixed", "frozen", "per_input"

CLASS_TARGETS = ("logit", "probability", "margin")
BOX_TARGETS = ("left", "top", "right", "bottom", "width", "height")
SIMILARITY = "similarity"  # what a box is found by where rows are others on every changed copy
OBJECTNESS = "objectness"


class Detector(ABC):
    """A model of one family, with its rows, levels and layers laid open.

    Attributes:
        name: what the user called it.
        family: the adapter's word, such as ``"ssd"``.
        architecture: what two sets of weights share, such as ``"yolov8n"``.
        model: the network that is explained.
        class_names: class index to word.
        rows: what a row is on a changed copy of a photograph: ``"fixed"``, the same anchor or cell; ``"frozen"``, the
            same proposal inside :meth:`frozen_proposals` and another one outside; ``"per_input"``, always another one.
        differentiable: whether methods may look inside; a plain callable gives nothing but its answers.
        default_method: the method where none is named.
        min_score: the score above which detections are explained where none is named.
        task: ``"detect"``; ``"classify"`` where every detection is a class of the whole photograph.
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
        """The photograph as the model's own preprocessing brings it in."""

    @abstractmethod
    def forward(self, pixels: Tensor) -> Prediction:
        """Run the network on ``[B, 3, h, w]`` RGB in 0..1, under the caller's gradient mode."""

    @abstractmethod
    def select(self, prediction: Prediction, canvas: Canvas, min_score: float) -> list[Detections]:
        """The library's own threshold, top-k and suppression, with rows; one :class:`Detections` an image."""

    def selection(self, prediction: Prediction, canvas: Canvas, min_score: float) -> Selection:
        """The steps of :meth:`select` on the first image, as data: what it keeps, and why it drops what it drops.

        Raises:
            DetectorError: this family's selection is not known step by step.
        """
        raise DetectorError(f"{self.name}: the selection of {self.family} models is not known step by step, so nobody "
                            "can say why a place has no box; ask about the boxes it draws")

    @abstractmethod
    def library_detections(self, image: Image, min_score: float) -> Detections:
        """What the library itself reports for a photograph (rows, levels and cells are -1)."""

    @property
    @abstractmethod
    def head(self) -> nn.Module | None:
        """The module whose first argument is the list of level maps ``[B, c, h, w]``; None without levels."""

    def head_modules(self, level: int) -> tuple[nn.Module, ...]:
        """The modules that turn one level's map into its class logits and box outputs, where rows look at a few cells
        around their own; none otherwise."""
        return ()

    def auto_layer(self, level: int) -> str:
        """The layer that ``layer="auto"`` means for a box of a level: what the head takes as that level."""
        return f"{LEVEL}{level}"

    @property
    def neck(self) -> nn.Module | None:
        """The module that makes fine maps of the trunk's coarse ones, where it is one module of its own."""
        return None

    @property
    def edge_layer(self) -> str:
        """The layer at which the evidence on an edge is measured."""
        return "auto"

    @property
    def targets(self) -> tuple[str, ...]:
        """The names of what can be explained about a row: all but ``"objectness"`` where a family has none."""
        return (*CLASS_TARGETS, *BOX_TARGETS, SIMILARITY)

    @property
    def has_edges(self) -> bool:
        """Whether the edges of its boxes can be explained."""
        return BOX_TARGETS[0] in self.targets

    @contextmanager
    def frozen_proposals(self, prediction: Prediction, rows: bool = True) -> Iterator[None]:
        """Rows mean in every forward pass of the block what they mean in ``prediction``, where that is possible.

        With ``rows=False`` the block's copies of the photograph are answered anew; where the photograph lies on the
        canvas is known from ``prediction`` all the same.
        """
        yield

    @cached_property
    def depth_layers(self) -> tuple[Stage, ...]:
        """The layers that ``layer="depth"`` fuses with the box's own level, from shallow to deep."""
        found = [stage for stage in self.stages(self.blank_canvas()) if not stage.name.startswith(LEVEL)]
        names = [stage.name for stage in found]
        if self.edge_layer in names:
            return tuple(stage for stage in found[names.index(self.edge_layer):] if self.in_depth(stage))
        order = {name: place for place, (name, _) in enumerate(self.model.named_modules())}
        edge = order.get(self.edge_layer, len(order))
        first = next((place for place, stage in enumerate(found) if order[stage.name] >= edge), len(found))
        return tuple(stage for stage in found[first:] if self.in_depth(stage))

    def blank_canvas(self) -> Tensor:
        """A canvas ``[1, 3, h, w]`` without content, large enough to tell layers by the sizes of their maps."""
        return self.canvas(Image(np.full((BLANK, BLANK, 3), 114, np.uint8), "a blank photograph")).pixels

    def stages(self, pixels: Tensor) -> list[Stage]:
        """The layers worth looking at, from shallow to deep, on a canvas ``[1, 3, h, w]``."""
        def run() -> None:
            with self.borrowed(), torch.no_grad():
                self.forward(pixels)

        return stages(self.model, self.head, self.neck, run)

    def in_depth(self, stage: Stage) -> bool:
        """Whether a stage from the edge layer on is one of ``depth_layers``: those that are no level's input are."""
        return stage.level is None

    @property
    def mismatch_hint(self) -> str:
        """What to set when the adapter's detections differ from the model's own."""
        return "this model post-processes in its own way, which detcam cannot follow"

    @property
    def rivals(self) -> dict[int, str]:
        """The columns of a row's logits that compete for it, with their words; more than the classes where there is a
        background."""
        return self.class_names

    @cached_property
    def fingerprint(self) -> str:
        """Which weights these are: the first 16 hexadecimal digits of a SHA-256 over all of them."""
        digest = sha256()
        for key, value in self.model.state_dict().items():
            digest.update(key.encode())
            digest.update(value.detach().cpu().contiguous().view(-1).view(torch.uint8).numpy().tobytes())
        return digest.hexdigest()[:16]

    @property
    def device(self) -> torch.device:
        return next(self.model.parameters()).device

    @property
    def dtype(self) -> torch.dtype:
        return next(self.model.parameters()).dtype

    def detect(self, image: Image, min_score: float | None = None) -> Detections:
        """Detections of a photograph, equal to the library's own, with their rows; None is the detector's threshold.

        Raises:
            MismatchError: the first photograph with detections shows that the model post-processes otherwise.
        """
        canvas = self.canvas(image)
        with self.borrowed(), torch.no_grad():
            prediction = self.forward(canvas.pixels)
        self.check(image, prediction, canvas)
        return self.select(prediction, canvas, self.min_score if min_score is None else min_score)[0]

    def check(self, image: Image, prediction: Prediction, canvas: Canvas) -> None:
        """Refuse NaN, and compare the detections with the model's own, once, on the first photograph that has any.

        Libraries hold a photograph several times over in floats: of a large one every n-th pixel is compared on.

        Raises:
            MismatchError: they differ; the message says where, and what to set.
            WeightsError: weights are NaN or infinite.
            DetectorError: scores or boxes are, though the weights are finite.
        """
        if not self._weights_checked:
            refuse_bad_weights(self.model, self.name)
            self._weights_checked = True
        refuse_bad_prediction(self, image.name, prediction, canvas.pixels)
        if self._checked:
            return
        step = math.ceil(math.sqrt(image.height * image.width / CHECK_PIXELS))
        if step > 1:
            image = Image(np.ascontiguousarray(image.rgb[::step, ::step]), image.name)
            canvas = self.canvas(image)
            with self.borrowed(), torch.no_grad():
                prediction = self.forward(canvas.pixels)
        ours = self.select(prediction, canvas, CHECK_SCORE)[0]
        theirs = self.library_detections(image, CHECK_SCORE)
        difference = first_difference(ours, theirs)
        if difference:
            raise MismatchError(f"{self.name}: on {image.name} {difference}; {self.mismatch_hint}")
        self._checked = len(theirs) > 0

    @contextmanager
    def borrowed(self) -> Iterator[None]:
        """The model in evaluation mode and with frozen weights, given back exactly as it was found."""
        modes = [(module, module.training) for module in self.model.modules()]
        grads = [(weight, weight.requires_grad) for weight in self.model.parameters()]
        try:
            self.model.eval()
            for weight, _ in grads:
                weight.requires_grad_(False)
            yield
        finally:
            for module, training in modes:
                module.training = training
            for weight, needs in grads:
                weight.requires_grad_(needs)

    def layer_names(self) -> list[str]:
        """The names that ``layer=`` takes: the head's level inputs, then the model's modules."""
        levels = [f"level.{index}" for index in range(self.n_levels)]
        return levels + [name for name, _ in self.model.named_modules() if name]

    @property
    @abstractmethod
    def n_levels(self) -> int:
        """How many feature levels the head has."""

    @property
    def levels(self) -> Sequence[int]:
        """The levels that detections come from; -1 alone where the head has none."""
        return range(self.n_levels) or (-1,)

    def labels_of(self, classes: Sequence[str | int]) -> list[int]:
        """Class indices of class names or indices.

        Raises:
            ClassNameError: the detector has no such class.
        """
        by_name = {name: label for label, name in self.class_names.items()}
        labels = []
        for wanted in classes:
            if wanted in by_name:
                labels.append(by_name[str(wanted)])
            elif str(wanted).isdigit() and int(wanted) in self.class_names:
                labels.append(int(wanted))
            else:
                raise ClassNameError(f"{self.name} has no class {wanted!r}: {near(str(wanted), by_name)}")
        return labels
