"""How much longer an audit takes than the detection alone, on the same photographs in the same run.

    python scripts/benchmark_audit.py --images val/images --annotations val/instances.json --model yolov8n.pt
"""

import tempfile
from dataclasses import replace
from pathlib import Path
from time import perf_counter
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import track

from detcam.audits.audit import audit
from detcam.cli.options import ClassNames, Device, ImageSize, Model, Weights, load_detector
from detcam.cli.script import run_script
from detcam.datasets.formats import read_data_set
from detcam.detectors.loading.load import SHIPPED
from detcam.errors import DataError
from detcam.imaging.image import load_image

BLOCK = 16  # photographs: detection and audit take turns, so that both meet the same other work on the machine


def benchmark_audit(
    images: Annotated[Path, typer.Option(help="Folder of photographs.")],
    annotations: Annotated[Path, typer.Option(help="COCO instances.json, YOLO data.yaml or VOC folder.")],
    model: Model = SHIPPED, weights: Weights = None, class_names: ClassNames = None, imgsz: ImageSize = None,
    device: Device = "cpu",
    classes: Annotated[list[str] | None, typer.Option("--class", help="Class in question; repeatable.")] = None,
    count: Annotated[int, typer.Option(min=1, help="Photographs.")] = 200,
    layer: Annotated[list[str] | None, typer.Option(help="As detcam audit takes it.")] = None,
    batch: Annotated[int | None, typer.Option(min=1, max=BLOCK, help="As detcam audit takes it.")] = None,
) -> None:
    """Print seconds of detection alone (decoding, network, suppression), of the audit, and their ratio."""
    data = read_data_set(annotations, images)
    detector = load_detector(model, weights, class_names, None, imgsz, device, None, False)
    chosen = data.photographs[:count]
    blocks = [chosen[start : start + BLOCK] for start in range(0, len(chosen), BLOCK)]
    if not blocks:
        raise DataError(f"{annotations}: lists no photograph")
    boxes, alone, audited = 0, 0.0, 0.0
    with tempfile.TemporaryDirectory() as folder:
        detector.detect(load_image(chosen[0].file))  # what is done once a process
        for number, block in enumerate(track(blocks, "photographs", console=Console(stderr=True), transient=True)):
            begun = perf_counter()
            for each in block:
                detector.detect(load_image(each.file))
            alone += perf_counter() - begun
            part, out = replace(data, photographs=block), Path(folder) / str(number)
            begun = perf_counter()
            boxes += audit(detector, part, out, classes=classes or ["person"], layer=layer or "depth", batch=batch).rows
            audited += perf_counter() - begun
    print(f"{len(chosen)} photographs, {boxes} rows: detection alone {alone:.1f} s, audit {audited:.1f} s, ratio "
          f"{audited / alone:.2f}")


if __name__ == "__main__":
    run_script(benchmark_audit)
