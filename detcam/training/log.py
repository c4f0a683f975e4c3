"""The log of a stage: one JSON object a line, in step with the checkpoint."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any


class StageLog:
    """Appends lines to `log.jsonl` of a stage's folder and hands each to `report` as well."""

    def __init__(self, folder: Path, report: Callable[[dict[str, Any]], None]) -> None:
        self.path, self.report = folder / "log.jsonl", report

    def rewind(self, step: int) -> None:
        """Drop the lines after `step`, which a resumed run will write again."""
        if not self.path.is_file():
            return
        lines = [line for line in self.path.read_text().splitlines(keepends=True) if json.loads(line)["step"] <= step]
        self.path.write_text("".join(lines))

    def write(self, step: int, seconds: float, values: dict[str, Any]) -> None:
        line = {"step": step, "seconds": round(seconds)} | values
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with self.path.open("a") as file:
            file.write(json.dumps(line) + "\n")
        self.report(line)
