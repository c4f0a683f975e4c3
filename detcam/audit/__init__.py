"""A whole data set: every detection and every missed object as a row, and what they say together."""

from detcam.audit.walk import Outcome, audit

__all__ = ["Outcome", "audit"]
