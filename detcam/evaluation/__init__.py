"""Measuring how well detcam itself works. Nothing that runs for a user imports it."""
