"""A detector from the words of a command line."""

import sys
from contextlib import redirect_stdout
from typing import Any

import torch

from detcam.detectors.base import Detector
from detcam.detectors.loading.load import load
from detcam.errors import DetcamError, DetectorError, InputError


def loaded(model: str, device: str, **options: Any) -> Detector:
    """:func:`detcam.load`, whatever goes wrong as one of detcam's errors, and nothing printed to stdout.

    Args:
        model, device, options: as :func:`detcam.load` takes them.

    Raises:
        InputError: an option does not fit the model, or there is no such device.
        DetectorError: the model cannot be loaded.
    """
    try:
        torch.zeros(1, device=device)
    except Exception as error:  # a wrong word, a missing driver, a number too high: many kinds
        raise InputError(f"--device {device!r}: cannot be used ({str(error).splitlines()[0][:150]}); expected cpu, "
                         "cuda, cuda:1 or mps") from None
    with redirect_stdout(sys.stderr):  # what libraries say while they are imported and load
        try:
            return load(model, device=device, **options)
        except DetcamError:
            raise
        except Exception as error:
            raise DetectorError(f"{model}: cannot be loaded ({type(error).__name__}: {error})") from error
