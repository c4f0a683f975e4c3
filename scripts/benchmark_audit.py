"""How much longer an audit takes than the detection alone, on the same photographs in the same run.

    python scripts/benchmark_audit.py --images val/images --annotations val/instances.json --model yolov8n.pt
"""

import sys

if __name__ == "__main__":  # before the other imports, which take seconds
    from detcam.cli.main import run_script

    sys.exit(run_script(__file__))

import tempfile
from dataclasses import replace
from pathlib import Path
from time import perf_counter
from typing import Annotated

import typer

from detcam.audits.audit import audit
from detcam.cli.console import tracked
from detcam.cli.option_groups import Part, grouped
from detcam.cli.options import DataOptions, DetectorOptions
from detcam.errors import DataError
from detcam.imaging.image import load_image

BLOCK = 16  # photographs: detection and audit take turns, so that both meet the same other work on the machine


@grouped
def main(
    where: Annotated[DataOptions, Part(("images", "annotations", "classes", "min_score"))], options: DetectorOptions,
    count: Annotated[int, typer.Option(min=1, help="Photographs.")] = 200,
    layer: Annotated[list[str] | None, typer.Option(help="As in detcam audit.")] = None,
    batch: Annotated[int | None, typer.Option(min=1, max=BLOCK, help="As in detcam audit.")] = None,
) -> None:
    """Print seconds of detection alone (decoding, network, suppression), of the audit, and their ratio."""
    data = where.read()
    detector = options.load()
    chosen = data.photographs[:count]
    blocks = [chosen[start : start + BLOCK] for start in range(0, len(chosen), BLOCK)]
    if not blocks:
        raise DataError(f"{where.annotations}: lists no photograph")
    boxes, alone, audited = 0, 0.0, 0.0
    with tempfile.TemporaryDirectory() as folder:
        detector.detect(load_image(chosen[0].file))  # what is done once a process
        for number, block in enumerate(tracked(blocks, "blocks of photographs")):
            begun = perf_counter()
            for each in block:
                detector.detect(load_image(each.file))
            alone += perf_counter() - begun
            part, out = replace(data, photographs=block), Path(folder) / str(number)
            begun = perf_counter()
            boxes += audit(detector, part, out, classes=where.wanted, min_score=where.min_score, edges=False,
                           layer=layer or "depth", batch=batch).rows
            audited += perf_counter() - begun
    print(f"{len(chosen)} photographs, {boxes} rows: detection alone {alone:.1f} s, audit {audited:.1f} s, ratio "
          f"{audited / alone:.2f}")
