"""Attribution methods, one small file each."""

from detcam.attribution.methods.named import get_method
from detcam.attribution.methods.table import METHODS, Method

__all__ = ["METHODS", "Method", "get_method"]
