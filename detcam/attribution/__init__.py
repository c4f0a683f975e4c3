"""Boxes to raw heatmaps: targets, gradients, and the methods that combine them."""
