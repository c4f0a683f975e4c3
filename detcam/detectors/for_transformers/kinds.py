"""Which models of Hugging Face's transformers are explained, and what each kind does in its own way."""

from dataclasses import dataclass
from typing import Any

from detcam.errors import DetectorError


@dataclass(frozen=True)
class Kind:
    """What one kind of model does in its own way.

    Attributes:
        model, processor: transformers' class names.
        no_object: the last logit stands for no object, and logits become scores by a softmax; otherwise by a sigmoid.
        top: how many pairs of query and class its processor takes at most; None where each query stands for its best.
    """

    model: str
    processor: str
    no_object: bool
    top: int | None


KINDS = {
    "detr": Kind("DetrForObjectDetection", "DetrImageProcessor", True, None),
    "conditional_detr": Kind("ConditionalDetrForObjectDetection", "ConditionalDetrImageProcessor", False, 100),
}
"""By the ``model_type`` of a model's configuration. Deformable DETR and transformers' own RT-DETR are not here: they
cut the graph between decoder layers (``detach``), so that what flows back is not the derivative of what they say."""


def kind_of(model: Any) -> Kind:
    """What kind of model a live one is.

    Raises:
        DetectorError: none of ``KINDS``.
    """
    word = str(getattr(getattr(model, "config", None), "model_type", None))
    kind = KINDS.get(word)
    if kind is None or type(model).__name__ != kind.model:
        known = ", ".join(each.model for each in KINDS.values())
        raise DetectorError(f"expected a model of transformers ({known}), got {type(model).__name__}")
    return kind
