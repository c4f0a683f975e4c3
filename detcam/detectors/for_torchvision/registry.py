"""torchvision's detectors by name and by class, and the adapter that explains each: a new family is one line.

A table of words alone: reading it imports no torch.
"""

from dataclasses import dataclass
from importlib import import_module
from typing import Any


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

SHIPPED = "detcam-person-ssd"  # detcam's own, an SSD

WITHOUT_EPS = tuple(f"{kind}_resnet50_fpn" for kind in ("retinanet", "fasterrcnn", "maskrcnn", "keypointrcnn"))
"""Models whose published weights torchvision runs without the small number that keeps batch norms from a division by 0.
"""


def nearest_family(model: object) -> Family | None:
    """The family of a live model: that of its class or of the nearest class above it; None where it is of none."""
    by_kind = {family.kind: family for family in FAMILIES}
    for kind in type(model).__mro__:
        family = by_kind.get(f"{kind.__module__}.{kind.__qualname__}")
        if family is not None:
            return family
    return None


def adapter_of(family: Family) -> Any:
    """The :class:`Detector` subclass that explains a family's models."""
    module, _, name = family.adapter.partition(":")
    return getattr(import_module(module), name)
