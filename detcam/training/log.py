"""The log of a training stage: one JSON object per line, consistent with the checkpoint."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any


class StageLog:
    """Appends lines to ``log.jsonl`` in a stage's folder, and calls ``report`` with each."""

    def __init__(self, folder: Path, report: Callable[[dict[str, Any]], None]) -> None:
        self.path, self.report = folder / "log.jsonl", report

    def rewind(self, step: int) -> None:
        """Remove the lines after ``step``, which a resumed run will write again."""
        if not self.path.is_file():
            return
        lines = [line for line in self.path.read_text().splitlines(keepends=True) if json.loads(line)["step"] <= step]
        self.path.write_text("".join(lines))

    def write(self, step: int, seconds: float, values: dict[str, Any]) -> None:
        """Append a line with a step, the training time so far in seconds, and named values."""
        line = {"step": step, "seconds": round(seconds)} | values
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with self.path.open("a") as file:
            file.write(json.dumps(line) + "\n")
        self.report(line)
