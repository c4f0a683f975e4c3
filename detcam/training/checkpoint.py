"""Checkpoints of a training: written completely or not at all, and sufficient to resume bit for bit."""

import os
from pathlib import Path
from typing import Any

import torch

CHECKPOINT = "checkpoint.pt"


def save_training_state(folder: Path, state: dict[str, Any]) -> None:
    """Replace the checkpoint of a folder. An interruption at any moment leaves the old one or the new one.

    Args:
        folder: created if it does not exist.
        state: tensors and plain values.
    """
    folder.mkdir(parents=True, exist_ok=True)
    unfinished = folder / f"{CHECKPOINT}.part"
    with unfinished.open("wb") as file:
        torch.save(state, file)
        file.flush()
        os.fsync(file.fileno())
    unfinished.replace(folder / CHECKPOINT)


def load_training_state(folder: Path) -> dict[str, Any] | None:
    """The state in the checkpoint of a folder, or None if there is none. Only tensors and plain values are read."""
    path = folder / CHECKPOINT
    if not path.is_file():
        return None
    state: dict[str, Any] = torch.load(path, map_location="cpu", weights_only=True)
    return state
