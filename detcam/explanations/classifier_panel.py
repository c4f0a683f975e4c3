"""A classifier's maps of a photograph beside a detector's boxes on it."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from detcam.attribution.layers.names import AUTO
from detcam.detectors.base import CLASSIFY, Detector
from detcam.detectors.detections import Detections
from detcam.errors import InputError
from detcam.explanations.build import numbered_detections
from detcam.explanations.explain import explain
from detcam.explanations.explanation import Explanation
from detcam.imaging.image import load_image
from detcam.measures.outline_clarity import clarity

COARSE, SHARP = "gradcam", "guided_gradcam"
MOST = 12  # boxes beside which a line of numbers stands


@dataclass(frozen=True)
class Panel:
    """What the two networks say about one photograph.

    Attributes:
        classified: the classifier's likeliest class, under Grad-CAM and Guided Grad-CAM.
        detections: the detector's boxes, best score first.
        class_names: the detector's.
        detector: its name.
        clarity: ``[N]`` how clear the outline within each box is (:func:`detcam.measures.outline_clarity.clarity`); NaN
            for boxes that the classifier does not see, or that are too small.
    """

    classified: Explanation
    detections: Detections
    class_names: dict[int, str]
    detector: str
    clarity: NDArray[np.float64]


def panel(classifier: Detector, detector: Detector, image: Any, *, min_score: float | None = None,
          max_boxes: int | None = MOST) -> Panel:
    """Look at a photograph with a classifier and with a detector.

    Args:
        classifier: from :func:`detcam.load`; its likeliest class is explained.
        detector: whose boxes are drawn.
        image: a path, PIL image, uint8 NumPy array ``[H, W, 3]`` RGB or torch tensor ``[3, H, W]``.
        min_score: detections with a score above this; None is the detector's own threshold.
        max_boxes: at most so many, best score first; None for all.

    Raises:
        InputError: one of the two is not what was expected.
    """
    if classifier.task != CLASSIFY:
        raise InputError(f"{classifier.name} is no classifier: give one, such as squeezenet1_1, or timm:resnet18")
    if detector.task == CLASSIFY:
        raise InputError(f"{detector.name} is a classifier and draws no boxes: give a detector")
    photo = load_image(image)
    classified = explain(classifier, photo, method=[COARSE, SHARP], layer=AUTO, max_boxes=1)
    found = numbered_detections(detector.detect(photo, min_score), None)[:max_boxes]
    sharp = classified.maps[1].heatmaps[0]
    return Panel(classified, found, detector.class_names, detector.name, clarity(sharp, found.boxes))
