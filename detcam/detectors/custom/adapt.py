"""adapt(): a detector of your own architecture, with the few lines that say how it predicts."""

from collections.abc import Sequence

from torch import nn

from detcam.detectors.base import Detector
from detcam.detectors.custom.canvas_fit import GREY, LETTERBOX, STRETCH
from detcam.detectors.custom.signatures import Detect, Predict
from detcam.errors import InputError, LayerError, near


def adapt(model: nn.Module, predict: Predict, *, class_names: Sequence[str], canvas: int | tuple[int, int],
          layers: Sequence[str], fit: str = LETTERBOX, fill: float = GREY, antialias: bool = False,
          score_activation: str = "sigmoid", background: int | None = None, nms_iou: float = 0.5, max_boxes: int = 300,
          name: str | None = None, detect: Detect | None = None) -> Detector:
    """A detector of your own architecture, ready to be explained.

    Args:
        model: the live network, in any mode; it is left as it was found.
        predict: ``(model, pixels)`` to boxes and logits (:data:`Predict`). The model's own normalisation belongs in it.
        class_names: the names of the logits' columns, in their order, the background's column left out.
        canvas: height and width of the network's input in pixels, or one number for both.
        layers: names of modules with ``[B, c, h, w]`` maps that may be explained, from shallow to deep. The last one is
            the default; the evidence for edges is measured at the first.
        fit: how a photograph fills the canvas: ``"letterbox"`` (its shape kept, in the middle) or ``"stretch"``.
        fill: the grey of the letterbox's padding, 0..1.
        antialias: whether a photograph is made smaller with antialiasing, as Pillow does, or without, as OpenCV does.
        score_activation: how logits become scores: ``"sigmoid"``, or ``"softmax"`` over all columns.
        background: with softmax, the index of the column that is no class.
        nms_iou: the highest IoU of two detections of one class, 0..1.
        max_boxes: how many detections a photograph may have.
        name: what messages call it; None takes the name of the model's class.
        detect: the model's own detections (:data:`Detect`); detcam's are compared with them once, on the first
            photograph on which it finds anything. None compares nothing.

    Returns:
        The detector, which :func:`detcam.explain` takes.

    Raises:
        InputError: an option is not what was expected.
        LayerError: the model has no such layer, or none was named.
    """
    from detcam.detectors.custom.adapter import CustomDetector
    from detcam.detectors.custom.signatures import ACTIVATIONS  # late: torchvision sets environment variables

    size = (canvas, canvas) if isinstance(canvas, int) else (int(canvas[0]), int(canvas[1]))
    for option, value, known in (("fit", fit, (LETTERBOX, STRETCH)),
                                 ("score_activation", score_activation, tuple(ACTIVATIONS))):
        if value not in known:
            raise InputError(f"{option} {value!r}: expected one of {', '.join(known)}")
    if (background is not None) != (score_activation == "softmax"):
        raise InputError(f"background {background!r}: expected the index of the background's column with "
                         f"score_activation='softmax', and None with 'sigmoid', got {score_activation!r}")
    if not class_names:
        raise InputError("class_names: expected at least one name, in the order of the logits' columns, got none")
    modules = [module for module, _ in model.named_modules() if module]
    for layer in layers:
        if layer not in modules:
            raise LayerError(f"{type(model).__name__} has no layer {layer!r}: {near(layer, modules)}")
    if not layers:
        raise LayerError(f"layers: expected names of modules with maps [B, c, h, w], got none; {near('', modules)}")
    columns = [column for column in range(len(class_names) + 1) if column != background]
    return CustomDetector(model, predict, dict(zip(columns, map(str, class_names), strict=False)), size, layers,
                          name or type(model).__name__, fit, fill, antialias, score_activation, background, nms_iou,
                          max_boxes, detect)
