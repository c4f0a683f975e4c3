"""One photograph with its true boxes: what is wrong with every box, why an object was missed, and what was seen."""

from detcam.diagnosing.diagnose import diagnose
from detcam.diagnosing.result import Diagnosis, MissedObject

__all__ = ["Diagnosis", "MissedObject", "diagnose"]
