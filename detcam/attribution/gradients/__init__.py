"""Gradients of a box's target at layers and pixels, from as few passes as possible."""
