"""Every error that detcam raises on purpose.

DetcamError
├── InputError            a file, folder or argument is not what was expected (exit code 2)
│   ├── ImageError        a photograph cannot be read
│   ├── LayerError        no such layer, or one that cannot be explained
│   ├── MethodError       no such method, or a setting it does not take
│   ├── ClassNameError    no such class
│   ├── PlaceError        a place asked about is not in the photograph
│   ├── DataError         annotations or explanations that cannot be read
│   └── OutputError       output cannot be written
└── DetectorError         a model cannot be loaded or explained
    ├── WeightsError      weights are missing, unsafe to load or do not fit
    └── MismatchError     the adapter's detections are not the model's own

A message says what was expected, what came, and what to do next, in one line.
"""

from collections.abc import Iterable
from difflib import get_close_matches


class DetcamError(Exception):
    """Base of every error that detcam raises on purpose."""


class InputError(DetcamError, ValueError):
    """A file, folder or argument is not what was expected."""


class ImageError(InputError):
    """A photograph cannot be read."""


class LayerError(InputError):
    """No such layer, or a layer that cannot be explained."""


class MethodError(InputError):
    """No such method, or a setting that the method does not take."""


class ClassNameError(InputError):
    """The detector has no such class."""


class PlaceError(InputError):
    """A place asked about is not in the photograph, or not a place."""


class DataError(InputError):
    """Annotations or stored explanations cannot be read."""


class OutputError(InputError):
    """Output cannot be written."""


class DetectorError(DetcamError):
    """A model cannot be loaded or explained."""


class WeightsError(DetectorError):
    """Weights are missing, unsafe to load, or do not fit the model."""


class MismatchError(DetectorError):
    """The adapter's detections are not the ones that the model itself gives."""


def near(name: str, known: Iterable[str], limit: int = 4) -> str:
    """Words for the end of an error message: the known names nearest to ``name``, or some of them all."""
    names = list(known)
    close = get_close_matches(name, names, n=limit, cutoff=0.4)
    if close:
        return "did you mean " + ", ".join(close) + "?"
    shown = ", ".join(names[:12])
    return f"known: {shown}" + (", …" if len(names) > 12 else "")

STOPS = (MismatchError, WeightsError, LayerError, MethodError, ClassNameError, PlaceError, OutputError)
"""What no other photograph would change: these end a run. Everything else is one photograph's own failure."""


def error_words(error: Exception) -> str:
    """An error in one line; for errors that detcam does not raise itself, with their type."""
    words = " ".join(str(error).split())
    return words if isinstance(error, DetcamError) else f"{type(error).__name__}: {words}".rstrip(": ")


def printable(words: str) -> str:
    """The words without control characters and line breaks, which a file's name may hold."""
    return "".join(letter if letter.isprintable() else repr(letter)[1:-1] for letter in words)
