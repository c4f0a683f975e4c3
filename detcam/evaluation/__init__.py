"""Measuring detcam itself. Nothing that runs for a user imports it."""
