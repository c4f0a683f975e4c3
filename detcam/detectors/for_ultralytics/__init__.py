"""Adapters for ultralytics' detectors."""
