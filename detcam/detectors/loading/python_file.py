"""A function in a user's Python file, and what it makes."""

import importlib.util
from collections.abc import Callable
from pathlib import Path
from typing import Any

from torch import nn

from detcam.detectors.base import Detector
from detcam.detectors.for_torchvision.registry import WORDS
from detcam.detectors.loading.request import Request
from detcam.errors import DetectorError, InputError, near


def function_in(path: Path, name: str) -> Callable[..., Any]:
    """Run a Python file and take a function of it, by its name.

    Raises:
        InputError: there is no such file or function.
        DetectorError: the file raises an error.
    """
    spec = importlib.util.spec_from_file_location(f"detcam_model_{path.stem}", path)
    if not path.is_file() or spec is None or spec.loader is None:
        raise InputError(f"{path}: no such Python file")
    module = importlib.util.module_from_spec(spec)
    try:
        spec.loader.exec_module(module)
    except Exception as error:  # a user's file may raise anything
        raise DetectorError(f"{path}: cannot be run ({type(error).__name__}: {error})") from error
    function = getattr(module, name, None)
    if not callable(function):
        names = [key for key, value in vars(module).items()
                 if getattr(value, "__module__", None) == module.__name__ and callable(value)]
        raise InputError(f"{path} has no function {name!r}: {near(name, names)}")
    taken: Callable[..., Any] = function
    return taken


def open_function(request: Request) -> Request:
    """The request for what the function of ``FILE.py:FUNCTION`` makes; the file's code is run.

    A network runs on the CPU unless told otherwise; a callable and a detector run where they run, and take no device.

    Raises:
        InputError: there is no such file or function.
        DetectorError: the file or the function raises an error, or makes nothing that can be explained.
    """
    file, _, function = request.model.rpartition(":")
    make = function_in(Path(file), function)
    try:
        model = make()
    except Exception as error:
        raise DetectorError(f"{request.model}: building the model failed ({type(error).__name__}: {error})") from error
    name = f"{Path(file).name}:{function}"
    options = dict(request.options)
    device = options.pop("device", None) or "cpu"
    if isinstance(model, nn.Module):
        return Request(model, name, {**options, "device": device}, request.unsafe)
    if isinstance(model, Detector) or callable(model):
        return Request(model, name, options, request.unsafe)
    raise DetectorError(f"{request.model}: expected the function to return a model of torchvision's ({WORDS}) or "
                        f"another network, a detector or a callable, got {type(model).__name__}")
