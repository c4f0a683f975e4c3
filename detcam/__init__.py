"""detcam: why does an object detector draw each of its boxes, and which edge is most likely wrong?"""

from detcam.attribution.heatmap import Heatmap
from detcam.attribution.method import Method
from detcam.attribution.methods.table import METHODS
from detcam.attribution.target import TARGETS, Target
from detcam.datasets.formats import read_data_set
from detcam.datasets.ground_truth import DataSet, GroundTruth
from detcam.detectors.base import Detector
from detcam.detectors.custom.adapt import adapt
from detcam.detectors.detections import Detections
from detcam.detectors.loading.load import load
from detcam.detectors.prediction import Prediction
from detcam.diagnosis.diagnose import diagnose
from detcam.diagnosis.result import Diagnosis
from detcam.errors import DetcamError
from detcam.explanations.explain import explain
from detcam.explanations.explanation import DetectionExplanation, Explanation
from detcam.imaging.geometry import Geometry
from detcam.imaging.image import Image, load_image
from detcam.store.read import load_explanations
from detcam.store.write import save
from detcam.verdicts.verdict import Verdict
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
