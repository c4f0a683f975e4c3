"""One photograph with its true boxes: what is wrong with every box, why an object was missed, and what was seen."""

from detcam.diagnosing.diagnose import diagnose, diagnose_together
from detcam.diagnosing.result import Diagnosis, MissedObject

__all__ = ["Diagnosis", "MissedObject", "diagnose", "diagnose_together"]
