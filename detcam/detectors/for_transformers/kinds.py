"""Which models of Hugging Face's transformers are explained, and what each kind does in its own way."""

from dataclasses import dataclass
from typing import Any

from detcam.errors import DetectorError


@dataclass(frozen=True)
class DetrKind:
    """What one kind of model does in its own way.

    Attributes:
        model, processor: transformers' class names.
        no_object: whether the last logit stands for no object, and logits become scores by a softmax; otherwise by a
            sigmoid.
        top: how many pairs of query and class its processor takes at most; None where each query keeps its best class.
    """

    model: str
    processor: str
    no_object: bool
    top: int | None


DETR_KINDS = {
    "detr": DetrKind("DetrForObjectDetection", "DetrImageProcessor", True, None),
    "conditional_detr": DetrKind("ConditionalDetrForObjectDetection", "ConditionalDetrImageProcessor", False, 100),
}
"""By the ``model_type`` of a model's configuration. Deformable DETR and transformers' own RT-DETR are not here: they
cut the graph between decoder layers (``detach``), so that gradients would not be the derivatives of their outputs."""


def kind_of(model: Any) -> DetrKind:
    """The kind of a live model.

    Raises:
        DetectorError: it is none of ``DETR_KINDS``.
    """
    kind = DETR_KINDS.get(str(getattr(getattr(model, "config", None), "model_type", None)))
    if kind is None or type(model).__name__ != kind.model:
        known = ", ".join(known.model for known in DETR_KINDS.values())
        raise DetectorError(f"expected a model of transformers ({known}), got {type(model).__name__}")
    return kind
