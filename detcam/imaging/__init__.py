"""Photographs, boxes, and where both lie on a model's canvas."""
