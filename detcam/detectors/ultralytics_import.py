"""Importing ultralytics without letting it change the process it is imported into."""

import os
from types import ModuleType

import cv2
import numpy as np
import torch

from detcam.errors import DetectorError

TESTED_VERSION = "8.4.190"


def import_ultralytics() -> ModuleType:
    """The ultralytics package; NumPy's, torch's and OpenCV's settings stay as they were before.

    Importing ultralytics changes print options, OpenCV's thread count, ``torch.save`` and environment variables
    (it also writes its own settings file, which it needs).

    Raises:
        DetectorError: ultralytics is not installed.
    """
    environment = dict(os.environ)
    numpy_options = np.get_printoptions()
    torch_options = vars(torch._tensor_str.PRINT_OPTS).copy()
    threads, save = cv2.getNumThreads(), torch.save
    try:
        import ultralytics
        import ultralytics.utils
    except ImportError as error:
        raise DetectorError(f"a YOLO model needs the ultralytics package ({error}): pip install ultralytics") from None
    finally:
        os.environ.clear()
        os.environ.update(environment)
        np.set_printoptions(**numpy_options)
        torch.set_printoptions(**torch_options)
        cv2.setNumThreads(threads)
        torch.save = save
    return ultralytics
