"""What the words on a command line stand for: methods with settings, and a detector with its options."""

import re
import sys
from collections.abc import Mapping, Sequence
from contextlib import redirect_stdout
from enum import Enum
from pathlib import Path
from typing import Annotated, Any

import torch
import typer

from detcam.attribution.inputs.baselines import STARTS
from detcam.attribution.method import Method
from detcam.attribution.methods.registry import get_method, takes
from detcam.attribution.methods.settings import read_settings
from detcam.attribution.methods.table import METHODS
from detcam.detectors.base import Detector
from detcam.detectors.for_torchvision.registry import NAMES
from detcam.detectors.loading.load import load
from detcam.errors import DetcamError, DetectorError, InputError, MethodError, PlaceError

QUICK: dict[str, dict[str, Any]] = {  # coarse, but seconds instead of minutes
    "drise": {"samples": 500},  # a tenth of the paper's
    "blur_ig": {"steps": 25, "tolerance": 0.1},
    "guided_ig": {"steps": 25},
    "integrated_gradients": {"steps": 25, "tolerance": 0.1},
    "xrai": {"steps": 25, "tolerance": 0.1},
}
LARGEST = 8192  # canvas pixels on a side; beyond it a typing error is likelier than a wish


def chosen_methods(words: Sequence[str], settings: Mapping[str, Any]) -> list[Method]:
    """Methods by name, with or without settings of their own, each once, with the settings that it takes.

    Args:
        words: such as ``"hirescam"`` or ``"smoothgrad+hirescam:samples=8"``.
        settings: for all that take them; None for those that were not given.

    Raises:
        MethodError: there is no such method, none of them takes a setting that was given, or one is named twice.
        InputError: there is no such baseline.
    """
    given = {name: value for name, value in settings.items() if value is not None}
    if given.get("baseline", "black") not in STARTS:
        raise InputError(f"--baseline {given['baseline']!r}: expected {', '.join(list(STARTS)[:-1])} or "
                         f"{list(STARTS)[-1]}")
    unused, found = set(given), []
    for each in dict.fromkeys(words):
        name, own = read_settings(each)
        fitting = {key: value for key, value in given.items() if key in takes(name)}
        unused -= set(fitting)
        found.append(get_method(name, **{**fitting, **own}))
    names = [method.name for method in found]
    twice = [name for name in names if names.count(name) > 1]
    if twice:
        raise MethodError(f"--method {twice[0]} is named twice: its maps could not be told apart; run it again instead")
    if unused:
        able = [name for name in METHODS if unused <= set(takes(name))]
        raise MethodError(f"--{min(unused)}: {', '.join(names)} takes no such setting; {', '.join(able) or 'none'} "
                          f"{'does' if len(able) <= 1 else 'do'}")
    return found


def quick_methods(settings: Mapping[str, Any]) -> list[Method]:
    """Every method once (not its other names), with fewer passes for the longest, where ``settings`` do not say."""
    names: dict[str, str] = {}
    for name, entry in METHODS.items():
        names.setdefault(entry.where, name)
    found = []
    for name in names.values():
        own = {key: value for key, value in settings.items() if value is not None and key in takes(name)}
        found.append(get_method(name, **{**QUICK.get(name, {}), **own}))
    return found


def canvas_size(words: str | None) -> int | tuple[int, int] | None:
    """``"640"`` as 640, ``"480x640"`` as (480, 640), height first.

    Raises:
        InputError: it is neither, or out of range.
    """
    if words is None:
        return None
    match = re.fullmatch(r"(\d{1,6})(?:[x,](\d{1,6}))?", words)
    sides = [int(side) for side in match.groups() if side] if match else []
    if not sides or not all(32 <= side <= LARGEST for side in sides):
        raise InputError(f"--imgsz {words!r}: expected 640 or HEIGHTxWIDTH, from 32 to {LARGEST} pixels")
    return sides[0] if len(sides) == 1 else (sides[0], sides[1])


