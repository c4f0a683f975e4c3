"""How fast are detcam's heatmaps? Ratios against a plain forward pass and against peers, in the same process.

    python scripts/benchmark.py --json benchmark.json

Every row of the table is a process of its own: same model, photograph, rows, layer and frozen weights for both sides.
Weights are random unless `--yolo` names a checkpoint; the time does not depend on them.
"""

import json
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import torch
import typer
from rich.console import Console
from rich.progress import Progress
from rich.table import Table
from torch import Tensor, nn

from detcam.attribution.attribute import attribute
from detcam.attribution.methods import get_method
from detcam.attribution.target import TARGETS
from detcam.detectors import Detector, load
from detcam.detectors.base import Canvas, detections_of
from detcam.detectors.detections import Detections
from detcam.detectors.prediction import flatten_rows
from detcam.errors import DetcamError, InputError
from detcam.imaging import load_image
from detcam.script import run_script
from detcam.store.files import replaced

BOXES = (1, 4, 16, 64)
APART = 5  # cells between the rows of one level
REPEATS = 5
SLOW = 60.0  # seconds that a peer's single run may take before it is no longer repeated
SAMPLES = 8  # SmoothGrad
SSD, YOLO = "ssd300_vgg16", "yolov8n"
