"""detcam: why does an object detector draw each of its boxes, and which edge is most likely wrong?"""

import sys
from importlib import import_module
from typing import TYPE_CHECKING, Any

from detcam.version import __version__ as __version__

if TYPE_CHECKING:
    from detcam.attribution.heatmap import Heatmap
    from detcam.attribution.method import Method
    from detcam.attribution.methods.table import METHODS
    from detcam.attribution.target import TARGETS, Target
    from detcam.audits.audit import audit
    from detcam.audits.comparison import compare
    from detcam.audits.table import read_table
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
    "audit",
    "compare",
    "diagnose",
    "explain",
    "load",
    "load_explanations",
    "load_image",
    "read_data_set",
    "read_table",
    "save",
]

_MODULES = {  # where each public name is defined; its module is imported when the name is first asked for
    "METHODS": "detcam.attribution.methods.table",
    "TARGETS": "detcam.attribution.target",
    "DataSet": "detcam.datasets.ground_truth",
    "DetcamError": "detcam.errors",
    "DetectionExplanation": "detcam.explanations.explanation",
    "Detections": "detcam.detectors.detections",
    "Detector": "detcam.detectors.base",
    "Diagnosis": "detcam.diagnosis.result",
    "Explanation": "detcam.explanations.explanation",
    "Geometry": "detcam.imaging.geometry",
    "GroundTruth": "detcam.datasets.ground_truth",
    "Heatmap": "detcam.attribution.heatmap",
    "Image": "detcam.imaging.image",
    "Method": "detcam.attribution.method",
    "Prediction": "detcam.detectors.prediction",
    "Target": "detcam.attribution.target",
    "Verdict": "detcam.verdicts.verdict",
    "adapt": "detcam.detectors.custom.adapt",
    "audit": "detcam.audits.audit",
    "compare": "detcam.audits.comparison",
    "diagnose": "detcam.diagnosis.diagnose",
    "explain": "detcam.explanations.explain",
    "load": "detcam.detectors.loading.load",
    "load_explanations": "detcam.store.read",
    "load_image": "detcam.imaging.image",
    "read_data_set": "detcam.datasets.formats",
    "read_table": "detcam.audits.table",
    "save": "detcam.store.write",
}


if not TYPE_CHECKING:  # which would allow any name
    def __getattr__(name: str) -> Any:
        if name not in _MODULES:
            raise AttributeError(f"module 'detcam' has no attribute {name!r}")
        found = globals()[name] = getattr(import_module(_MODULES[name]), name)
        return found


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})


if "IPython" in sys.modules:  # an Explanation shows its figure when it is the last line of a cell
    from detcam.views.notebook import register

    register()
