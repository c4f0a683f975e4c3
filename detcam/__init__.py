"""detcam: why does an object detector draw each of its boxes, and which edge is most likely wrong?"""

from detcam.attribution.heatmap import Heatmap
from detcam.attribution.methods import METHODS, Method
from detcam.attribution.target import TARGETS, Target
from detcam.detectors import Detections, Detector, Prediction, adapt, load
from detcam.diagnosis.verdict import Verdict
from detcam.errors import DetcamError
from detcam.explain import explain
from detcam.explanation import DetectionExplanation, Explanation
from detcam.imaging import Geometry, Image, load_image
from detcam.store import load_explanations, save
from detcam.views import notebook

__all__ = [
    "METHODS",
    "TARGETS",
    "DetcamError",
    "DetectionExplanation",
    "Detections",
    "Detector",
    "Explanation",
    "Geometry",
    "Heatmap",
    "Image",
    "Method",
    "Prediction",
    "Target",
    "Verdict",
    "adapt",
    "explain",
    "load",
    "load_explanations",
    "load_image",
    "save",
]

notebook.register()  # an Explanation shows its figure when it is the last line of a cell
