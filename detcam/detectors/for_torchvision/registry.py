"""torchvision's models by name and by class, and the adapter that explains each: a new family is one line."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

from detcam.errors import DetectorError, WeightsError

if TYPE_CHECKING:  # the names are read without it
    from torch import nn

SHIPPED = "detcam-person-ssd"  # the person detector that comes with detcam


@dataclass(frozen=True)
class Family:
    """A line of the table.

    Attributes:
        word: what people call such a model.
        kind: torchvision's class, or a name that its module gives it; a subclass belongs to the nearest family.
        adapter: ``module:class``, called with a model, its class names, its name and its architecture.
        names: the models that torchvision builds by name and publishes weights for.
        options: what :func:`detcam.load` may hand on to the adapter besides.
    """

    word: str
    kind: str
    adapter: str
    names: tuple[str, ...]
    options: tuple[str, ...] = ()


RCNN = "detcam.detectors.for_torchvision.rcnn:RCNNDetector"  # Mask and Keypoint R-CNN are explained by their boxes
FAMILIES = (
    Family("SSD", "torchvision.models.detection.ssd.SSD", "detcam.detectors.for_torchvision.ssd:SSDDetector",
           ("ssd300_vgg16", "ssdlite320_mobilenet_v3_large"), ("score_activation",)),
    Family("RetinaNet", "torchvision.models.detection.retinanet.RetinaNet",
           "detcam.detectors.for_torchvision.retinanet:RetinaNetDetector",
           ("retinanet_resnet50_fpn", "retinanet_resnet50_fpn_v2")),
    Family("FCOS", "torchvision.models.detection.fcos.FCOS", "detcam.detectors.for_torchvision.fcos:FCOSDetector",
           ("fcos_resnet50_fpn",)),
    Family("Faster R-CNN", "torchvision.models.detection.faster_rcnn.FasterRCNN", RCNN,
           ("fasterrcnn_resnet50_fpn", "fasterrcnn_resnet50_fpn_v2", "fasterrcnn_mobilenet_v3_large_fpn",
            "fasterrcnn_mobilenet_v3_large_320_fpn")),
    Family("Mask R-CNN", "torchvision.models.detection.mask_rcnn.MaskRCNN", RCNN,
           ("maskrcnn_resnet50_fpn", "maskrcnn_resnet50_fpn_v2")),
    Family("Keypoint R-CNN", "torchvision.models.detection.keypoint_rcnn.KeypointRCNN", RCNN,
           ("keypointrcnn_resnet50_fpn",)),
)
NAMES = tuple(name for family in FAMILIES for name in family.names)
WORDS = ", ".join(family.word for family in FAMILIES)

WITHOUT_EPS = tuple(f"{kind}_resnet50_fpn" for kind in ("retinanet", "fasterrcnn", "maskrcnn", "keypointrcnn"))
"""Models whose published weights torchvision runs without the small number that keeps batch norms from a division by 0.
"""


def family_of(model: object) -> Family:
    """The family of a live model: that of its class or of the nearest class above it.

    Raises:
        DetectorError: it is of none of them.
    """
    by_kind = {family.kind: family for family in FAMILIES}
    for kind in type(model).__mro__:
        found = by_kind.get(f"{kind.__module__}.{kind.__qualname__}")
        if found is not None:
            return found
    raise DetectorError(f"expected a model of torchvision's ({WORDS}), got {type(model).__name__}")


def adapter_of(family: Family) -> Any:
    """The :class:`Detector` subclass that explains a family's models."""
    module, _, name = family.adapter.partition(":")
    return getattr(import_module(module), name)


def published_names(name: str) -> list[str]:
    """The class names of a model's published weights, from label 1 on."""
    words: list[str] = _published(name).meta["categories"][1:]
    return words


def build(name: str, classes: int | None) -> nn.Module:
    """A model by its name: with random weights for so many classes, the background among them; with None, published.

    Raises:
        WeightsError: its published weights cannot be had; the message says which file to put where.
    """
    from torchvision.models import get_model

    if classes is not None:
        return get_model(name, weights=None, weights_backbone=None, num_classes=classes)
    published = _published(name)
    try:
        return get_model(name, weights=published, progress=sys.stderr.isatty())
    except (OSError, RuntimeError) as error:
        import torch

        folder = Path(torch.hub.get_dir()) / "checkpoints"
        raise WeightsError(
            f"{name}: its published weights cannot be downloaded or read ({error}); without a network, fetch "
            f"{published.url} elsewhere and put it at {folder / Path(published.url).name}") from None


def as_published(model: nn.Module, name: str, weights: Path) -> None:
    """Run a model as torchvision runs it with its published weights, where a file is these, by its name."""
    from torch import nn

    if name in WITHOUT_EPS and weights.name == Path(_published(name).url).name:
        for module in model.modules():
            if isinstance(module, nn.BatchNorm2d):
                module.eps = 0.0


def _published(name: str) -> Any:
    from torchvision.models import get_model_weights

    return get_model_weights(name).DEFAULT
