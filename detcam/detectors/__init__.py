"""Detector families, each behind one adapter."""

from detcam.detectors.adapt import adapt
from detcam.detectors.base import Canvas, Detector
from detcam.detectors.detections import Detections
from detcam.detectors.load import load
from detcam.detectors.prediction import Prediction

__all__ = ["Canvas", "Detections", "Detector", "Prediction", "adapt", "load"]
