"""Adapters for transformers' detectors."""
