"""Photographs, boxes, and where both lie on a model's canvas."""

from detcam.imaging.geometry import Geometry
from detcam.imaging.image import Image, load_image

__all__ = ["Geometry", "Image", "load_image"]
