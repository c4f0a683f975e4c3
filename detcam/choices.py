"""What the words on a command line stand for: methods with settings, a canvas size, a detector."""

import re
import sys
from collections.abc import Sequence
from contextlib import redirect_stdout
from inspect import signature
from typing import Any

import torch

from detcam.attribution.methods import Method, get_method
from detcam.attribution.methods.table import METHODS
from detcam.detectors import Detector, load
from detcam.errors import DetcamError, DetectorError, InputError, MethodError

LARGEST = 8192  # canvas pixels on a side; beyond it a typing error is likelier than a wish


def chosen_methods(names: Sequence[str], samples: int | None, noise: float | None) -> list[Method]:
    """Methods by name, each once, with the settings that it takes.

    Raises:
        MethodError: there is no such method, or none of them takes a setting that was given.
    """
    settings = {name: value for name, value in (("samples", samples), ("noise", noise)) if value is not None}
    unused = set(settings)
    found = []
    for name in dict.fromkeys(names):
        takes = signature(get_method(name).function).parameters
        own: dict[str, Any] = {key: value for key, value in settings.items() if key in takes}
        unused -= set(own)
        found.append(get_method(name, **own))
    if unused:
        able = [name for name in METHODS if unused <= set(signature(get_method(name).function).parameters)]
        raise MethodError(f"--{min(unused)}: {', '.join(names)} takes no such setting; {', '.join(able)} does")
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


def load_detector(model: str, *, device: str, **options: Any) -> Detector:
    """:func:`detcam.load`, whatever goes wrong as one of detcam's errors, and nothing printed to stdout.

    Args:
        model, device: as :func:`detcam.load` takes them.
        options: its other options; None where one was not given.

    Raises:
        InputError: an option is not what was expected, does not fit the model, or there is no such device.
        DetectorError: the model cannot be loaded.
    """
    try:
        torch.zeros(1, device=device)
    except Exception as error:  # a wrong word, a missing driver, a number too high: many kinds
        raise InputError(f"--device {device!r}: cannot be used ({str(error).splitlines()[0][:150]}); expected cpu, "
                         "cuda, cuda:1 or mps") from None
    with redirect_stdout(sys.stderr):  # what libraries say while they are imported and load
        try:
            detector = load(model, device=device, **{key: each for key, each in options.items() if each is not None})
        except DetcamError:
            raise
        except Exception as error:
            raise DetectorError(f"{model}: cannot be loaded ({type(error).__name__}: {error})") from error
    return detector
