"""Tiny person detectors with planted faults, and the pictures that they learn from and are audited on.

From the ground up: stock (cut-outs and backgrounds), scenes (what stands where, drawn at random), picture (a scene as
pixels), network, training, zoo (the detectors and the audit folders, cached).
"""
