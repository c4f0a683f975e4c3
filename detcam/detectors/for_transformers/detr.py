"""Adapter for the DETR and Conditional DETR of Hugging Face's transformers."""

from functools import cached_property, partial
from typing import Any

import torch
from torch import Tensor, nn

from detcam.detectors.canvas import Canvas
from detcam.detectors.detections import Detections
from detcam.detectors.for_transformers.kinds import kind_of
from detcam.detectors.from_tensors import without_rows
from detcam.detectors.layers.edge_layer import last_fine_layer, outside_shortcuts
from detcam.detectors.prediction import Prediction
from detcam.detectors.queries import Queries, QueryDetector, QueryPrediction, cells_of_centres, query_prediction
from detcam.detectors.selection.candidates import every_pair
from detcam.detectors.selection.selection import Selection
from detcam.detectors.selection.steps import BestClass, Score, Step, Top
from detcam.errors import DetectorError
from detcam.imaging.geometry import Geometry
from detcam.imaging.image import Image

PROBE_SIZE = 64  # canvas pixels a side
FINE = 8  # the stride of the backbone layer at which the evidence for an edge is measured


class AfterBackbone(nn.Module):
    """The parts of a model after its backbone, as the module that takes the backbone's last map.

    It gives the map back, and the model goes on with it. It shares its parts with the model, and is no module of it.
    """

    def __init__(self, model: nn.Module, backbone: nn.Module) -> None:
        super().__init__()
        inside = set(backbone.modules())
        self.parts = nn.ModuleList(module for module in model.modules()
                                   if module not in inside and backbone not in module.modules())

    def forward(self, maps: list[Tensor]) -> list[Tensor]:
        return maps


class HFDetrDetector(QueryDetector):
    """A live DETR (Carion et al. 2020) or Conditional DETR (Meng et al. 2021), explained in place and left as it was.

    A row is a query. Queries are learnt and the same for every photograph, but on a changed copy another query may find
    the object, so that rows count as others for every input. A query reads the whole of the backbone's last map; its
    cell is the one in which its box's centre lies.

    Args:
        model: ``DetrForObjectDetection`` or ``ConditionalDetrForObjectDetection``, in any mode, on any device.
        processor: its image processor, which resizes and normalises; None takes the one that transformers makes for
            such models: 800 pixels on the shorter side, 1333 on the longer at most.
        name: what messages and provenance call it.

    Raises:
        DetectorError: it is no such model.
    """

    family = "detr"

    def __init__(self, model: Any, processor: Any = None, name: str = "detr") -> None:
        self._kind = kind_of(model)
        self.model = model
        self.name = name
        if processor is None:
            import transformers

            processor = getattr(transformers, self._kind.processor)()
        self._processor = processor
        encoders = {path: module for path, module in model.named_modules()
                    if type(module).__name__.endswith("ConvEncoder")}
        if len(encoders) != 1:
            raise DetectorError(f"{name}: expected a model with one convolutional backbone, found {len(encoders)}")
        self._backbone_name, self._backbone = next(iter(encoders.items()))
        self._head = AfterBackbone(model, self._backbone)
        self.architecture = str(model.config.model_type)
        self.class_names = {int(label): str(class_name) for label, class_name in model.config.id2label.items()}

    @property
    def head(self) -> nn.Module:
        return self._head

    @property
    def n_levels(self) -> int:
        return 1

    @property
    def rivals(self) -> dict[int, str]:
        """Every label with its name, and, where the last logit stands for no object, that."""
        return {**self.class_names, len(self.class_names): "no object"} if self._kind.no_object else self.class_names

    @cached_property
    def edge_layer(self) -> str:
        """The last backbone layer of stride 8: the second of a ResNet's four stages."""
        inside = outside_shortcuts(self._backbone)
        layers = {f"{self._backbone_name}.{path}": module for path, module in inside.items() if path}
        pixels = torch.zeros(1, 3, PROBE_SIZE, PROBE_SIZE, device=self.device, dtype=self.dtype)

        def run() -> float:
            self.forward(pixels)
            return PROBE_SIZE / FINE

        with self.borrowed(), torch.no_grad():
            return last_fine_layer(layers, run) or "auto"

    def canvas(self, image: Image) -> Canvas:
        inputs = self._inputs(image, do_normalize=False)
        pixels = inputs["pixel_values"]
        height, width = (int(side) for side in pixels.shape[-2:])
        geometry = Geometry((image.height, image.width), (height, width), (width / image.width, height / image.height))
        return Canvas(pixels, (geometry,))

    def _inputs(self, image: Image, **options: bool) -> dict[str, Tensor]:
        """What the processor makes of a photograph: pixels ``[1, 3, h, w]``.

        Raises:
            DetectorError: it pads photographs.
        """
        made = self._processor(images=image.rgb, input_data_format="channels_last", return_tensors="pt", **options)
        if "pixel_mask" in made and not bool(made["pixel_mask"].all()):
            raise DetectorError(f"{self.name}: its image processor pads photographs, which detcam does not follow: "
                                "give one that does not (pad_size=None)")
        return {"pixel_values": made["pixel_values"].to(self.device, self.dtype)}

    def _normalised(self, pixels: Tensor) -> Tensor:
        """Canvases ``[B, 3, h, w]``, RGB in 0..1, as the network takes them."""
        if not self._processor.do_normalize:
            return pixels
        make = partial(torch.tensor, device=pixels.device, dtype=pixels.dtype)
        return (pixels - make(self._processor.image_mean).view(3, 1, 1)) / make(self._processor.image_std).view(3, 1, 1)

    def forward(self, pixels: Tensor) -> QueryPrediction:
        maps: list[tuple[int, int]] = []

        def hand_over(_: nn.Module, __: Any, output: Any) -> Any:
            *others, (last, mask) = output
            last = self._head([last])[0]
            maps.append((int(last.shape[-2]), int(last.shape[-1])))
            return [*others, (last, mask)]

        hook = self._backbone.register_forward_hook(hand_over)
        try:
            answer = self.model(pixel_values=self._normalised(pixels), return_dict=True)
        finally:
            hook.remove()
        cells = cells_of_centres(answer.pred_boxes.detach(), maps[0])
        queries = Queries(answer.logits, answer.pred_boxes, torch.zeros_like(cells[..., 0]), cells)
        activate = partial(torch.softmax, dim=-1) if self._kind.no_object else torch.sigmoid
        return query_prediction(queries, maps, (int(pixels.shape[-2]), int(pixels.shape[-1])), activate)

    def _selection(self, prediction: Prediction, image: int, min_score: float) -> Selection:
        scores = prediction.scores[image]
        labels = range(scores.shape[-1] - self._kind.no_object)
        first: Step = BestClass() if self._kind.top is None else Top(self._kind.top)
        return Selection(every_pair(scores, labels), (first, Score(min_score)))

    def library_detections(self, image: Image, min_score: float) -> Detections:
        with self.borrowed(), torch.no_grad():
            answer = self.model(**self._inputs(image), return_dict=True)
        reported = self._processor.post_process_object_detection(
            answer, threshold=min_score, target_sizes=[(image.height, image.width)])[0]
        return without_rows(reported["boxes"], reported["labels"], reported["scores"])
