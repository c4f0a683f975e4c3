"""NaN and infinite numbers in weights and predictions: refused, with the weight or the layer that they come from."""

from collections.abc import Callable
from contextlib import ExitStack
from typing import Any

import torch
from torch import Tensor, nn

from detcam.errors import DetectorError, WeightsError


def refuse_bad_weights(model: nn.Module, name: str) -> None:
    """Check every weight and buffer that a state dict holds.

    Args:
        model: whose they are.
        name: what messages call it.

    Raises:
        WeightsError: one holds NaN or infinite values; the first is named.
    """
    bad = [key for key, value in model.state_dict().items() if _bad(value)]
    if bad:
        value = model.state_dict()[bad[0]]
        count = int((~torch.isfinite(value)).sum())
        more = f", and {len(bad) - 1} more of its tensors do" if len(bad) > 1 else ""
        raise WeightsError(f"{name}: its weights are damaged: {bad[0]} holds NaN or infinite values ({count} of "
                           f"{value.numel()}){more}; load another checkpoint")


def bad_layer(model: nn.Module, run: Callable[[], object]) -> tuple[str, str]:
    """The first module, of those that hold no other modules, whose output is not finite: its name and its type.

    Args:
        model: the network.
        run: runs it once.
    """
    bad: list[tuple[str, str]] = []

    def watch(name: str, module: nn.Module) -> Any:
        def hook(_: nn.Module, __: Any, output: Any) -> None:
            if not bad and _bad(output):
                bad.append((name, type(module).__name__))

        return module.register_forward_hook(hook)

    with ExitStack() as hooks:
        for name, module in model.named_modules():
            if not len(list(module.children())):
                hooks.callback(watch(name, module).remove)
        run()
    return bad[0] if bad else ("its box decoding", "no layer")


def refuse_bad_prediction(detector: Any, image: str, prediction: Any, pixels: Tensor) -> None:
    """Check the scores and boxes of every row.

    Args:
        detector: whose they are, a ``Detector``.
        image: the photograph's name.
        prediction: the ``Prediction`` for the canvas.
        pixels: the canvas ``[B, 3, h, w]``, RGB in 0..1.

    Raises:
        WeightsError: they are not finite because weights are not.
        DetectorError: they are not finite though all weights are; the first layer is named.
    """
    if not (_bad(prediction.scores) or _bad(prediction.boxes)):
        return
    refuse_bad_weights(detector.model, detector.name)
    with detector.borrowed(), torch.no_grad():
        layer, kind = bad_layer(detector.model, lambda: detector.forward(pixels))
    floats = str(detector.dtype).removeprefix("torch.")
    advice = "" if detector.dtype in (torch.float32, torch.float64) else "; run the model in float32"
    raise DetectorError(f"{detector.name}: on {image} {layer} ({kind}) gives NaN or infinite values, though all "
                        f"weights are finite: values too large for {floats}{advice}")


def _bad(value: Any) -> bool:
    return isinstance(value, Tensor) and value.is_floating_point() and not bool(torch.isfinite(value).all())
