"""Adapters for torchvision's detectors."""
