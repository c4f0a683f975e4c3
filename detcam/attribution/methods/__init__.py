"""Attribution methods, one small file each."""

from detcam.attribution.methods.table import METHODS, Method, get_method

__all__ = ["METHODS", "Method", "get_method"]
