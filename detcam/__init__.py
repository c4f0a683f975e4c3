"""detcam: why does an object detector draw each of its boxes, and which edge is most likely wrong?"""

from detcam.attribution.heatmap import Heatmap
from detcam.attribution.methods import METHODS, Method
from detcam.attribution.target import TARGETS, Target
from detcam.data import DataSet, GroundTruth, read_data_set
from detcam.detectors import Detections, Detector, Prediction, adapt, load
from detcam.diagnosing import Diagnosis, diagnose
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
    "DataSet",
    "DetcamError",
    "DetectionExplanation",
    "Detections",
    "Detector",
    "Diagnosis",
    "Explanation",
    "Geometry",
    "GroundTruth",
    "Heatmap",
    "Image",
    "Method",
    "Prediction",
    "Target",
    "Verdict",
    "adapt",
    "diagnose",
    "explain",
    "load",
    "load_explanations",
    "load_image",
    "read_data_set",
    "save",
]

notebook.register()  # an Explanation shows its figure when it is the last line of a cell
