"""A function in a user's Python file."""

import importlib.util
from collections.abc import Callable
from pathlib import Path
from typing import Any

from detcam.errors import DetectorError, InputError, near


def function_in(path: Path, name: str) -> Callable[..., Any]:
    """Run a Python file and take a function of it.

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
    found: Callable[..., Any] = function
    return found
