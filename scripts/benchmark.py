"""How fast are detcam's heatmaps? Ratios against a plain forward pass and against peers.

    python scripts/benchmark.py --json benchmark.json

Every row is a process of its own, in which detcam and the peer explain the same boxes of the same model at the same
layer, weights frozen. Weights are random unless `--yolo` names a checkpoint: the time does not depend on them.
"""

import sys

if __name__ == "__main__":  # before the other imports, which take seconds
    from detcam.cli.main import run_script

    sys.exit(run_script(__file__))

import json
import subprocess
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer
from benchmark_row import SSD, YOLO, Case

from detcam.cli.console import complain, tracked
from detcam.cli.reports import check_folders, print_lines, write_text
from detcam.errors import InputError

COLUMNS = ("model", "layer", "method", "boxes of", "boxes", "forwards", "peer", "peer forwards", "ratio", "peak MiB")
CONV4_3, SPPF = "backbone.features.22", "model.9"
PLACES = [  # model, layer, whose boxes, method, peer
    (SSD, CONV4_3, "0", "hirescam", "grad-cam"),
    (SSD, CONV4_3, "levels", "hirescam", "grad-cam"),
    (SSD, CONV4_3, "levels", "gradcam", "captum"),
    (YOLO, "auto", "0", "hirescam", "grad-cam"),
    (YOLO, "auto", "1", "hirescam", "grad-cam"),
    (YOLO, "auto", "2", "hirescam", "grad-cam"),
    (YOLO, "auto", "crowd", "hirescam", "grad-cam"),
    (YOLO, "auto", "crowd", "gradcam", "captum"),
    (YOLO, SPPF, "crowd", "hirescam", "grad-cam"),
    (YOLO, "model.4", "crowd", "hirescam", "grad-cam"),
]
SHARED = [  # the same for methods whose forward passes all boxes share: one box beside sixteen
    (SSD, CONV4_3, "0", "scorecam", "grad-cam"),
    (YOLO, "auto", "0", "scorecam", "grad-cam"),
    (YOLO, "auto", "0", "ablationcam", "grad-cam"),
    (SSD, "auto", "crowd", "drise", "none"),
    (YOLO, "auto", "crowd", "drise", "none"),
]
SAMPLE = Path(__file__).resolve().parent.parent / "sample_images" / "astronaut.png"


def cases(boxes: list[int], photograph: Path, yolo: Path | None) -> list[Case]:
    """Every row of the table."""
    def case(model: str, layer: str, boxes_of: str, method: str, count: int, peer: str) -> Case:
        weights = str(yolo) if yolo is not None and model == YOLO else None
        return Case(model, layer, boxes_of, method, count, peer, str(photograph), weights)

    found = [case(model, layer, of, method, count, peer)
             for model, layer, of, method, peer in PLACES for count in boxes]
    found += [case(model, layer, of, method, count, peer if count == 1 else "none")
              for model, layer, of, method, peer in SHARED for count in (1, 16)]
    found += [case(YOLO, "auto", "crowd", "hirescam", count, "ultralytics") for count in boxes[-1:]]
    found += [case(model, "auto", "crowd", "smoothgrad", count, "captum")
              for model in (SSD, YOLO) for count in boxes if count <= 4]
    return found


def main(
    photograph: Annotated[Path, typer.Option(help="What is looked at.")] = SAMPLE,
    boxes: Annotated[list[int] | None, typer.Option(help="How many; repeatable. Default: 1, 4, 16 and 64.")] = None,
    only: Annotated[str | None, typer.Option(help="Only rows whose JSON holds this word, such as smoothgrad.")] = None,
    yolo: Annotated[Path | None, typer.Option(help="A YOLOv8n checkpoint, for a crowd that is a real one.")] = None,
    peers: Annotated[bool, typer.Option(help="Measure the peers as well; they take most of the time.")] = True,
    out: Annotated[Path | None, typer.Option("--json", help="Write the rows to this file.")] = None,
) -> None:
    """Measure, row by row, and show the table. A row that fails is reported, and the others go on."""
    for path in (photograph, yolo):
        if path is not None and not path.is_file():
            raise InputError(f"{path}: no such file")
    check_folders(out)
    wanted = [case for case in cases(sorted(boxes or [1, 4, 16, 64]), photograph, yolo)
              if only is None or only in json.dumps(asdict(case))]
    if not wanted:
        raise InputError(f"--only {only!r}: no row holds it")
    rows, failures = [], []
    for case in tracked(wanted, "rows"):
        row = _measured(case if peers else Case(**(asdict(case) | {"peer": "none"})))
        failures += [row] if isinstance(row, str) else []
        rows += [] if isinstance(row, str) else [row]
        if out is not None:
            write_text(out, json.dumps({"rows": rows}, indent=1) + "\n")
    _print(rows)
    if failures:
        complain(f"{len(failures)} of {len(wanted)} rows could not be measured: {'; '.join(failures)}")
        raise typer.Exit(1)


def _measured(case: Case) -> dict[str, Any] | str:
    """The row, or what went wrong."""
    command = [sys.executable, str(Path(__file__).with_name("benchmark_row.py")), json.dumps(asdict(case))]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        return f"{case.model} {case.layer} {case.peer}: {(done.stderr.strip().splitlines() or ['no output'])[-1]}"
    row: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return row


def _print(rows: list[dict[str, Any]]) -> None:
    values = [[row[column.replace(" ", "_").lower()] for column in COLUMNS] for row in rows]
    lines = [["-" if value is None else str(value) for value in line] for line in values]
    print_lines([COLUMNS, *lines], "Time in forward passes of the same network; ratio: detcam's time over the peer's")
