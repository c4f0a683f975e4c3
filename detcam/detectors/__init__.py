"""Detector families, each behind one adapter."""
