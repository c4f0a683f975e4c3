"""Detectors that a user describes: a network of any architecture, or a plain callable."""
