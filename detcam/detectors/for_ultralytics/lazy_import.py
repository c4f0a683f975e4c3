"""Importing ultralytics without letting it change the process it is imported into."""

import os
import warnings
from types import ModuleType

import cv2
import numpy as np
import PIL.Image
import torch

from detcam.errors import DetectorError

TESTED_VERSION = "8.4.190"


def import_ultralytics() -> ModuleType:
    """The ultralytics package, with all that detcam needs of it; the process's settings stay as they were before.

    Importing ultralytics changes print options, OpenCV's thread count, environment variables, warning filters,
    ``torch.save``, and ``PIL.Image.open``, which then installs packages for photographs that it cannot read. (It also
    writes its own settings file, which it needs.) Its automatic installation of packages is switched off, unless it was
    imported before or ``YOLO_AUTOINSTALL`` is set.

    Raises:
        DetectorError: ultralytics is not installed.
    """
    environment = dict(os.environ)
    numpy_options = np.get_printoptions()
    torch_options = vars(torch._tensor_str.PRINT_OPTS).copy()
    threads, save, open_image = cv2.getNumThreads(), torch.save, PIL.Image.open
    filters = list(warnings.filters)
    os.environ.setdefault("YOLO_AUTOINSTALL", "false")
    try:
        import ultralytics
        import ultralytics.models.rtdetr
        import ultralytics.models.yolo.detect  # modules that detcam uses later: importing them changes settings too
        import ultralytics.nn.tasks
    except ImportError as error:
        raise DetectorError(f"a YOLO model needs the ultralytics package ({error}): pip install ultralytics") from None
    finally:
        os.environ.clear()
        os.environ.update(environment)
        np.set_printoptions(**numpy_options)
        torch.set_printoptions(**torch_options)
        cv2.setNumThreads(threads)
        torch.save = save
        PIL.Image.open = open_image
        warnings.filters[:] = filters  # type: ignore[index]
    return ultralytics
