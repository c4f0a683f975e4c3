"""How much of one box's score an occlusion must take to be mentioned."""

from detcam.diagnosis.attention.shortcuts import CONTEXT, CORNERS, SPREAD
from detcam.diagnosis.interventions.shortcut_probes import LEFT_RIGHT, TOP_BOTTOM

BOX_LIMITS = {CORNERS: 0.25, SPREAD: 0.80, CONTEXT: 0.40, LEFT_RIGHT: 0.95, TOP_BOTTOM: 1.15}
"""Probe to the share of the score: about 1 in 100 boxes of tiny detectors without faults passes each.

On YOLOv8n more do: one in ten for a half, 4 % for everything around. So a sentence about one box says what occlusion
did to it, and never that the detector takes a shortcut; that takes an audit.
"""
