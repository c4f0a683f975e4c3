"""From a plain callable, or from a detector that is one already, to the detector."""

from detcam.detectors.base import Detector
from detcam.detectors.custom.black_box import BlackBoxDetector
from detcam.detectors.loading.class_names import read_class_names
from detcam.detectors.loading.request import Request


def as_it_is(request: Request) -> Detector:
    """A detector that needs nothing done."""
    detector: Detector = request.model
    return detector


def load_callable(request: Request) -> Detector:
    """The detector around a callable from a photograph to boxes, labels and scores.

    Raises:
        InputError: no class names were given, or they cannot be read.
    """
    class_names = read_class_names(request.options.get("class_names"), first=0)
    return BlackBoxDetector(request.model, class_names, request.name)