def numbers_of(option: str, words: Sequence[str], shape: str, example: str) -> list[tuple[float, ...]] | None:
    """``["320,240"]`` as ``[(320.0, 240.0)]`` for an option that may be repeated; None where it was not given.

    Args:
        option: its name, for the message.
        words: what was given.
        shape: what is expected, such as ``"X,Y"``.
        example: one of those.

    Raises:
        PlaceError: something else was given.
    """
    found = []
    for each in words:
        parts = [part.strip() for part in each.split(",")]
        if len(parts) != shape.count(",") + 1 or not all(re.fullmatch(r"-?\d{1,9}(\.\d*)?", part) for part in parts):
            raise PlaceError(f"{option} {each!r}: expected {shape} in pixels of the photograph, such as {example}")
        found.append(tuple(map(float, parts)))
    return found or None


class Activation(str, Enum):
    """How an SSD's logits become scores."""

    softmax = "softmax"
    sigmoid = "sigmoid"


class Head(str, Enum):
    """The head of an end-to-end YOLO model."""

    one2many = "one2many"
    one2one = "one2one"


Model = Annotated[str, typer.Option(
    help="detcam-person-ssd, which ships with detcam; a .pt file of a YOLO or RT-DETR, or a published name "
         "(yolov8n.pt, yolov5nu.pt, yolo12n.pt, rtdetr-l.pt); a folder with a DETR of transformers, or a published "
         f"name (facebook/detr-resnet-50); a name of torchvision's ({', '.join(NAMES)}, or a classifier such as "
         "resnet18), one of timm's (timm:resnet18), or FILE.py:FUNCTION that builds a model of torchvision's or a "
         "detector of your own (runs that file).")]
Weights = Annotated[Path | None, typer.Option(help="State dict to load into a model of torchvision's.")]
ClassNames = Annotated[Path | None, typer.Option(help="Class names of a model of torchvision's, one a line, from label "
                                                      "1 on, of a classifier from 0.")]
HeadChoice = Annotated[Head | None, typer.Option(help="Head of an end-to-end YOLO; otherwise what predict runs.")]
ImageSize = Annotated[str | None, typer.Option(
    "--imgsz", help="Canvas size of a YOLO or RT-DETR, 640 or HEIGHTxWIDTH; otherwise the checkpoint's.")]
Device = Annotated[str, typer.Option(help="cpu, cuda, cuda:1, mps.")]
ScoreActivation = Annotated[Activation | None, typer.Option(help="How an SSD turns logits into scores: softmax.")]
TopK = Annotated[int | None, typer.Option(min=1, help="How many of a classifier's classes are explained: 5.")]
Unsafe = Annotated[bool, typer.Option("--unsafe", help="Load a pickled checkpoint by running the code in it.")]


def load_detector(model: str, weights: Path | None, class_names: Path | None, head: Head | None, imgsz: str | None,
                  device: str, score_activation: Activation | None, unsafe: bool,
                  top_k: int | None = None) -> Detector:
    """:func:`detcam.load`, whatever goes wrong as one of detcam's errors, and nothing printed to stdout.

    The arguments are the options of the same names.

    Raises:
        InputError: an option is not what was expected, does not fit the model, or there is no such device.
        DetectorError: the model cannot be loaded.
    """
    try:
        torch.zeros(1, device=device)
    except Exception as error:  # a wrong word, a missing driver, a number too high: many kinds
        raise InputError(f"--device {device!r}: cannot be used ({str(error).splitlines()[0][:150]}); expected cpu, "
                         "cuda, cuda:1 or mps") from None
    given: dict[str, Any] = {"weights": weights, "class_names": class_names, "head": head and head.value,
                             "imgsz": canvas_size(imgsz), "device": device, "unsafe": unsafe,
                             "score_activation": score_activation and score_activation.value, "top_k": top_k}
    with redirect_stdout(sys.stderr):  # what libraries say while they are imported and load
        try:
            detector = load(model, **given)
        except DetcamError:
            raise
        except Exception as error:
            raise DetectorError(f"{model}: cannot be loaded ({type(error).__name__}: {error})") from error
    return detector
