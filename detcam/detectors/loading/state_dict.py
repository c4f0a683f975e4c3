"""Reading a state dict from a file, as tensors only: no code in it runs."""

from pathlib import Path
from typing import Any

import torch
from torch import nn

from detcam.errors import WeightsError


def load_state(model: nn.Module, path: Path) -> None:
    """Load a state dict into a model; a pickle that holds anything but tensors is refused.

    Args:
        model: it is changed in place.
        path: a safetensors file, or one that ``torch.save`` wrote, of a state dict or of a dictionary that holds one
            as ``"model"`` or ``"state_dict"``.

    Raises:
        WeightsError: the file is missing, holds no plain state dict, or does not fit the model.
    """
    if not path.is_file():
        raise WeightsError(f"{path}: no such weights file")
    try:
        if path.suffix == ".safetensors":
            from safetensors.torch import load_file

            state: Any = load_file(path)
        else:
            state = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # damaged files reach us as many kinds of errors
        raise WeightsError(f"{path}: not a file of plain weights ({_first_line(error)}); save the model's "
                           "state_dict() with torch.save") from None
    for wrapper in ("model", "state_dict"):
        if isinstance(state, dict) and isinstance(state.get(wrapper), dict):
            state = state[wrapper]
    try:
        model.load_state_dict(state)
    except (RuntimeError, TypeError, AttributeError) as error:
        raise WeightsError(f"{path}: does not fit the model ({_first_line(error)})") from None


def _first_line(error: Exception) -> str:
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return " ".join(lines[:2])[:300] or type(error).__name__
